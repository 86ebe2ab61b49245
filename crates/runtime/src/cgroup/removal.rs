//! Removing a container's cgroups.

use std::path::Path;
use std::time::Duration;

use super::Cgroup;
use super::membership::children;
use crate::error::{Error, Result};

/// A cgroup stays busy for the moment that the kernel needs to take its last process apart.
const PAUSES: [u64; 8] = [0, 1, 2, 5, 10, 30, 80, 200];

impl Cgroup {
    /// Removes all directories, with those that the container made below. They must be without processes.
    ///
    /// # Errors
    /// A directory is still in use after a third of a second; [`Cgroup::set_aside`] frees its name.
    pub fn remove(&self) -> Result<()> {
        let mut failure = None;
        for directory in self.all() {
            if let Err(error) = remove_tree(&directory.path) {
                failure.get_or_insert(error);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Gives the directories a name that nobody asks for, so that a new container can have this one.
    /// cgroup v2 cannot rename; there the directory keeps its name.
    ///
    /// # Errors
    /// A directory cannot be renamed.
    pub fn set_aside(&mut self, suffix: &str) -> Result<()> {
        let mut failure = None;
        for directory in self.directories.iter_mut().filter(|directory| !directory.unified) {
            let Some(name) = directory.path.file_name() else { continue };
            let mut name = name.to_os_string();
            name.push(".");
            name.push(suffix);
            let target = directory.path.with_file_name(name);
            match std::fs::rename(&directory.path, &target) {
                Ok(()) => directory.path = target,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    failure
                        .get_or_insert(Error::system(format!("rename {}", directory.path.display()), error));
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }
}

pub(super) fn remove_tree(path: &Path) -> Result<()> {
    let mut last = std::io::Error::from(std::io::ErrorKind::ResourceBusy);
    for pause in PAUSES {
        if pause > 0 {
            std::thread::sleep(Duration::from_millis(pause));
        }
        match std::fs::remove_dir(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => last = error,
        }
        if let Ok(below) = children(path) {
            for child in below {
                let _ = remove_tree_once(&child);
            }
        }
    }
    Err(Error::system(format!("remove {}", path.display()), last))
}

fn remove_tree_once(path: &Path) -> Result<()> {
    for child in children(path)? {
        remove_tree_once(&child)?;
    }
    std::fs::remove_dir(path).map_err(|error| Error::system(format!("remove {}", path.display()), error))
}
