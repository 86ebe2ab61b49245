//! Programs and shims made ahead of need.
//!
//! A waiting shim has an init parked already: in the namespaces that nearly every container has, and in
//! cgroups under a name of its own, which are renamed to the container's at the launch. Entering the cgroups
//! of v1 costs more than all the rest of a start, so it is done before anybody asks. A container that wants
//! other namespaces or another parent cgroup gets a shim of its own instead.

use crate::Engine;
use crate::containers::ContainerRecord;
use crate::spec::{CgroupNamespace, IpcMode, NetworkMode, PidMode, UtsMode};
use crate::supervisor::{Events, Supervisor};
use sampan_error::{Context, Result};
use sampan_runtime::plan::NamespaceKind;
use sampan_shim::protocol::Park;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The embedded shim program, sealed in memory (a container can never overwrite it), and the shims that wait.
pub(crate) struct Program {
    sealed: OwnedFd,
    ready: Mutex<Vec<(Supervisor, Events)>>,
    refilling: AtomicBool,
}

impl Program {
    /// Seals the program.
    ///
    /// # Errors
    /// The kernel refuses a sealed memory file.
    pub(crate) fn seal() -> Result<Self> {
        Ok(Self {
            sealed: sampan_shim_embedded::seal()?,
            ready: Mutex::default(),
            refilling: AtomicBool::new(false),
        })
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.sealed.as_fd()
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, Vec<(Supervisor, Events)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// A shim for a container: one that waits with a parked init where that fits, else a new one.
    ///
    /// # Errors
    /// No process can be made.
    pub(crate) fn take_supervisor(&self, record: &ContainerRecord) -> Result<(Supervisor, Events)> {
        let waiting = if self.fits_parked(record) { self.inner.program.ready().pop() } else { None };
        self.refill_later();
        match waiting {
            Some(shim) => Ok(shim),
            None => Supervisor::spawn(self.inner.program.descriptor()),
        }
    }

    /// Whether a waiting shim has the namespaces and the parent cgroup that this container wants. On cgroup v2
    /// nothing is parked (see [`Engine::wait_ready`]), and a shim fits every container.
    fn fits_parked(&self, record: &ContainerRecord) -> bool {
        let host = &record.spec.host;
        sampan_runtime::cgroup::host_is_unified()
            || host.cgroup_namespace != CgroupNamespace::Private
                && host.uts == UtsMode::Private
                && host.pid == PidMode::Private
                && !matches!(host.ipc, IpcMode::Host | IpcMode::Container(_))
                && !matches!(host.network_mode, NetworkMode::Container(_))
                && self.cgroup_parent(record) == self.own_cgroup_parent()
    }

    /// A new shim that waits, on cgroup v1 with an init parked in it. A cgroup of v2 cannot be renamed, and a
    /// process is born in one at no cost there.
    async fn wait_ready(&self) -> Result<(Supervisor, Events)> {
        let (supervisor, events) = Supervisor::spawn(self.inner.program.descriptor())?;
        if !sampan_runtime::cgroup::host_is_unified() {
            let namespaces =
                vec![NamespaceKind::Mount, NamespaceKind::Uts, NamespaceKind::Ipc, NamespaceKind::Pid];
            let name: String = crate::identity::random_id().chars().take(16).collect();
            let cgroup = Some(format!("{}/parked-{name}", self.own_cgroup_parent()));
            supervisor.park(&Park { namespaces, cgroup }).await?;
        }
        Ok((supervisor, events))
    }

    /// Makes shims and sandboxes until as many wait as are wanted, away from the caller.
    pub(crate) fn refill_later(&self) {
        let refilling = &self.inner.program.refilling;
        if refilling.swap(true, Ordering::AcqRel) {
            return;
        }
        let engine = self.clone();
        tokio::spawn(async move {
            let refilling = &engine.inner.program.refilling;
            loop {
                let outcome = engine.refill().await;
                refilling.store(false, Ordering::Release);
                if let Err(error) = outcome {
                    tracing::warn!(%error, "nothing could be made ahead of need");
                    return;
                }
                // One may have been taken while the flag was set, by somebody who left the work to us.
                if engine.is_full() || refilling.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }

    fn is_full(&self) -> bool {
        let wanted = self.inner.config.warm_sandboxes;
        self.inner.program.ready().len() >= wanted && self.inner.sandboxes.is_full()
    }

    async fn refill(&self) -> Result<()> {
        while self.inner.program.ready().len() < self.inner.config.warm_sandboxes {
            let shim = self.wait_ready().await?;
            self.inner.program.ready().push(shim);
        }
        let engine = self.clone();
        crate::blocking(move || {
            engine.warm_seccomp();
            Ok(engine.inner.sandboxes.refill()?)
        })
        .await
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
