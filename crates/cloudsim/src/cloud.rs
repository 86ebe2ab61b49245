//! What all parts of the simulation share.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::balancer::Balancers;
use crate::engine::Engine;
use crate::faults::Faults;
use crate::keys::Keys;
use crate::registry::Registry;
use crate::store::Store;

/// The simulated cloud.
pub(crate) struct Cloud {
    pub(crate) folder: PathBuf,
    pub(crate) keys: Keys,
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) faults: Faults,
    pub(crate) registry: Registry,
    pub(crate) balancers: Balancers,
    /// Wakes the scheduler.
    pub(crate) wake: Notify,
    /// Ends everything.
    pub(crate) end: CancellationToken,
    /// Tasks that somebody starts or stops at the moment.
    pub(crate) busy: Mutex<HashSet<String>>,
}

impl Cloud {
    /// An ARN of a region.
    pub(crate) fn arn(&self, service: &str, region: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{region}:{}:{rest}", self.keys.account)
    }

    /// The label that this simulation's containers have.
    pub(crate) fn label(&self) -> String {
        format!("sampan.cloudsim.id={}", self.keys.simulation)
    }

    /// Takes a task to work on; `false` when somebody has it.
    pub(crate) fn occupy(&self, task: &str) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(task.into())
    }

    /// Gives a task back.
    pub(crate) fn release(&self, task: &str) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(task);
        self.wake.notify_one();
    }
}
