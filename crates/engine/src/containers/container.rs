//! One container in memory: its record, its supervisor, and those who wait for it.

use super::{ContainerRecord, WaitCondition, WaitResult};
use crate::supervisor::Supervisor;
use sampan_runtime::plan::Process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A container. All access to its record goes through here; long operations take `operation` first, so
/// that start, stop and remove of one container never run into each other, and no other container waits.
pub(crate) struct Container {
    /// Its id: the one thing that never changes.
    pub(crate) id: String,
    /// Held through start, stop, restart, remove, update, rename.
    pub(crate) operation: tokio::sync::Mutex<()>,
    record: RwLock<Arc<ContainerRecord>>,
    live: Mutex<Option<Arc<Live>>>,
    milestones: watch::Sender<Milestones>,
    keep: AtomicBool,
}

/// What exists only while the program runs.
pub(crate) struct Live {
    /// The connection to the shim.
    pub(crate) supervisor: Supervisor,
    /// The plan of this run's program, from which exec sessions take their rights; made when first needed
    /// by a daemon that did not start the container itself.
    pub(crate) process: OnceLock<Process>,
    /// Cancelled when the program ended: the health monitor and others end with it.
    pub(crate) ended: CancellationToken,
}

/// What waiters look at.
#[derive(Debug, Clone, Default)]
struct Milestones {
    exits: u64,
    running: bool,
    last: WaitOutcome,
    removed: Option<Option<String>>,
}

#[derive(Debug, Clone, Default)]
struct WaitOutcome {
    status_code: i64,
    error: Option<String>,
}

impl Container {
    pub(crate) fn new(record: ContainerRecord) -> Arc<Self> {
        let milestones = Milestones {
            running: record.is_running(),
            last: WaitOutcome { status_code: i64::from(record.state.exit_code), error: None },
            ..Milestones::default()
        };
        Arc::new(Self {
            id: record.id.clone(),
            operation: tokio::sync::Mutex::new(()),
            record: RwLock::new(Arc::new(record)),
            live: Mutex::new(None),
            milestones: watch::Sender::new(milestones),
            keep: AtomicBool::new(false),
        })
    }

    /// The record as it is at this moment.
    pub(crate) fn record(&self) -> Arc<ContainerRecord> {
        self.record.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the record in memory and returns the new one; saving it is the caller's.
    pub(crate) fn change(&self, change: impl FnOnce(&mut ContainerRecord)) -> Arc<ContainerRecord> {
        let mut guard = self.record.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut guard));
        guard.clone()
    }

    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_live(&self, live: Option<Arc<Live>>) -> Option<Arc<Live>> {
        std::mem::replace(&mut *self.live.lock().unwrap_or_else(PoisonError::into_inner), live)
    }

    /// Whether the next end of its program leaves it here although it says `--rm` (a restart is under way, or
    /// somebody else removes it).
    pub(crate) fn keep_on_exit(&self, keep: bool) {
        self.keep.store(keep, Ordering::Release);
    }

    pub(crate) fn keeps_on_exit(&self) -> bool {
        self.keep.load(Ordering::Acquire)
    }

    /// Tells waiters that the program runs.
    pub(crate) fn announce_start(&self) {
        self.milestones.send_modify(|milestones| milestones.running = true);
    }

    /// Tells waiters that the program ended.
    pub(crate) fn announce_exit(&self, status_code: i32, error: Option<String>) {
        self.milestones.send_modify(|milestones| {
            milestones.exits += 1;
            milestones.running = false;
            milestones.last = WaitOutcome { status_code: i64::from(status_code), error };
        });
    }

    /// Tells waiters that the container is gone, or why its removal failed.
    pub(crate) fn announce_removal(&self, failure: Option<String>) {
        self.milestones.send_modify(|milestones| milestones.removed = Some(failure));
    }

    /// Registers a waiter now and returns the future that ends when the condition holds.
    pub(crate) fn wait(
        self: &Arc<Self>,
        condition: WaitCondition,
    ) -> impl Future<Output = WaitResult> + Send + use<> {
        let mut receiver = self.milestones.subscribe();
        let exits_before = receiver.borrow().exits;
        let container = Arc::clone(self);
        async move {
            let _alive = &container;
            let reached = receiver
                .wait_for(|now| match condition {
                    WaitCondition::NotRunning => {
                        !now.running || now.exits > exits_before || now.removed.is_some()
                    }
                    WaitCondition::NextExit => now.exits > exits_before || now.removed.is_some(),
                    WaitCondition::Removed => now.removed.is_some(),
                })
                .await;
            match reached {
                Ok(now) => {
                    let removal_failure = match (condition, &now.removed) {
                        (WaitCondition::Removed, Some(failure)) => failure.clone(),
                        _ => None,
                    };
                    WaitResult {
                        status_code: now.last.status_code,
                        error: removal_failure.or_else(|| now.last.error.clone()),
                    }
                }
                // The sender lives in the container that this future holds.
                Err(_) => WaitResult { status_code: -1, error: Some("the container is gone".into()) },
            }
        }
    }
}
