//! Clients that attached before the start (`docker run` of the stock client attaches first, then starts).

use super::start::FirstClient;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Clients by container, until its start takes them.
#[derive(Default)]
pub(crate) struct WaitingClients {
    by_container: Mutex<HashMap<String, Vec<FirstClient>>>,
}

impl WaitingClients {
    /// Lets a client wait for the start. `greet` tells the client so, before a start can take it.
    ///
    /// # Errors
    /// The greeting's; the client does not wait then.
    pub(crate) fn add(
        &self,
        container: &str,
        client: FirstClient,
        greet: impl FnOnce() -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let mut waiting = self.lock();
        greet()?;
        waiting.entry(container.to_owned()).or_default().push(client);
        Ok(())
    }

    /// The clients that wait for this container, the first one first.
    pub(crate) fn take(&self, container: &str) -> Vec<FirstClient> {
        self.lock().remove(container).unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<FirstClient>>> {
        self.by_container.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
