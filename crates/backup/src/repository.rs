//! A repository: a folder with snapshots, behind a password.

use crate::parts::{Part, Parts};
use crate::retention::Retention;
use rustic_backend::BackendOptions;
use rustic_core::repofile::{MasterKey, Node, SnapshotFile};
use rustic_core::{
    BackupOptions, CheckOptions, ConfigOptions, Credentials, IndexedIdsStatus, KeyOptions, LocalDestination,
    LsOptions, OpenStatus, PruneOptions, RepositoryBackends, RepositoryOptions, RestoreOptions, RusticError,
    SnapshotGroupCriterion, SnapshotOptions,
};
use sampan_error::{Context, Error, Kind, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A folder of backups.
#[derive(Clone)]
pub struct Repository {
    folder: PathBuf,
    password: String,
    /// The key behind the password: finding it takes a tenth of a second on purpose (scrypt).
    key: Arc<OnceLock<MasterKey>>,
}

/// A snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Whose it is.
    pub name: String,
    /// Words that were said with it.
    pub tags: Vec<String>,
    /// Bytes of all its files.
    pub size: u64,
    /// Bytes that it added to the repository.
    pub added: u64,
}

/// What saving did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Files that were read, because they are new or were changed.
    pub files_read: u64,
}

/// A repository that is ready to take a snapshot: everything that takes time is done.
pub struct Ready {
    repository: rustic_core::Repository<IndexedIdsStatus>,
    parent: Option<String>,
}

fn failed(doing: &str) -> impl FnOnce(Box<RusticError>) -> Error + '_ {
    move |error| {
        // The library's own text is a form for reports; what happened stands below its heading.
        let text = error.to_string();
        let lines = text.lines().map(str::trim).skip_while(|line| *line != "Message:").skip(1);
        let said: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        let said =
            if said.is_empty() { text.lines().next().unwrap_or_default().to_owned() } else { said.join(" ") };
        Error::new(Kind::Unavailable, format!("{doing}: {said}")).caused_by(error)
    }
}

impl Repository {
    /// The one in a folder.
    #[must_use]
    pub fn new(folder: &Path, password: &str) -> Self {
        Self { folder: folder.to_owned(), password: password.to_owned(), key: Arc::default() }
    }

    fn backends(&self) -> Result<RepositoryBackends> {
        let path = self.folder.display().to_string();
        BackendOptions::default()
            .repository(path)
            .to_backends()
            .map_err(failed("the repository cannot be reached"))
    }

    fn credentials(&self) -> Credentials {
        match self.key.get() {
            Some(key) => Credentials::Masterkey(key.clone()),
            None => Credentials::password(&self.password),
        }
    }

    fn closed(&self) -> Result<rustic_core::Repository<()>> {
        let options = RepositoryOptions::default().no_cache(true);
        rustic_core::Repository::new(&options, &self.backends()?)
            .map_err(failed("the repository cannot be reached"))
    }

