//! Freezing and thawing a container.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Cgroup, read, write};
use crate::error::{Error, Result};

/// How long the kernel may take to freeze everything; a process in an uninterruptible wait can hold it up.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cgroup {
    /// Stops every process of the container where it is, and returns when all stand still.
    ///
    /// # Errors
    /// There is no freezer; a process does not freeze within five seconds (then all are thawed again).
    pub fn freeze(&self) -> Result<()> {
        if let Some(path) = self.directory("freezer") {
            return freeze_v1(path);
        }
        let path = self.unified_path()?;
        write(path, "cgroup.freeze", "1")?;
        let outcome =
            wait_for(path, |path| Ok(read(path, "cgroup.events")?.lines().any(|line| line == "frozen 1")));
        if outcome.is_err() {
            write(path, "cgroup.freeze", "0")?;
        }
        outcome
    }

    /// Lets the processes go on.
    ///
    /// # Errors
    /// There is no freezer.
    pub fn thaw(&self) -> Result<()> {
        match self.directory("freezer") {
            Some(path) => write(path, "freezer.state", "THAWED"),
            None => write(self.unified_path()?, "cgroup.freeze", "0"),
        }
    }

    /// Whether the container is frozen.
    ///
    /// # Errors
    /// The cgroup is gone.
    pub fn is_frozen(&self) -> Result<bool> {
        match self.directory("freezer") {
            Some(path) => Ok(read(path, "freezer.self_freezing")? == "1"),
            None => Ok(read(self.unified_path()?, "cgroup.freeze")? == "1"),
        }
    }

    fn unified_path(&self) -> Result<&Path> {
        self.unified()
            .map(|directory| directory.path.as_path())
            .ok_or_else(|| Error::Unsupported("this host has no freezer in its cgroups".into()))
    }
}

fn freeze_v1(path: &Path) -> Result<()> {
    let outcome = wait_for(path, |path| {
        // A v1 freezer may stay in "FREEZING" until it is told once more.
        write(path, "freezer.state", "FROZEN")?;
        Ok(read(path, "freezer.state")? == "FROZEN")
    });
    if outcome.is_err() {
        write(path, "freezer.state", "THAWED")?;
    }
    outcome
}

/// The kernel freezes within microseconds; there is nothing to wait on but the file itself.
fn wait_for(path: &Path, done: impl Fn(&Path) -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    let mut pause = Duration::from_micros(20);
    while !done(path)? {
        if Instant::now() > end {
            return Err(Error::State(format!(
                "the container does not freeze: a process in {} is in an uninterruptible wait",
                path.display()
            )));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    Ok(())
}
