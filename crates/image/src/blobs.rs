//! Content addressed by its digest, in the layout of the OCI image specification (image-layout.md).

use crate::error::{Doing, ImageError, Result};
use crate::image::digest;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// `<root>/oci-layout`, `blobs/sha256/…`.
#[derive(Debug)]
pub(crate) struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Opens the store, and removes what a killed process left unfinished.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let blobs = root.join("blobs/sha256");
        fs::create_dir_all(&blobs).doing(|| format!("creating {}", blobs.display()))?;
        let layout = root.join("oci-layout");
        if !layout.exists() {
            write_whole(&layout, br#"{"imageLayoutVersion":"1.0.0"}"#, false)?;
        }
        for entry in fs::read_dir(&blobs).doing(|| format!("reading {}", blobs.display()))?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(Self { root: root.to_path_buf() })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.root.join("blobs").join(digest.replace(':', "/"))
    }

    /// Stores bytes under their digest, on the disk before it returns. Returns the digest.
    pub(crate) fn put(&self, bytes: &[u8], later: bool) -> Result<String> {
        let digest = digest(bytes);
        let path = self.path(&digest);
        // Content that is there and damaged is replaced.
        if fs::read(&path).is_ok_and(|known| known == bytes) {
            return Ok(digest);
        }
        write_whole(&path, bytes, later)?;
        Ok(digest)
    }

    /// Reads content, and checks that it is what its name says.
    pub(crate) fn get(&self, wanted: &str) -> Result<Vec<u8>> {
        let path = self.path(wanted);
        let bytes = fs::read(&path).doing(|| format!("reading {}", path.display()))?;
        let found = digest(&bytes);
        if found != wanted {
            return Err(ImageError::Damaged(format!("{} is damaged: its digest is {found}", path.display())));
        }
        Ok(bytes)
    }

    /// Removes content; no error when it is gone already.
    pub(crate) fn remove(&self, digest: &str) -> Result<()> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).doing(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Writes a file under a temporary name, flushes it and renames it into place: whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], later: bool) -> Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = directory.join(format!(".new-{}-{number}", std::process::id()));
    let doing = || format!("writing {}", path.display());
    let mut file = File::create(&temporary).doing(doing)?;
    file.write_all(bytes)
        .and_then(|()| if later { Ok(()) } else { file.sync_all() })
        .and_then(|()| fs::rename(&temporary, path))
        .doing(doing)?;
    if later {
        return Ok(());
    }
    File::open(directory).and_then(|directory| directory.sync_all()).doing(doing)
}
