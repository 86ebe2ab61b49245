//! Programs and shims made ahead of need.

use crate::Engine;
use crate::supervisor::{Events, Supervisor};
use sampan_error::{Context, Result};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The embedded shim program, sealed in memory: a container can never overwrite it.
pub(crate) struct Program {
    sealed: OwnedFd,
    ready: Mutex<Vec<(Supervisor, Events)>>,
}

impl Program {
    /// Seals the program.
    ///
    /// # Errors
    /// The kernel refuses a sealed memory file.
    pub(crate) fn seal() -> Result<Self> {
        Ok(Self { sealed: sampan_shim_embedded::seal()?, ready: Mutex::default() })
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.sealed.as_fd()
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, Vec<(Supervisor, Events)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// A shim for a new container: one that waits already, or a new one.
    ///
    /// # Errors
    /// No process can be made.
    pub(crate) fn take_supervisor(&self) -> Result<(Supervisor, Events)> {
        let waiting = self.inner.program.ready().pop();
        self.refill_later();
        match waiting {
            Some(shim) => Ok(shim),
            None => Supervisor::spawn(self.inner.program.descriptor()),
        }
    }

    /// Makes shims and sandboxes until as many wait as are wanted, away from the caller.
    pub(crate) fn refill_later(&self) {
        let engine = self.clone();
        tokio::spawn(async move {
            while engine.inner.program.ready().len() < engine.inner.config.warm_sandboxes {
                match Supervisor::spawn(engine.inner.program.descriptor()) {
                    Ok(shim) => engine.inner.program.ready().push(shim),
                    Err(error) => {
                        tracing::warn!(%error, "no shim could be made ahead of need");
                        break;
                    }
                }
            }
            let refilled = crate::blocking(move || {
                engine.warm_seccomp();
                Ok(engine.inner.sandboxes.refill()?)
            })
            .await;
            if let Err(error) = refilled {
                tracing::warn!(%error, "no sandbox could be made ahead of need");
            }
        });
    }

    /// The file that is seen as process 1 of containers with `--init`: the embedded program, written once.
    ///
    /// # Errors
    /// The run directory cannot be written.
    pub(crate) fn init_program(&self) -> Result<PathBuf> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.inner.run_directory.join("docker-init");
        if path.exists() {
            return Ok(path);
        }
        let temporary =
            self.inner.run_directory.join(format!("docker-init.{}", crate::identity::random_id()));
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o555)
            .open(&temporary)
            .and_then(|mut file| file.write_all(sampan_shim_embedded::shim_program()))
            .and_then(|()| std::fs::rename(&temporary, &path))
            .context("cannot write the init program")?;
        Ok(path)
    }
}
