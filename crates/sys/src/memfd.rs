//! Programs and data in memory that nobody can change any more.

use std::ffi::CStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create, open};

/// A sealed memory file that holds `content` and can be executed (see [`crate::process::spawn`]).
///
/// The descriptor is read-only and no writable one exists any more; the seals forbid writing, growing and
/// shrinking for good, so that a container which reaches it through /proc cannot change it (CVE-2019-5736).
///
/// # Errors
/// As memfd_create(2), write(2), fcntl(2); `/proc` must be mounted.
pub fn sealed(name: &CStr, content: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = memfd_create(name, flags | MemfdFlags::EXEC).or_else(|_| memfd_create(name, flags))?;
    let mut file = std::fs::File::from(file);
    file.write_all(content)?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    // A program that somebody holds open for writing cannot be executed (ETXTBSY): keep a read-only one.
    let path = crate::descriptor::proc_path(&file);
    Ok(open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Says whether `fd` is a memory file with all the seals that [`sealed`] sets.
pub fn is_sealed(fd: impl AsFd) -> bool {
    let wanted = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_cannot_be_opened_for_writing_with_effect() {
        let fd = sealed(c"test", b"content").unwrap();
        assert!(is_sealed(&fd));
        assert!(rustix::io::write(&fd, b"x").is_err());
        let path = crate::descriptor::proc_path(&fd);
        if let Ok(mut again) = std::fs::OpenOptions::new().write(true).open(&path) {
            assert!(again.write_all(b"x").is_err());
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
    }
}
