//! What happened, in order, for everyone who wants to know.
//!
//! An event gets its sequence number when it is published, goes to the live subscribers at once and to the
//! disk in batches by a thread of its own, so that publishing never waits for the disk.

use crate::clock;
use sampan_error::Result;
use sampan_state::EventLog;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Events kept in memory, so that a recent `since` needs no disk.
const RECENT: usize = 1024;
/// Live events that a slow subscriber may lag behind before it reads from the log again.
const LIVE_BUFFER: usize = 4096;
/// Events kept on disk.
const KEPT_ON_DISK: u64 = 100_000;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the stream, growing; survives restarts.
    pub sequence: u64,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// `container`, `image`, `network`, `volume`, `daemon`, …
    pub kind: String,
    /// `create`, `start`, `die`, `exec_start: sh`, …
    pub action: String,
    /// Id of the actor.
    pub actor: String,
    /// Its attributes: labels, name, image, exit code.
    pub attributes: BTreeMap<String, String>,
}

/// The stream of events.
pub(crate) struct Events {
    log: EventLog,
    live: broadcast::Sender<Arc<Event>>,
    recent: Mutex<Recent>,
    writer: std::sync::mpsc::Sender<Arc<Event>>,
}

struct Recent {
    next: u64,
    events: VecDeque<Arc<Event>>,
    /// Whether events older than those in memory exist.
    complete: bool,
}

impl Events {
    /// Continues the stream of this log.
    ///
    /// # Errors
    /// The database failed, or no thread can be made.
    pub(crate) fn open(log: EventLog) -> Result<Self> {
        let last = log.last_sequence()?;
        let (writer, receiver) = std::sync::mpsc::channel();
        let on_disk = log.clone();
        std::thread::Builder::new()
            .name("events".into())
            .stack_size(128 * 1024)
            .spawn(move || write_batches(&on_disk, &receiver))?;
        Ok(Self {
            log,
            live: broadcast::Sender::new(LIVE_BUFFER),
            recent: Mutex::new(Recent { next: last + 1, events: VecDeque::new(), complete: last == 0 }),
            writer,
        })
    }

    /// Publishes an event.
    pub(crate) fn publish(
        &self,
        kind: &str,
        action: impl Into<String>,
        actor: &str,
        attributes: BTreeMap<String, String>,
    ) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let event = Arc::new(Event {
            sequence: recent.next,
            time: clock::now(),
            kind: kind.into(),
            action: action.into(),
            actor: actor.into(),
            attributes,
        });
        recent.next += 1;
        recent.events.push_back(event.clone());
        if recent.events.len() > RECENT {
            recent.events.pop_front();
            recent.complete = false;
        }
        // Sent under the lock, so that subscribers see the order of the sequence. Nobody listening is fine.
        let _ = self.live.send(event.clone());
        let _ = self.writer.send(event);
    }

    /// Live events from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.live.subscribe()
    }

    /// Live subscribers at the moment.
    pub(crate) fn listeners(&self) -> usize {
        self.live.receiver_count()
    }

    /// Past events between two times (ns, both included), oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) fn between(&self, since: i64, until: i64) -> Result<Vec<Arc<Event>>> {
        let (in_memory, oldest, complete) = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            (
                recent.events.iter().cloned().collect::<Vec<_>>(),
                recent.events.front().cloned(),
                recent.complete,
            )
        };
        let mut found = Vec::new();
        if !complete && oldest.as_ref().is_none_or(|oldest| oldest.time > since) {
            let first_in_memory = oldest.map_or(u64::MAX, |oldest| oldest.sequence);
            for body in self.log.between(since, until)? {
                if let Ok(event) = serde_json::from_str::<Event>(&body)
                    && event.sequence < first_in_memory
                {
                    found.push(Arc::new(event));
                }
            }
        }
        found.extend(in_memory.into_iter().filter(|event| (since..=until).contains(&event.time)));
        Ok(found)
    }
}

/// Writes what has come since the last write, as one transaction each.
fn write_batches(log: &EventLog, receiver: &std::sync::mpsc::Receiver<Arc<Event>>) {
    let mut since_trim = 0;
    while let Ok(first) = receiver.recv() {
        // A short pause gathers the events of a burst into one transaction.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let batch: Vec<_> = std::iter::once(first)
            .chain(receiver.try_iter())
            .filter_map(|event| Some((event.sequence, event.time, serde_json::to_string(&*event).ok()?)))
            .collect();
        since_trim += batch.len();
        if let Err(error) = log.append(&batch) {
            tracing::warn!(%error, "events are not written to disk");
        }
        if since_trim > 10_000 {
            since_trim = 0;
            if let Err(error) = log.trim(KEPT_ON_DISK) {
                tracing::warn!(%error, "old events are not trimmed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_across_restarts_and_found_by_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let open =
            || sampan_state::Database::open(&folder.path().join("state.db")).expect("open").database.events();
        let events = Events::open(open()).expect("events");
        for action in ["create", "start", "die"] {
            events.publish("container", action, "one", BTreeMap::new());
        }
        assert_eq!(events.between(0, i64::MAX).expect("between").len(), 3);
        while open().last_sequence().expect("last") < 3 {
            std::thread::yield_now();
        }
        let again = Events::open(open()).expect("events again");
        again.publish("container", "destroy", "one", BTreeMap::new());
        let all = again.between(0, i64::MAX).expect("between");
        assert_eq!(all.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(all[3].action, "destroy");
    }
}
