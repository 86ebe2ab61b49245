//! Putting a layer's tar stream together again.

use super::{END, RAW, STRETCH, Shadow};
use crate::error::{Doing, Result, StorageError};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

const COPY: usize = 256 << 10;

/// Writes the stream of the layer whose files lie in `tree` and `shadows`, by its `split` file.
pub(crate) fn rebuild(
    split: &Path,
    tree: &Path,
    shadow_directory: &Path,
    shadows: &[Shadow],
    out: &mut dyn Write,
) -> Result<()> {
    let file = File::open(split).doing(|| format!("opening {}", split.display()))?;
    let decoder = zstd::stream::read::Decoder::new(file).doing(|| "starting zstd".into())?;
    let mut rebuilder = Rebuilder {
        input: BufReader::with_capacity(128 << 10, decoder),
        tree: open_directory(tree)?,
        shadow_directory: if shadows.is_empty() { None } else { Some(open_directory(shadow_directory)?) },
        shadows: shadows.iter().map(|shadow| (shadow.position, shadow.path())).collect(),
        position: 0,
        last: None,
        buffer: vec![0; COPY],
    };
    rebuilder.run(out)
}

fn open_directory(path: &Path) -> Result<OwnedFd> {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .doing(|| format!("opening {}", path.display()))
}

struct Rebuilder<R> {
    input: R,
    tree: OwnedFd,
    shadow_directory: Option<OwnedFd>,
    shadows: Vec<(u64, Vec<u8>)>,
    position: u64,
    /// The file of the last stretch: a sparse file has several.
    last: Option<(Vec<u8>, File)>,
    buffer: Vec<u8>,
}

fn damaged(what: impl std::fmt::Display) -> StorageError {
    StorageError::Damaged(format!("a stored layer is damaged: {what}"))
}

fn sent(error: std::io::Error) -> StorageError {
    StorageError::io("sending a layer", error)
}

impl<R: Read> Rebuilder<R> {
    fn run(&mut self, out: &mut dyn Write) -> Result<()> {
        loop {
            match self.byte()? {
                RAW => {
                    let mut left = self.number()?;
                    while left > 0 {
                        let length = left.min(COPY as u64) as usize;
                        self.input.read_exact(&mut self.buffer[..length]).map_err(damaged)?;
                        out.write_all(&self.buffer[..length]).map_err(sent)?;
                        left -= length as u64;
                    }
                }
                STRETCH => self.stretch(out)?,
                END => return Ok(()),
                other => return Err(damaged(format!("record {other} in its split file"))),
            }
        }
    }

    fn stretch(&mut self, out: &mut dyn Write) -> Result<()> {
        let length = self.number()?;
        let mut path =
            vec![0; usize::try_from(length).ok().filter(|l| *l < 1 << 20).ok_or_else(|| damaged("a name"))?];
        self.input.read_exact(&mut path).map_err(damaged)?;
        let mut offset = self.number()?;
        let mut left = self.number()?;
        self.position += 1;
        if self.last.as_ref().is_none_or(|(last, _)| *last != path) || !self.shadows.is_empty() {
            let file = self.open(&path)?;
            self.last = Some((path, file));
        }
        let Some((path, file)) = &self.last else { return Ok(()) };
        while left > 0 {
            let wanted = left.min(COPY as u64) as usize;
            let got = file
                .read_at(&mut self.buffer[..wanted], offset)
                .doing(|| format!("reading {}", String::from_utf8_lossy(path)))?;
            if got == 0 {
                return Err(damaged(format!("{} is too short", String::from_utf8_lossy(path))));
            }
            out.write_all(&self.buffer[..got]).map_err(sent)?;
            offset += got as u64;
            left -= got as u64;
        }
        Ok(())
    }

    /// Opens a file where it is now: in the tree, or where a later entry put it aside.
    fn open(&self, path: &[u8]) -> Result<File> {
        let aside = self.shadows.iter().enumerate().find(|(_, (position, shadow))| {
            *position >= self.position
                && path.strip_prefix(shadow.as_slice()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        });
        let (directory, inside) = match (aside, &self.shadow_directory) {
            (Some((number, (_, shadow))), Some(directory)) => {
                (directory, [number.to_string().as_bytes(), &path[shadow.len()..]].concat())
            }
            _ => (&self.tree, path.to_vec()),
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        openat2(directory, OsStr::from_bytes(&inside), flags, Mode::empty(), resolve)
            .map(File::from)
            .map_err(|error| damaged(format!("{}: {error}", String::from_utf8_lossy(path))))
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte).map_err(damaged)?;
        Ok(byte[0])
    }

    fn number(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("a number"))
    }
}