    /// Whether the folder holds one.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.folder.join("config").is_file()
    }

    /// Makes the repository, unless it is there.
    ///
    /// # Errors
    /// The folder cannot be written, or holds something else.
    pub fn make(&self) -> Result<()> {
        if self.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| Error::invalid(format!("{}: {error}", self.folder.display())))?;
        let made =
            self.closed()?.init(&self.credentials(), &KeyOptions::default(), &ConfigOptions::default());
        made.map(drop).map_err(failed("the repository cannot be made"))
    }

    fn open(&self) -> Result<rustic_core::Repository<OpenStatus>> {
        if !self.exists() {
            return Err(Error::not_found(format!("there is no backup in {}", self.folder.display())));
        }
        let doing = format!("the repository {} cannot be opened", self.folder.display());
        let open = self.closed()?.open(&self.credentials()).map_err(failed(&doing))?;
        // Whoever came first has the same one.
        let _ = self.key.set(open.key());
        Ok(open)
    }

    /// Gets ready to take a snapshot that goes on from the last one of that name, or from this one.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn ready(&self, parent: Option<&str>) -> Result<Ready> {
        let repository = self.open()?.to_indexed_ids().map_err(failed("the repository cannot be read"))?;
        Ok(Ready { repository, parent: parent.map(str::to_owned) })
    }

    /// All snapshots, of one name or of all, oldest first.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn list(&self, name: Option<&str>) -> Result<Vec<Snapshot>> {
        let files = self.open()?.get_all_snapshots().map_err(failed("the snapshots cannot be read"))?;
        let mut snapshots: Vec<Snapshot> = files.iter().map(shown).collect();
        snapshots.retain(|snapshot| name.is_none_or(|name| snapshot.name == name));
        snapshots.sort_by_key(|snapshot| snapshot.time);
        Ok(snapshots)
    }

    /// The snapshot with an id that begins so, or the last one of a name.
    ///
    /// # Errors
    /// `NotFound`; several begin so.
    pub fn find(&self, text: &str) -> Result<Snapshot> {
        let all = self.list(None)?;
        if let Some(last) = all.iter().rev().find(|snapshot| snapshot.name == text) {
            return Ok(last.clone());
        }
        let mut found = all.into_iter().filter(|snapshot| !text.is_empty() && snapshot.id.starts_with(text));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Error::not_found(format!(
                "there is no backup {text}: `sampan container backup ls` lists them"
            ))),
            (Some(_), Some(_)) => Err(Error::invalid(format!("several backups begin with {text}"))),
        }
    }

    /// Removes snapshots. What only they had stays until [`Self::prune`].
    ///
    /// # Errors
    /// The repository cannot be written.
    pub fn forget(&self, ids: &[String]) -> Result<()> {
        let open = self.open()?;
        let ids: std::result::Result<Vec<_>, _> = ids.iter().map(|id| id.parse()).collect();
        let ids = ids.map_err(failed("an id cannot be read"))?;
        open.delete_snapshots(&ids).map_err(failed("backups cannot be removed"))
    }

    /// Removes the snapshots of a name that no rule keeps; gives how many.
    ///
    /// # Errors
    /// The repository cannot be written.
    pub fn retain(&self, name: &str, retention: &Retention) -> Result<usize> {
        if !retention.is_some() {
            return Ok(0);
        }
        let open = self.open()?;
        let all = open.get_all_snapshots().map_err(failed("the snapshots cannot be read"))?;
        let own: Vec<SnapshotFile> = all.into_iter().filter(|file| file.label == name).collect();
        let now = rustic_core::jiff::Zoned::now();
        let kept = retention.options().apply(own, &now).map_err(failed("what stays cannot be decided"))?;
        let gone: Vec<_> = kept.into_iter().filter(|it| !it.keep).map(|it| it.snapshot.id).collect();
        open.delete_snapshots(&gone).map_err(failed("backups cannot be removed"))?;
        Ok(gone.len())
    }

    /// Gives the space back that no snapshot needs.
    ///
    /// # Errors
    /// The repository cannot be written.
    pub fn prune(&self) -> Result<()> {
        let open = self.open()?;
        let options = PruneOptions::default();
        let plan = open.prune_plan(&options).map_err(failed("the repository cannot be looked through"))?;
        open.prune(&options, plan).map_err(failed("space cannot be given back"))
    }

    /// Reads everything, or only how it hangs together; gives what is wrong.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn verify(&self, all_data: bool) -> Result<Vec<String>> {
        let options = CheckOptions::default().read_data(all_data);
        let results = self.open()?.check(options).map_err(failed("the repository cannot be checked"))?;
        let wrong = results.0.into_iter().filter(|(level, _)| format!("{level:?}") == "Error");
        Ok(wrong.map(|(_, error)| error.to_string()).collect())
    }

    /// Puts what a snapshot has under `path` to where it is wanted, with owners, times, attributes and devices.
    ///
    /// # Errors
    /// There is no such path in it; no space.
    pub fn restore(&self, id: &str, path: &str, to: &Path) -> Result<()> {
        let indexed = self.open()?.to_indexed().map_err(failed("the repository cannot be read"))?;
        let node = indexed
            .node_from_snapshot_path(&format!("{id}:{path}"), |_| true)
            .map_err(failed("the backup lacks a part"))?;
        let destination = LocalDestination::new(&to.display().to_string(), true, !node.is_dir())
            .map_err(failed("the place cannot be written"))?;
        let (options, listing) = (RestoreOptions::default().numeric_id(true), LsOptions::default());
        let entries = || indexed.ls(&node, &listing).map_err(failed("the backup cannot be listed"));
        let plan = indexed
            .prepare_restore(&options, entries()?, &destination, false)
            .map_err(failed("files cannot be restored"))?;
        indexed
            .restore(plan, &options, entries()?, &destination)
            .map_err(failed("files cannot be restored"))?;
        top(&node, to).context(format!("{} cannot be restored", to.display()))
    }

    /// A file of a snapshot; `None` when it has none of that path.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn read(&self, id: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let indexed = self.open()?.to_indexed().map_err(failed("the repository cannot be read"))?;
        let Ok(node) = indexed.node_from_snapshot_path(&format!("{id}:{path}"), |_| true) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        indexed.dump(&node, &mut bytes).map_err(failed("a file of the backup cannot be read"))?;
        Ok(Some(bytes))
    }
}

