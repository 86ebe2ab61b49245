//! Builds under way, by the reference that their client chose.

use crate::progress::Progress;
use bollard_buildkit_proto::moby::buildkit::v1::SolveRequest;
use sampan_build::{CacheTarget, cache_source_of};
use sampan_error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tonic::Status;

/// How long calls that belong to a build wait for it to begin: the client makes all of them at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a finished build can still be asked for its progress.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// What a client gave back as the result of its own work with the gateway.
#[derive(Debug, Clone)]
pub(crate) enum Returned {
    /// This image; `None` when there is nothing to hand over.
    Image(Option<String>),
    /// It failed.
    Failed(Status),
}

/// A build.
#[derive(Debug)]
pub(crate) struct Running {
    /// Its client's session.
    pub(crate) session: String,
    /// Caches that it takes from and that it leaves.
    pub(crate) cache: Caches,
    /// Whether the client may use the host's network.
    pub(crate) may_use_host_network: bool,
    pub(crate) progress: Arc<Progress>,
    /// Set once, when the client has what it wants.
    pub(crate) returned: watch::Sender<Option<Returned>>,
}

/// Caches beside the engine's own.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    from: Vec<String>,
    to: Vec<CacheTarget>,
}

impl Caches {
    /// Those that a client names.
    ///
    /// # Errors
    /// What is not possible.
    pub(crate) fn of(request: &SolveRequest) -> Result<Self> {
        let cache = request.cache.clone().unwrap_or_default();
        let sorted = |attributes: HashMap<String, String>| attributes.into_iter().collect();
        let mut caches = Self::default();
        for entry in cache.imports {
            caches.from.extend(cache_source_of(&entry.r#type, &sorted(entry.attrs))?);
        }
        for entry in cache.exports {
            caches.to.push(CacheTarget::of(&entry.r#type, &sorted(entry.attrs))?);
        }
        Ok(caches)
    }

    /// Puts them into a build's request, beside those that are in it.
    pub(crate) fn apply(&self, request: &mut sampan_build::Request) {
        request.cache_from.extend(self.from.iter().cloned());
        request.cache_to.extend(self.to.iter().cloned());
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Builds {
    running: Mutex<HashMap<String, Arc<Running>>>,
    changed: watch::Sender<u64>,
}

impl Default for Builds {
    fn default() -> Self {
        Self { running: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

/// Ends a build's entry some time after its work is over, however that ends.
pub(crate) struct Entry {
    shared: Arc<crate::Shared>,
    reference: String,
    pub(crate) running: Arc<Running>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.progress.end();
        let (shared, reference) = (Arc::clone(&self.shared), self.reference.clone());
        tokio::spawn(async move {
            tokio::time::sleep(AFTERWARDS).await;
            shared.builds.lock().remove(&reference);
        });
    }
}

impl Builds {
    /// Begins one.
    ///
    /// # Errors
    /// The reference is in use.
    pub(crate) fn begin(shared: &Arc<crate::Shared>, reference: &str, running: Running) -> Result<Entry> {
        let running = Arc::new(running);
        {
            let mut all = shared.builds.lock();
            if all.contains_key(reference) {
                return Err(Error::conflict(format!("a build {reference} is under way already")));
            }
            all.insert(reference.to_owned(), Arc::clone(&running));
        }
        shared.builds.changed.send_modify(|count| *count += 1);
        Ok(Entry { shared: Arc::clone(shared), reference: reference.to_owned(), running })
    }

    /// The build of this reference, as soon as it is there.
    ///
    /// # Errors
    /// It does not come.
    pub(crate) async fn find(&self, reference: &str) -> Result<Arc<Running>> {
        let mut changed = self.changed.subscribe();
        let wait = async {
            loop {
                if let Some(running) = self.lock().get(reference) {
                    return Arc::clone(running);
                }
                // The sender is in `self`.
                let _ = changed.changed().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .map_err(|_| Error::not_found(format!("no build {reference:?} is under way")))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
