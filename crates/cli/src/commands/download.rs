//! Answers that go to a file or to stdout: `save`, `export`.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use super::container_options::key_values::system_text;
use crate::failure::{Failure, Result};
use crate::flags::quote;

/// A file that appears under its name only when it is whole.
pub(crate) struct Output {
    file: Option<(std::fs::File, PathBuf, PathBuf)>,
}

impl Output {
    /// Makes the file beside its final name; an empty path means stdout.
    ///
    /// # Errors
    /// Stdout is a terminal, or the file cannot be made there; `what` is docker's name for the failure.
    pub(crate) fn open(path: &str, what: &str) -> Result<Self> {
        if path.is_empty() {
            if std::io::stdout().is_terminal() {
                return Err("cowardly refusing to save to a terminal. Use the -o flag or redirect".into());
            }
            return Ok(Self { file: None });
        }
        let failed = |reason: String| Failure::message(format!("{what}: invalid output path: {reason}"));
        let target = Path::new(path);
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(failed(format!("stat {}: no such file or directory", folder.display())));
        }
        if let Ok(metadata) = std::fs::metadata(target) {
            if metadata.is_dir() {
                return Err(Failure::message(format!("{what}: cannot write to a directory")));
            }
            if !metadata.is_file() {
                return Err(failed(format!("{} must be a regular file", quote(path))));
            }
        }
        let temporary = folder.join(format!(
            ".tmp-{}-{}",
            target.file_name().unwrap_or_default().to_string_lossy(),
            std::process::id()
        ));
        let file = {
            use std::os::unix::fs::OpenOptionsExt;
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)
        };
        let file = file.map_err(|error| {
            Failure::message(format!("{what}: open {}: {}", temporary.display(), system_text(&error)))
        })?;
        Ok(Self { file: Some((file, temporary, target.to_owned())) })
    }

    /// Copies everything and gives the file its name.
    ///
    /// # Errors
    /// The connection breaks or the disk is full; the file is not there then.
    pub(crate) fn take(mut self, source: &mut dyn Read) -> Result<()> {
        let Some((file, temporary, target)) = &mut self.file else {
            return crate::terminal::copy_raw(source);
        };
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match source.read(&mut buffer)? {
                0 => break,
                count => file.write_all(&buffer[..count])?,
            }
        }
        file.sync_all()?;
        std::fs::rename(temporary, target)?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((_, temporary, _)) = &self.file {
            // What is left is of no use to anybody.
            let _ = std::fs::remove_file(temporary);
        }
    }
}