impl Ready {
    /// Saves parts as one snapshot; so many bytes were added for it before.
    ///
    /// # Errors
    /// A file cannot be read, the repository not be written.
    pub fn save(self, name: &str, tags: &[&str], parts: &[Part], added_before: u64) -> Result<Saved> {
        let mut options = BackupOptions::default().no_scan(true);
        options.parent_opts.group_by = Some(SnapshotGroupCriterion::new().label(true));
        options.parent_opts.parents.extend(self.parent.clone());
        let mut snapshot = SnapshotOptions::default().label(name.to_owned()).host("sampan".to_owned());
        if added_before > 0 {
            snapshot = snapshot.description(format!("{ADDED_BEFORE}{added_before}"));
        }
        for tag in tags {
            snapshot = snapshot.add_tags(tag).map_err(failed("a tag cannot be written"))?;
        }
        let snapshot = snapshot.to_snapshot().map_err(failed("a snapshot cannot be begun"))?;
        let source = Parts::new(parts).map_err(failed("the files cannot be listed"))?;
        let paths: Vec<PathBuf> = parts.iter().map(|part| part.to.clone()).collect();
        let saved = self
            .repository
            .archive(&options, &source, snapshot, &paths)
            .map_err(failed("the backup cannot be written"))?;
        let read = saved.summary.as_ref().map_or(0, |summary| summary.files_new + summary.files_changed);
        Ok(Saved { snapshot: shown(&saved), files_read: read })
    }
}

/// Owner and mode of the folder at the top, which the library takes as given. Modes are Go's (`os.FileMode`).
fn top(node: &Node, to: &Path) -> std::io::Result<()> {
    const SPECIAL: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
    std::os::unix::fs::chown(to, node.meta.uid, node.meta.gid)?;
    let Some(mode) = node.meta.mode else { return Ok(()) };
    let special = SPECIAL.iter().filter(|(go, _)| mode & go != 0).fold(0, |bits, (_, unix)| bits | unix);
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(mode & 0o777 | special))
}

/// What a snapshot says of bytes that were added on the way to it.
const ADDED_BEFORE: &str = "bytes added before: ";

fn before(file: &SnapshotFile) -> u64 {
    let text = file.description.as_deref().and_then(|text| text.strip_prefix(ADDED_BEFORE));
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn shown(file: &SnapshotFile) -> Snapshot {
    let summary = file.summary.as_ref();
    Snapshot {
        id: file.id.to_hex().as_str().to_owned(),
        time: i64::try_from(file.time.timestamp().as_nanosecond()).unwrap_or_default(),
        name: file.label.clone(),
        tags: file.tags.iter().cloned().collect(),
        size: summary.map_or(0, |summary| summary.total_bytes_processed),
        added: summary.map_or(0, |summary| summary.data_added_packed) + before(file),
    }
}
