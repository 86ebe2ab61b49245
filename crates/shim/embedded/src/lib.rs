//! The shim and hello programs, carried inside `sampan`.
//!
//! Both are built small by this crate's build script, whatever the profile of the outer build.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Mutex;

use sampan_error::{Error, Result};

static SHIM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sampan-shim"));
static HELLO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sampan-hello"));

/// The program of the built-in image `hello`: a static executable for this machine.
pub fn hello_program() -> &'static [u8] {
    HELLO
}

/// The shim program: a static executable for this machine. To start it, use [`seal`].
pub fn shim_program() -> &'static [u8] {
    SHIM
}

/// The shim program in a sealed memory file, made once per process: start it by descriptor.
///
/// A container can reach the file behind its init through /proc, but nobody can change it any more
/// (CVE-2019-5736). All shims of one daemon share its pages.
///
/// # Errors
/// No memory file can be made, or /proc is not mounted.
pub fn seal() -> Result<OwnedFd> {
    static SEALED: Mutex<Option<OwnedFd>> = Mutex::new(None);
    let failed = |error: std::io::Error| {
        Error::internal("cannot put the shim program into a sealed memory file").caused_by(error)
    };
    // A panic of another holder leaves either nothing or a good descriptor.
    let mut sealed = SEALED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let file = match sealed.take() {
        Some(file) => file,
        None => sampan_sys::memfd::sealed(c"sampan-shim", SHIM).map_err(failed)?,
    };
    let copy = file.try_clone();
    *sealed = Some(file);
    copy.map_err(failed)
}

/// Whether `file` is a sealed program as [`seal`] makes it.
pub fn is_sealed(file: BorrowedFd<'_>) -> bool {
    sampan_sys::memfd::is_sealed(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn both_programs_are_small_static_executables() {
        for (name, program) in [("shim", shim_program()), ("hello", hello_program())] {
            assert_eq!(&program[..4], b"\x7fELF", "{name}");
            // The type ET_EXEC: not position-independent, so that its pages stay shared.
            assert_eq!(program[16], 2, "{name}");
            // The C library and Rust's own take 1.1 MB of each.
            assert!(program.len() < 1_900_000, "{name} has {} bytes", program.len());
        }
    }

    #[test]
    fn the_seal_is_made_once() {
        let (first, second) = (seal().unwrap(), seal().unwrap());
        assert!(is_sealed(first.as_fd()));
        let inode = |fd: &OwnedFd| {
            use std::os::unix::fs::MetadataExt;
            std::fs::File::from(fd.try_clone().unwrap()).metadata().unwrap().ino()
        };
        assert_eq!(inode(&first), inode(&second));
    }
}
