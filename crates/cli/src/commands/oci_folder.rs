//! Images in folders: the OCI image layout (OCI image specification, image-layout.md), as skopeo's `oci:` has it.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::container_options::key_values::system_text;
use crate::failure::{Failure, Result};

/// What a layout is recognised by.
const MARK: &str = "oci-layout";
/// Parts of an archive that only Docker reads.
const DOCKERS: [&str; 2] = ["manifest.json", "repositories"];

/// A layout as the archive that the engine loads, packed while it is read.
///
/// # Errors
/// The folder is no layout, or no thread can be made.
pub(super) fn read(path: &str) -> Result<Box<dyn Read + Send>> {
    let folder = PathBuf::from(path);
    if !folder.join(MARK).is_file() {
        return Err(Failure::message(format!("{path} is no OCI image layout: it has no file {MARK:?}")));
    }
    let (reader, writer) = std::io::pipe()?;
    std::thread::Builder::new().name("pack".into()).spawn(move || {
        let mut archive = tar::Builder::new(std::io::BufWriter::with_capacity(256 << 10, writer));
        // A reader that is gone needs no more; one that is there sees the end come too early.
        let _ = archive.append_dir_all("", &folder).and_then(|()| archive.finish());
    })?;
    Ok(Box::new(reader))
}

/// A folder that appears under its name only when it is whole.
pub(super) struct Target {
    temporary: PathBuf,
    target: PathBuf,
}

impl Target {
    /// Makes the folder beside its final name.
    ///
    /// # Errors
    /// It has no name, is there already, or cannot be made.
    pub(super) fn new(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err("a layout is a folder: name it with -o".into());
        }
        let target = Path::new(path).to_owned();
        if target.exists() {
            return Err(Failure::message(format!("{path} is there already: name a folder that is not")));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = target.with_file_name(format!(".tmp-{name}-{}", std::process::id()));
        std::fs::create_dir(&temporary).map_err(|error| {
            Failure::message(format!("mkdir {}: {}", temporary.display(), system_text(&error)))
        })?;
        Ok(Self { temporary, target })
    }

    /// Unpacks an archive of the engine's and gives the folder its name.
    ///
    /// # Errors
    /// The connection breaks or the disk is full; the folder is not there then.
    pub(super) fn take(self, source: &mut dyn Read) -> Result<()> {
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            if DOCKERS.iter().any(|name| Path::new(name) == path) {
                continue;
            }
            // It refuses what would lie outside.
            entry.unpack_in(&self.temporary)?;
        }
        std::fs::rename(&self.temporary, &self.target)?;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Gone already in the good case.
        let _ = std::fs::remove_dir_all(&self.temporary);
    }
}
