//! A container's cgroups: one directory in each mounted v1 hierarchy, or one on cgroup v2, or both.
//!
//! Which it is depends on what is mounted (cgroups(7)). On hybrid hosts, where the controllers are on v1 and a
//! v2 tree is mounted beside them, the container gets a v2 directory too: a process can be born inside it, and
//! `cgroup.kill` ends a whole container at once.

mod devices;
mod freezer;
mod hierarchy;
mod membership;
mod removal;
mod statistics;
mod sweep;
mod v1;
mod v2;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{During, Error, Result};
use crate::plan::Limits;
use hierarchy::Hierarchies;

pub use statistics::{
    BlockIoEntry, BlockIoStatistics, CpuStatistics, HugePageStatistics, MemoryStatistics, PidsStatistics,
    Statistics,
};
pub use sweep::remove_children_except;

/// The directories of one container. It is plain data: keep it with the container's record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cgroup {
    directories: Vec<Directory>,
}

/// A directory in one hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Directory {
    /// The controllers of the hierarchy (v1), or those switched on here (v2).
    pub(crate) controllers: Vec<String>,
    /// Its absolute path.
    pub(crate) path: PathBuf,
    /// Whether it is cgroup v2.
    pub(crate) unified: bool,
}

/// Whether this host's controllers are on cgroup v2 (v1 and hybrid hosts answer false).
pub fn host_is_unified() -> bool {
    Hierarchies::mounted().is_ok_and(|hierarchies| hierarchies.is_unified())
}

/// A mounted v1 hierarchy, for showing it inside a container.
#[derive(Debug, Clone)]
pub(crate) struct MountedHierarchy {
    pub(crate) controllers: Vec<String>,
    pub(crate) root: PathBuf,
}

impl MountedHierarchy {
    /// The name of its directory, such as `cpu,cpuacct`.
    pub(crate) fn name(&self) -> &str {
        self.root.file_name().and_then(|name| name.to_str()).unwrap_or("cgroup")
    }

    /// The options that a mount of it takes.
    pub(crate) fn mount_options(&self) -> Vec<String> {
        self.controllers.clone()
    }
}

/// All mounted v1 hierarchies.
pub(crate) fn mounted_v1() -> Vec<MountedHierarchy> {
    let Ok(hierarchies) = Hierarchies::mounted() else { return Vec::new() };
    let v1 = hierarchies.list.iter().filter(|hierarchy| !hierarchy.unified);
    v1.map(|hierarchy| MountedHierarchy {
        controllers: hierarchy.controllers.clone(),
        root: hierarchy.root.clone(),
    })
    .collect()
}

/// Gives a parked init's cgroups the name `path`, for example the container's id below the parent directory.
///
/// # Errors
/// As [`Cgroup::rename`].
pub fn rename(cgroup: &mut Cgroup, path: &str) -> Result<()> {
    cgroup.rename(path)
}

impl Cgroup {
    /// Makes the directory `path`, below the root of every hierarchy, with its parents.
    ///
    /// # Errors
    /// `path` is empty or leaves the root; no cgroups are mounted; a directory cannot be made. An existing
    /// directory is used as it is.
    pub fn create(path: &str) -> Result<Self> {
        let path = checked(path)?;
        let hierarchies = Hierarchies::mounted()?;
        let mut directories = Vec::with_capacity(hierarchies.list.len());
        for hierarchy in &hierarchies.list {
            directories.push(if hierarchy.unified {
                v2::create(hierarchy, path)?
            } else {
                v1::create(hierarchy, path)?
            });
        }
        Ok(Self { directories })
    }

    /// The directory `path` of every hierarchy where it exists, made by somebody before.
    ///
    /// # Errors
    /// As [`Cgroup::create`]; nothing of that name exists anywhere.
    pub fn open(path: &str) -> Result<Self> {
        let path = checked(path)?;
        let hierarchies = Hierarchies::mounted()?;
        let directories: Vec<Directory> = hierarchies
            .list
            .iter()
            .map(|hierarchy| hierarchy.directory(path))
            .filter(|directory| directory.path.is_dir())
            .collect();
        if directories.is_empty() {
            return Err(Error::State(format!("there is no cgroup {path}")));
        }
        Ok(Self { directories })
    }

