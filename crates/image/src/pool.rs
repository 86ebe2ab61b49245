//! Layers that several callers bring at the same time are unpacked once.

use crate::ingest::Ingested;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Layers being unpacked or unpacked and not yet committed, by the digest that their stream claims.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    entries: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Debug)]
struct Slot {
    state: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug)]
enum Progress {
    Unpacking,
    Ready(Box<Ingested>),
    /// Committed by somebody, or failed.
    Gone,
}

/// A part in a layer: the first holder unpacks, the others wait for it.
#[derive(Debug)]
pub(crate) struct Share {
    slot: Arc<Slot>,
}

/// What a caller is to do with its copy of a layer.
pub(crate) enum Turn {
    /// Unpack it, and say so by [`Share::ready`] (or drop the share when it failed).
    Unpack(Share),
    /// Only check its digest: another caller unpacks it.
    Skip(Share),
}

impl Pool {
    /// Joins in the layer whose stream claims this digest.
    pub(crate) fn join(&self, claim: &str) -> Turn {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, slot| Arc::strong_count(slot) > 1);
        if let Some(slot) = entries.get(claim)
            && !matches!(*slot.lock(), Progress::Gone)
        {
            return Turn::Skip(Share { slot: Arc::clone(slot) });
        }
        let slot = Arc::new(Slot { state: Mutex::new(Progress::Unpacking), changed: Condvar::new() });
        entries.insert(claim.to_owned(), Arc::clone(&slot));
        Turn::Unpack(Share { slot })
    }

    /// A layer that nobody else can claim.
    pub(crate) fn alone() -> Share {
        Share { slot: Arc::new(Slot { state: Mutex::new(Progress::Unpacking), changed: Condvar::new() }) }
    }
}

impl Slot {
    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// The layer is unpacked.
    pub(crate) fn ready(&self, layer: Ingested) {
        *self.slot.lock() = Progress::Ready(Box::new(layer));
        self.slot.changed.notify_all();
    }

    /// It could not be unpacked.
    pub(crate) fn failed(&self) {
        *self.slot.lock() = Progress::Gone;
        self.slot.changed.notify_all();
    }

    /// Waits until the layer is unpacked, by whomever.
    pub(crate) fn wait(&self) {
        let mut state = self.slot.lock();
        while matches!(*state, Progress::Unpacking) {
            state = self.slot.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the layer is unpacked and takes it. `None` when another caller took it, or failed.
    pub(crate) fn take(&self) -> Option<Ingested> {
        let mut state = self.slot.lock();
        while matches!(*state, Progress::Unpacking) {
            state = self.slot.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        match std::mem::replace(&mut *state, Progress::Gone) {
            Progress::Ready(layer) => Some(*layer),
            _ => None,
        }
    }
}
