//! `container backup`: snapshots of containers in a repository, and the way back.

use crate::fleet::Fleet;
use crate::place::{Restored, Snapshotted};
use crate::places::backups::FIRST_PASS;
use crate::report::Report;
use sampan_backup::{Repository, Retention, Snapshot};
use sampan_error::{Context, Error, Result};
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Space is given back when so many snapshots were removed since the last time.
const PRUNE_AFTER: usize = 20;

/// Where backups are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Store {
    /// A folder of the daemon's host; empty is the one in its data root.
    pub folder: String,
    /// A file with the password; empty is the one in the data root.
    pub key_file: String,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupRequest {
    /// Where it goes.
    pub store: Store,
    /// Which ones stay.
    pub retention: Retention,
}

impl Fleet {
    /// Backs a container up: its configuration, what it wrote, its volumes. Nothing of it is lost by a kill at any time: a
    /// snapshot is there when all of it is.
    ///
    /// # Errors
    /// No such container; the repository cannot be written.
    pub async fn backup(
        &self,
        container: &str,
        request: &BackupRequest,
        report: &Report,
    ) -> Result<Snapshotted> {
        let name = self.place().blueprint(container).await?.name;
        let repository = self.repository(&request.store, true, report).await?;
        let _one = self.shared().backing_up.lock().await;
        let done = self.place().snapshot(&name, &repository, report).await?;
        let (store, retention, owner) = (repository.clone(), request.retention.clone(), name.clone());
        let gone = crate::fleet::blocking(move || store.retain(&owner, &retention)).await?;
        if gone > 0 {
            report.say(format!("{gone} older ones were removed"));
        }
        if self.shared().removed(gone) >= PRUNE_AFTER {
            self.shared().removed_none();
            crate::fleet::blocking(move || repository.prune()).await?;
        }
        Ok(done)
    }

    /// All backups, or those of one container, oldest first.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn backups(&self, store: &Store, name: Option<&str>) -> Result<Vec<Snapshot>> {
        let repository = self.repository(store, false, &Report::none()).await?;
        if !repository.exists() && store.folder.is_empty() {
            return Ok(Vec::new());
        }
        let name = name.map(str::to_owned);
        let mut all = crate::fleet::blocking(move || repository.list(name.as_deref())).await?;
        all.retain(|snapshot| !snapshot.tags.iter().any(|tag| tag == FIRST_PASS));
        Ok(all)
    }

    /// Checks a repository, with all its data or only how it hangs together; gives what is wrong.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn verify_backups(&self, store: &Store, all_data: bool) -> Result<Vec<String>> {
        let repository = self.repository(store, false, &Report::none()).await?;
        crate::fleet::blocking(move || repository.verify(all_data)).await
    }

    /// Makes a container of a backup, given by an id's first digits or a container's name for its last one.
    ///
    /// # Errors
    /// No such backup; a name that is taken; no space.
    pub async fn restore(
        &self,
        store: &Store,
        backup: &str,
        name: Option<&str>,
        report: &Report,
    ) -> Result<Restored> {
        let repository = self.repository(store, false, report).await?;
        let (found, text) = (repository.clone(), backup.to_owned());
        let snapshot = crate::fleet::blocking(move || found.find(&text)).await?;
        self.place().restore(&repository, &snapshot, name, report).await
    }

    /// Removes backups, and gives their space back.
    ///
    /// # Errors
    /// No such backup.
    pub async fn remove_backups(&self, store: &Store, ids: &[String]) -> Result<()> {
        let repository = self.repository(store, false, &Report::none()).await?;
        let ids = ids.to_vec();
        let _one = self.shared().backing_up.lock().await;
        crate::fleet::blocking(move || {
            let whole: Result<Vec<_>> = ids.iter().map(|id| Ok(repository.find(id)?.id)).collect();
            repository.forget(&whole?)?;
            repository.prune()
        })
        .await
    }

    /// The repository of a store; the first time it is made, with a key if there is none.
    async fn repository(&self, store: &Store, make: bool, report: &Report) -> Result<Repository> {
        let own = self.place().backup_folder()?;
        let folder = match store.folder.as_str() {
            "" => own.join("repository"),
            folder if folder.starts_with('/') => PathBuf::from(folder),
            other => {
                return Err(Error::invalid(format!(
                    "{other:?} is no folder of the engine's host: name one from its root, as in /backups"
                )));
            }
        };
        let key_file =
            if store.key_file.is_empty() { own.join("key") } else { store.key_file.clone().into() };
        let known = self.shared().repository(&folder, &key_file);
        if let Some(known) = known.filter(|known| !make || known.exists()) {
            return Ok(known);
        }
        let (at, key) = (folder.clone(), key_file.clone());
        let is_own = store.key_file.is_empty();
        let (repository, is_new) = crate::fleet::blocking(move || {
            let password = if is_own { own_key(&key)? } else { given_key(&key)? };
            let repository = Repository::new(&at, &password);
            let is_new = make && !repository.exists();
            if make {
                repository.make()?;
            }
            Ok((repository, is_new))
        })
        .await?;
        if is_new {
            report.say(format!(
                "backups are in {}, behind the key in {}: keep a copy of the key elsewhere, nothing can be read without it",
                folder.display(),
                key_file.display()
            ));
        }
        self.shared().know_repository(&folder, &key_file, repository.clone());
        Ok(repository)
    }
}

fn given_key(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::invalid(format!("the key file {}: {error}", path.display())))?;
    let key = text.trim();
    if key.is_empty() {
        return Err(Error::invalid(format!("the key file {} is empty", path.display())));
    }
    Ok(key.to_owned())
}

/// The key in the data root, made when it is missing. Only root can read it; it is on the disk before it is used.
fn own_key(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::from(error).context(format!("the key file {}", path.display())));
        }
        _ => {}
    }
    let mut random = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("no random numbers for a key")?;
    let key: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let new = path.with_extension("new");
    let written = (|| {
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(format!("{key}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    })();
    written.context(format!("cannot write the key file {}", path.display()))?;
    Ok(key)
}
