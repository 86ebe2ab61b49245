//! Which processes are in a container's cgroups.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::{Cgroup, read, v2, write};
use crate::error::{During, Error, Result};

impl Cgroup {
    /// The v2 directory as a descriptor, for a process that is born in it; `None` where no v2 is mounted.
    pub(crate) fn birth_directory(&self) -> Result<Option<OwnedFd>> {
        self.unified().map(v2::open).transpose()
    }

    /// Moves a process that was born in the v2 directory into the v1 directories as well.
    pub(crate) fn add_unborn(&self, pid: i32) -> Result<()> {
        for directory in self.all().iter().filter(|directory| !directory.unified) {
            write(&directory.path, "cgroup.procs", pid.to_string())?;
        }
        Ok(())
    }

    /// Moves a process into all directories.
    ///
    /// # Errors
    /// The process has ended; a limit (`pids.max`) forbids it; the cgroup is gone.
    pub fn add(&self, pid: i32) -> Result<()> {
        for directory in self.all() {
            write(&directory.path, "cgroup.procs", pid.to_string())?;
        }
        Ok(())
    }

    /// The processes of the container in this process's pid numbers, with those in cgroups it made itself.
    ///
    /// # Errors
    /// The cgroup is gone.
    pub fn processes(&self) -> Result<Vec<i32>> {
        let mut found = Vec::new();
        collect(self.membership_directory()?, &mut found)?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The directory by which membership is judged: v2 where it has the controllers, else one of v1's.
    pub(crate) fn membership_directory(&self) -> Result<&Path> {
        ["pids", "memory", "freezer", "devices", "cpu"]
            .iter()
            .find_map(|controller| self.directory(controller))
            .or_else(|| self.unified().map(|directory| directory.path.as_path()))
            .or_else(|| self.all().first().map(|directory| directory.path.as_path()))
            .ok_or_else(|| Error::State("this container has no cgroups".into()))
    }

    /// Sends SIGKILL to every process of the container.
    ///
    /// With cgroup v2 mounted (also beside v1) the kernel does it in one go. Else the processes are frozen
    /// first, where that is possible, so that none can fork away.
    ///
    /// # Errors
    /// The processes cannot be listed.
    pub fn kill_all(&self) -> Result<()> {
        if let Some(directory) = self.unified()
            && write(&directory.path, "cgroup.kill", "1").is_ok()
            && self.processes()?.is_empty()
        {
            return Ok(());
        }
        let frozen = self.freeze().is_ok();
        let outcome = self.signal_all(9);
        if frozen {
            self.thaw()?;
        }
        outcome
    }

    /// Sends a signal to every process of the container.
    ///
    /// # Errors
    /// The processes cannot be listed, or one cannot be signalled.
    pub fn signal_all(&self, number: i32) -> Result<()> {
        for pid in self.processes()? {
            // The number may have passed to a stranger since the list was made: hold it, then look again.
            let Ok(held) = sampan_sys::pidfd::open(pid) else { continue };
            if !self.processes()?.contains(&pid) {
                continue;
            }
            match sampan_sys::pidfd::send_signal(&held, number) {
                Err(error) if error.raw_os_error() != Some(3) => {
                    return Err(Error::system(format!("signal process {pid}"), error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn collect(directory: &Path, found: &mut Vec<i32>) -> Result<()> {
    let text = read(directory, "cgroup.procs")?;
    found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
    for child in children(directory)? {
        collect(&child, found)?;
    }
    Ok(())
}

/// The cgroups directly below this one.
pub(super) fn children(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(directory).during(|| format!("list {}", directory.display()))?;
    for entry in entries {
        let entry = entry.during(|| format!("list {}", directory.display()))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Moves all processes of one directory to another of the same hierarchy.
pub(super) fn move_all(from: &Path, to: &Path) -> Result<()> {
    for pid in read(from, "cgroup.procs")?.lines() {
        write(to, "cgroup.procs", pid)?;
    }
    Ok(())
}
