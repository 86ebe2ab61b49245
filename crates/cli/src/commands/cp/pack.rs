//! Files here as a tar stream.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tar::{Builder, EntryType, Header};

use super::path::system_failure;
use crate::failure::{Failure, Result};

/// Packs `path` under the name `root` in a thread of its own; what goes wrong is left in `failed`, and the
/// stream then breaks off.
///
/// # Errors
/// No pipe or thread can be had.
pub(super) fn start(path: &Path, root: String, failed: Arc<Mutex<Option<Failure>>>) -> Result<Packed> {
    let (reader, writer) = io::pipe()?;
    let path = path.to_owned();
    let shared = Arc::clone(&failed);
    std::thread::Builder::new().name(String::from("pack")).spawn(move || {
        // The guard is held until the pipe is closed: whoever sees its end then sees the failure too.
        let mut slot = shared.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = pack(&path, &root, writer).err();
    })?;
    Ok(Packed { reader, failed })
}

/// The stream; its end is an error when packing failed.
pub(super) struct Packed {
    reader: PipeReader,
    failed: Arc<Mutex<Option<Failure>>>,
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count == 0 && self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Err(io::Error::other("the files could not be read"));
        }
        Ok(count)
    }
}

fn pack(path: &Path, root: &str, writer: PipeWriter) -> Result<()> {
    let mut builder = Builder::new(io::BufWriter::with_capacity(64 * 1024, writer));
    builder.follow_symlinks(false);
    builder.sparse(false);
    let mut links = HashMap::new();
    let mut pending = vec![(path.to_owned(), PathBuf::from(root))];
    while let Some((path, name)) = pending.pop() {
        let failure = |error: io::Error| system_failure("open", &path.to_string_lossy(), &error);
        let metadata = path.symlink_metadata().map_err(failure)?;
        append(&mut builder, &path, &name, &metadata, &mut links).map_err(failure)?;
        if metadata.is_dir() {
            let mut children: Vec<PathBuf> = path
                .read_dir()
                .map_err(failure)?
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<_>>()?;
            children.sort();
            for child in children.into_iter().rev() {
                let name = name.join(child.file_name().unwrap_or_default());
                pending.push((child, name));
            }
        }
    }
    builder.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

fn append(
    builder: &mut Builder<io::BufWriter<PipeWriter>>,
    path: &Path,
    name: &Path,
    metadata: &Metadata,
    links: &mut HashMap<(u64, u64), PathBuf>,
) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_socket() {
        // A socket cannot be copied; tar files have no such thing.
        return Ok(());
    }
    if kind.is_file() && metadata.nlink() > 1 {
        if let Some(first) = links.get(&(metadata.dev(), metadata.ino())) {
            let mut header = header_of(metadata);
            header.set_entry_type(EntryType::Link);
            header.set_size(0);
            return builder.append_link(&mut header, name, first);
        }
        links.insert((metadata.dev(), metadata.ino()), name.to_owned());
    }
    let mut header = header_of(metadata);
    header.set_size(0);
    if kind.is_file() {
        capability(builder, path)?;
        header.set_entry_type(EntryType::Regular);
        header.set_size(metadata.len());
        // Exactly as many bytes as the header says, whatever happens to the file meanwhile.
        let file = std::fs::File::open(path)?.take(metadata.len());
        return builder.append_data(&mut header, name, file);
    }
    if kind.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        return builder.append_link(&mut header, name, std::fs::read_link(path)?);
    }
    header.set_entry_type(match kind {
        _ if kind.is_dir() => EntryType::Directory,
        _ if kind.is_char_device() => EntryType::Char,
        _ if kind.is_block_device() => EntryType::Block,
        _ => EntryType::Fifo,
    });
    if kind.is_char_device() || kind.is_block_device() {
        header.set_device_major(rustix::fs::major(metadata.rdev()))?;
        header.set_device_minor(rustix::fs::minor(metadata.rdev()))?;
    }
    builder.append_data(&mut header, name, io::empty())
}

fn header_of(metadata: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata(metadata);
    header
}

/// A file's capabilities, as the extended header that Docker's tar files have.
fn capability(builder: &mut Builder<io::BufWriter<PipeWriter>>, path: &Path) -> io::Result<()> {
    const NAME: &str = "security.capability";
    let mut value = [0_u8; 64];
    match rustix::fs::lgetxattr(path, NAME, &mut value) {
        Ok(count) if count > 0 => {
            builder.append_pax_extensions([("SCHILY.xattr.security.capability", &value[..count])])
        }
        _ => Ok(()),
    }
}
