//! The stream of events to one client: what was, then what happens.

use super::backend::Backend;
use super::{matching, wire};
use crate::http::time::now;
use crate::http::{Version, reply};
use bytes::Bytes;
use futures_util::{Stream, stream};
use sampan_engine::containers::Filters;
use sampan_engine::events::Event;
use sampan_error::Result;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

/// A deadline that is never reached: thirty years.
const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// A client's place in the stream.
pub(super) struct Live<E> {
    engine: E,
    receiver: Receiver<Arc<Event>>,
    version: Version,
    filters: Filters,
    /// Events that wait to be written.
    waiting: VecDeque<Arc<Event>>,
    /// The last event that was taken: what is not after it was seen already.
    last: (u64, i64),
    /// When the client's `until` is reached.
    deadline: Instant,
    ends_after_waiting: bool,
}

impl<E: Backend> Live<E> {
    pub(super) fn new(
        engine: E,
        receiver: Receiver<Arc<Event>>,
        version: Version,
        filters: Filters,
        until: Option<i64>,
    ) -> Self {
        let left = until.map_or(NEVER, |until| {
            Duration::from_nanos(u64::try_from(until.saturating_sub(now())).unwrap_or(0)).min(NEVER)
        });
        Self {
            engine,
            receiver,
            version,
            filters,
            waiting: VecDeque::new(),
            last: (0, now()),
            deadline: Instant::now() + left,
            ends_after_waiting: false,
        }
    }

    /// Puts past events before the live ones.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) async fn add_past(&mut self, since: i64, until: i64) -> Result<()> {
        for event in self.engine.events_between(since, until).await? {
            self.take(event);
        }
        Ok(())
    }

    /// Nothing that happens from now on is wanted.
    pub(super) fn end_after_past(&mut self) {
        self.ends_after_waiting = true;
    }

    /// Takes an event unless it was seen already.
    fn take(&mut self, event: Arc<Event>) {
        if event.sequence > self.last.0 {
            self.last = (event.sequence, event.time);
            self.waiting.push_back(event);
        }
    }

    /// The lines as they are to be written.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        stream::unfold(self, |mut live| async move { live.next().await.map(|line| (line, live)) })
    }

    async fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Some(line) = self.line(&event) {
                    return Some(line);
                }
            }
            if self.ends_after_waiting {
                return None;
            }
            let received = tokio::select! {
                received = self.receiver.recv() => received,
                () = sleep_until(self.deadline) => return None,
            };
            match received {
                Ok(event) => self.take(event),
                // The client was too slow for the live buffer; what it missed is in the log.
                Err(RecvError::Lagged(_)) => {
                    if let Err(error) = self.add_past(self.last.1, i64::MAX).await {
                        return Some(Err(error));
                    }
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn line(&self, event: &Event) -> Option<Result<Bytes>> {
        let message = wire::message(event, self.version)?;
        matching::fits(event, &self.filters).then(|| reply::line(&message, "\n"))
    }
}
