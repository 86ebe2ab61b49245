//! What a pull or a push tells while it works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc::UnboundedSender;

/// Bytes between two tellings of a meter.
const STRIDE: u64 = 512 << 10;

/// One step, in the form of Docker's progress stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferStep {
    /// A line of its own, such as `Digest: sha256:…`, or for a part of the image `Pull complete`.
    Status {
        /// Short id of the layer, the tag, or empty for a line of its own.
        id: String,
        /// Docker's words.
        status: String,
    },
    /// Bytes of a layer that have gone through so far.
    Progress {
        /// Short id of the layer.
        id: String,
        /// `Downloading`, `Extracting`, `Pushing`.
        status: &'static str,
        /// Bytes so far.
        current: u64,
        /// Bytes in all, 0 when not known.
        total: u64,
    },
    /// A manifest was pushed: the object that push sends as `aux`.
    Pushed {
        /// The tag.
        tag: String,
        /// Digest of the manifest.
        digest: String,
        /// Bytes of the manifest.
        size: u64,
    },
}

/// Where steps go. Nobody listening is no reason to stop.
#[derive(Debug, Clone)]
pub struct Steps(UnboundedSender<TransferStep>);

impl Steps {
    /// Tells steps to this channel.
    #[must_use]
    pub fn new(channel: UnboundedSender<TransferStep>) -> Self {
        Self(channel)
    }

    pub(crate) fn status(&self, id: &str, status: impl Into<String>) {
        let _ = self.0.send(TransferStep::Status { id: id.to_owned(), status: status.into() });
    }

    pub(crate) fn line(&self, status: impl Into<String>) {
        self.status("", status);
    }

    pub(crate) fn pushed(&self, tag: &str, digest: &str, size: u64) {
        let _ = self.0.send(TransferStep::Pushed { tag: tag.to_owned(), digest: digest.to_owned(), size });
    }

    /// A meter for one part of the image.
    pub(crate) fn meter(&self, id: &str, status: &'static str, total: u64) -> Arc<Meter> {
        Arc::new(Meter {
            steps: self.clone(),
            id: id.to_owned(),
            status,
            total,
            current: AtomicU64::new(0),
            told: AtomicU64::new(0),
        })
    }
}

/// Counts bytes and tells them now and then.
#[derive(Debug)]
pub(crate) struct Meter {
    steps: Steps,
    id: String,
    status: &'static str,
    total: u64,
    current: AtomicU64,
    told: AtomicU64,
}

impl Meter {
    /// The transfer goes on from here, which may be before what was told.
    pub(crate) fn restart(&self, current: u64) {
        self.current.store(current, Ordering::Relaxed);
        self.told.store(current, Ordering::Relaxed);
    }

    /// So many bytes more went through. Threads may tell at once.
    pub(crate) fn add(&self, bytes: u64) {
        let current = self.current.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let told = self.told.load(Ordering::Relaxed);
        if current.saturating_sub(told) >= STRIDE || current == self.total {
            self.told.store(current, Ordering::Relaxed);
            let _ = self.steps.0.send(TransferStep::Progress {
                id: self.id.clone(),
                status: self.status,
                current,
                total: self.total,
            });
        }
    }
}
