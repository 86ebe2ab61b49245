//! Moves images between a store and registries.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sampan_error::{Error, Kind, Result};
use sampan_image::Store;
use tokio::sync::Semaphore;

use crate::client::Registries;
use crate::trust::Policy;

/// How much at once, and how stubbornly.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Layers of one engine that are fetched at a time (`max-concurrent-downloads`).
    pub downloads: usize,
    /// Layers of one engine that are sent at a time (`max-concurrent-uploads`).
    pub uploads: usize,
    /// Tries without a byte of progress before a transfer is given up (`max-download-attempts`).
    pub attempts: u32,
    /// Whether layers are kept as they came, too (`keep-blobs`): for hosts that push what they pull.
    pub keep_blobs: bool,
}

impl Default for Limits {
    /// Docker's own.
    fn default() -> Self {
        Self { downloads: 3, uploads: 5, attempts: 5, keep_blobs: false }
    }
}

/// Pulls and pushes images of one store. Cheap to clone.
#[derive(Clone)]
pub struct Transfers {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) registries: Registries,
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Limits,
    pub(crate) policy: Policy,
    /// Where sessions of uploads are remembered.
    pub(crate) sessions: PathBuf,
    pub(crate) download_slots: Semaphore,
    pub(crate) upload_slots: Semaphore,
    gates: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Transfers {
    /// `sessions` is a folder of the data root, made when it is first needed.
    pub fn new(
        registries: Registries,
        store: Arc<Store>,
        limits: Limits,
        policy: Policy,
        sessions: PathBuf,
    ) -> Self {
        let inner = Inner {
            registries,
            store,
            download_slots: Semaphore::new(limits.downloads.max(1)),
            upload_slots: Semaphore::new(limits.uploads.max(1)),
            limits,
            policy,
            sessions,
            gates: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The client of all registries.
    #[must_use]
    pub fn registries(&self) -> &Registries {
        &self.inner.registries
    }
}

impl Inner {
    /// A gate that one transfer at a time passes: two pulls of one layer, or two pushes of it to one place, would
    /// do the same work twice.
    pub(crate) fn gate(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, gate| gate.strong_count() > 0);
        if let Some(gate) = gates.get(key).and_then(Weak::upgrade) {
            return gate;
        }
        let gate = Arc::new(tokio::sync::Mutex::new(()));
        gates.insert(key.to_owned(), Arc::downgrade(&gate));
        gate
    }
}

/// Runs blocking work away from the threads that serve the network.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| {
        Err(Error::new(Kind::Internal, "the engine met a bug while it moved an image; see its log")
            .caused_by(panic))
    })
}

/// Twelve characters of a digest, as progress lines name a layer.
pub(crate) fn short(digest: &str) -> &str {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.get(..12).unwrap_or(hex)
}