    /// Sets limits; what a limit does not mention stays. For a new container and for a running one.
    ///
    /// # Errors
    /// A controller that a limit needs is not there; the kernel refuses a value.
    pub fn apply(&self, limits: &Limits) -> Result<()> {
        for directory in &self.directories {
            if directory.unified { v2::apply(directory, limits)? } else { v1::apply(directory, limits)? }
        }
        self.refuse_unmet(limits)
    }

    /// Where the directories are: (controllers, path). A named v1 hierarchy is `name=…`, v2 is empty on a
    /// hybrid host.
    pub fn paths(&self) -> impl Iterator<Item = (&[String], &Path)> {
        self.directories.iter().map(|directory| (directory.controllers.as_slice(), directory.path.as_path()))
    }

    /// The directory that holds this controller's files.
    pub fn directory(&self, controller: &str) -> Option<&Path> {
        self.find(controller).map(|directory| directory.path.as_path())
    }

    pub(crate) fn find(&self, controller: &str) -> Option<&Directory> {
        self.directories.iter().find(|directory| directory.controllers.iter().any(|name| name == controller))
    }

    pub(crate) fn unified(&self) -> Option<&Directory> {
        self.directories.iter().find(|directory| directory.unified)
    }

    pub(crate) fn all(&self) -> &[Directory] {
        &self.directories
    }

    /// Changes the name. v1 directories are renamed in place. cgroup v2 knows no rename: on a pure v2 host a
    /// new directory is made and the processes move; on a hybrid one the v2 directory keeps its first name.
    ///
    /// # Errors
    /// A directory of that name exists; the parent cannot be made.
    pub fn rename(&mut self, path: &str) -> Result<()> {
        let path = checked(path)?;
        let hierarchies = Hierarchies::mounted()?;
        let unified_host = hierarchies.is_unified();
        for directory in &mut self.directories {
            let Some(hierarchy) = hierarchies.of(directory) else { continue };
            if directory.unified {
                if unified_host {
                    v2::move_to(directory, hierarchy, path)?;
                }
            } else {
                v1::rename(directory, hierarchy, path)?;
            }
        }
        Ok(())
    }

    /// A limit that no controller could take is an error, not silence.
    fn refuse_unmet(&self, limits: &Limits) -> Result<()> {
        let needs = [
            ("memory", limits.memory.limit.is_some_and(|limit| limit > 0)),
            ("pids", limits.pids.is_some_and(|limit| limit > 0)),
            ("cpu", limits.cpu.quota.is_some_and(|quota| quota > 0)),
            ("cpuset", limits.cpu.cpus.as_ref().is_some_and(|list| !list.is_empty())),
        ];
        for (controller, needed) in needs {
            if needed && self.find(controller).is_none() {
                return Err(Error::Unsupported(format!(
                    "this host has no {controller} controller in its cgroups, so this limit cannot be set"
                )));
            }
        }
        let unified_only = limits.unified.first();
        if let (Some((name, _)), None) = (unified_only, self.unified()) {
            return Err(Error::Unsupported(format!(
                "{name} needs cgroup v2, which this host has not mounted"
            )));
        }
        Ok(())
    }
}

/// The path without slashes around it; it must stay below the root.
fn checked(path: &str) -> Result<&str> {
    let path = path.trim_matches('/');
    if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::Invalid(format!("{path:?} is no path for a cgroup")));
    }
    Ok(path)
}

/// Reads a file of a cgroup, without the final newline.
pub(crate) fn read(directory: &Path, name: &str) -> Result<String> {
    let path = directory.join(name);
    let mut text = std::fs::read_to_string(&path).during(|| format!("read {}", path.display()))?;
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Writes a file of a cgroup in one write, as cgroup files need it.
pub(crate) fn write(directory: &Path, name: &str, value: impl AsRef<str>) -> Result<()> {
    use std::io::Write;
    let path = directory.join(name);
    let value = value.as_ref();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .during(|| format!("write {value:?} to {}", path.display()))
}
