//! The one key of the simulation, made at its first start and kept where only its owner can read it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sampan_error::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use crate::clock;

/// Who may call.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Keys {
    /// Begins with `AKIA`, as long-lived keys do.
    pub(crate) id: String,
    /// Never logged.
    pub(crate) secret: String,
    /// Twelve digits.
    pub(crate) account: String,
    /// Tells the containers of this simulation from those of another one.
    pub(crate) simulation: String,
}

impl Keys {
    /// Reads `keys.json` of the folder, or makes it.
    ///
    /// # Errors
    /// The file is damaged, or the folder cannot be written.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("keys.json");
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                Error::invalid(format!(
                    "{} is damaged: remove the simulation's folder and start anew",
                    path.display()
                ))
                .caused_by(error)
            }),
            Err(_) => Self::make(&path),
        }
    }

    fn make(path: &Path) -> Result<Self> {
        let keys = Self {
            id: format!("AKIA{}", clock::random(16).to_uppercase()),
            secret: clock::random(40),
            account: "000000000000".into(),
            simulation: clock::random(12),
        };
        let text = serde_json::to_vec(&keys).map_err(|error| Error::internal(error.to_string()))?;
        write_private(path, &text)?;
        Ok(keys)
    }
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let part = path.with_extension("part");
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&part, path));
    written.context(format!("{} cannot be written", path.display()))
}
