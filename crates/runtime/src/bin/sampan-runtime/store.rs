//! What is kept of each container between two calls: a directory with `state.json`.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use sampan_error::{Context, Kind, Result};
use sampan_runtime::cgroup::Cgroup;
use sampan_runtime::plan::{Hooks, Process};
use sampan_runtime::{Error, Plan};
use serde::{Deserialize, Serialize};

/// The directory of all containers.
pub(crate) struct Store {
    root: PathBuf,
}

/// The name of the socket at which a created container waits for its start.
pub(crate) const BARRIER: &str = "start.sock";

/// A container's record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) bundle: PathBuf,
    pub(crate) root: String,
    pub(crate) pid: i32,
    /// The start time of the process, in clock ticks after boot: with it a number that was given to another
    /// process meanwhile is recognised.
    pub(crate) started_at: u64,
    /// When the container was created (RFC 3339).
    pub(crate) created: String,
    /// The bits of the namespaces in which it differs from the host.
    pub(crate) namespaces: u32,
    pub(crate) cgroup: Cgroup,
    pub(crate) hooks: Hooks,
    /// The process as it was compiled: added processes start from it.
    pub(crate) process: Process,
}

/// A container's condition, in the words of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

impl Store {
    pub(crate) fn new(root: Option<&str>) -> Self {
        Self { root: PathBuf::from(root.unwrap_or("/run/sampan-runtime")) }
    }

    /// The directory of a container.
    pub(crate) fn directory(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Takes an id: makes its directory, which must not exist.
    pub(crate) fn claim(&self, id: &str) -> Result<PathBuf> {
        check_id(id)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&self.root)
            .context("make the state directory")?;
        let directory = self.directory(id);
        match fs::DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => Ok(directory),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists(id.to_owned()).into())
            }
            Err(error) => Err(error).context(format!("make {}", directory.display())),
        }
    }

    /// Gives an id back.
    pub(crate) fn release(&self, id: &str) -> Result<()> {
        let directory = self.directory(id);
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context(format!("remove {}", directory.display()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let directory = self.directory(&record.id);
        let bytes = serde_json::to_vec(record)
            .map_err(|error| sampan_error::Error::internal("the state cannot be written").caused_by(error))?;
        let temporary = directory.join("state.json.new");
        fs::write(&temporary, bytes).context("write the state")?;
        fs::rename(&temporary, directory.join("state.json")).context("write the state")
    }

    pub(crate) fn load(&self, id: &str) -> Result<Record> {
        check_id(id)?;
        let path = self.directory(id).join("state.json");
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NoSuchContainer(id.to_owned()).into());
            }
            other => other.context(format!("read {}", path.display()))?,
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("{} is damaged: delete the container with --force", path.display());
            sampan_error::Error::new(Kind::DataLoss, message).caused_by(error)
        })
    }

    /// All ids, in order.
    pub(crate) fn list(&self) -> Vec<String> {
        let mut ids: Vec<String> = fs::read_dir(&self.root)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().join("state.json").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        ids.sort();
        ids
    }
}

/// An id is a file name, and must not be anything else.
fn check_id(id: &str) -> Result<()> {
    let fine = !id.is_empty()
        && id.len() <= 1024
        && !matches!(id, "." | "..")
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte));
    if fine { Ok(()) } else { Err(Error::Invalid(format!("invalid container id {id:?}")).into()) }
}

impl Record {
    pub(crate) fn new(plan: &Plan, bundle: &Path, root: String, pid: i32, cgroup: Cgroup) -> Self {
        Self {
            id: plan.id.clone(),
            bundle: bundle.to_owned(),
            root,
            pid,
            started_at: start_time(pid).map_or(0, |(ticks, _)| ticks),
            created: timestamp(),
            namespaces: plan.namespace_set().bits(),
            cgroup,
            hooks: plan.hooks.clone(),
            process: plan.process.clone(),
        }
    }

    /// The init by descriptor; `None` when it has ended.
    pub(crate) fn init(&self) -> Option<std::os::fd::OwnedFd> {
        let pidfd = sampan_sys::pidfd::open(self.pid).ok()?;
        // The descriptor holds the process now: if this is still the right one, it stays so.
        match start_time(self.pid) {
            Some((ticks, false)) if ticks == self.started_at => Some(pidfd),
            _ => None,
        }
    }

    pub(crate) fn status(&self, store: &Store) -> Status {
        if self.init().is_none() {
            return Status::Stopped;
        }
        if self.cgroup.is_frozen().unwrap_or(false) {
            return Status::Paused;
        }
        if store.directory(&self.id).join(BARRIER).exists() { Status::Created } else { Status::Running }
    }
}

/// The start time of a process in ticks, and whether it has ended (a zombie); from /proc/PID/stat.
fn start_time(pid: i32) -> Option<(u64, bool)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; count from behind it.
    let rest = text.rsplit_once(") ")?.1;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some((fields.get(19)?.parse().ok()?, matches!(fields.first(), Some(&"Z" | &"X"))))
}

/// The time now, RFC 3339 in UTC with nanoseconds.
pub(crate) fn timestamp() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's civil-from-days: the calendar repeats every 146097 days, counted from March 1.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z", now.subsec_nanos())
}
