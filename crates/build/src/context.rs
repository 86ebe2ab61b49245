//! The context: the files that a Dockerfile may copy, unpacked from what the client sent.

use rustix::fs::{Mode, OFlags};
use sampan_error::{Context as _, Error, Result};
use sampan_storage::archive;
use std::io::{BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use tokio::sync::OwnedRwLockReadGuard;

/// The context's files. They go with it, unless they are kept for the next build.
#[derive(Debug)]
pub struct Context {
    folder: PathBuf,
    /// Keeps others from changing a kept context.
    kept: Option<OwnedRwLockReadGuard<()>>,
    /// Its root: nothing is ever read outside of it, whatever links say.
    pub(crate) root: OwnedFd,
}

impl Drop for Context {
    fn drop(&mut self) {
        if self.kept.is_none() {
            // What stays is removed by the next start.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl Context {
    /// Unpacks a tar stream, plain or compressed by gzip, zstd, bzip2 or xz, below `parent`. Blocks.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no such archive; no space.
    pub fn unpack(parent: &Path, input: &mut dyn Read) -> Result<Self> {
        let context = Self::empty(parent)?;
        let mut plain = sampan_image::decompressed(Box::new(BufReader::new(input)))
            .context("the context cannot be read")?;
        let options = archive::WriteOptions { copy_uid_gid: true, ..archive::WriteOptions::default() };
        archive::write(context.root.as_fd(), Path::new("/"), &mut plain, &options)?;
        Ok(context)
    }

    /// A context without files.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn empty(parent: &Path) -> Result<Self> {
        let contexts = parent.join("contexts");
        std::fs::create_dir_all(&contexts).context(format!("cannot make {}", contexts.display()))?;
        let number: u64 =
            std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
        let folder = contexts.join(format!("{number:016x}"));
        std::fs::create_dir(&folder).context(format!("cannot make {}", folder.display()))?;
        let root = open(&folder)?;
        Ok(Self { folder, kept: None, root })
    }

    /// A context that stays when the build is over; while this lives nobody changes it.
    pub(crate) fn kept(folder: &Path, reading: OwnedRwLockReadGuard<()>) -> Result<Self> {
        Ok(Self { folder: folder.to_owned(), kept: Some(reading), root: open(folder)? })
    }

    /// Whether it stays, so that its files are never written again.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// The same with another folder as its root, which lies inside.
    pub(crate) fn below(mut self, folder: &Path) -> Result<Self> {
        self.root = open(folder)?;
        Ok(self)
    }

    /// Where it is on the host.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// A text file of the context.
    ///
    /// # Errors
    /// `NotFound`; a file that is too large or no text.
    pub fn text(&self, path: &str) -> Result<String> {
        const LARGEST: u64 = 16 << 20;
        let file = crate::files::open(self.root.as_fd(), path).map_err(|error| {
            Error::invalid(format!("Cannot locate specified Dockerfile: {path}")).caused_by(error)
        })?;
        let mut text = String::new();
        std::fs::File::from(file)
            .take(LARGEST)
            .read_to_string(&mut text)
            .map_err(|error| Error::invalid(format!("{path} cannot be read: {error}")))?;
        Ok(text)
    }
}

fn open(folder: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(folder, flags, Mode::empty())
        .map_err(std::io::Error::from)
        .context("cannot open the context")
}
