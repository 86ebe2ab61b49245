//! The bytes of one layer, into its partial file: several ranges at a time when it is big, and each break of the
//! connection costs no more than what had not come.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use sampan_error::{Error, Result};
use sampan_image::Partial;

use crate::client::{BlobBody, RegistryError, Repository};
use crate::manifest::Descriptor;
use crate::step::Meter;
use crate::transfers::{Limits, blocking};

/// A layer smaller than this comes in one stream.
const BIG: u64 = 48 << 20;
/// Ranges of one layer that are asked for at a time.
const STREAMS: usize = 3;
/// Bytes that are gathered for one write.
const BATCH: usize = 256 << 10;
/// The first pause between two tries; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Fetches all that is missing.
pub(super) async fn fetch(
    source: &Repository,
    layer: &Descriptor,
    partial: &Partial,
    limits: &Limits,
    meter: &Meter,
) -> Result<()> {
    let missing = partial.missing();
    let left: u64 = missing.iter().map(|range| range.end - range.start).sum();
    meter.add(layer.size.saturating_sub(left));
    let big = left >= BIG;
    let fetching = Fetching {
        source,
        layer,
        partial,
        meter,
        attempts: limits.attempts,
        ranges: Mutex::new(if big { missing.into() } else { joined(missing) }),
        without_ranges: AtomicBool::new(false),
        failures: AtomicU32::new(0),
    };
    let workers = (0..if big { STREAMS } else { 1 }).map(|_| fetching.work());
    futures_util::future::try_join_all(workers).await?;
    match partial.missing().first() {
        None => Ok(()),
        Some(range) => Err(fetching.broken_off(range.start)),
    }
}

struct Fetching<'a> {
    source: &'a Repository,
    layer: &'a Descriptor,
    partial: &'a Partial,
    meter: &'a Meter,
    attempts: u32,
    ranges: Mutex<VecDeque<Range<u64>>>,
    /// The registry knows no ranges: one stream brings everything.
    without_ranges: AtomicBool,
    /// Failures in a row, of all streams.
    failures: AtomicU32,
}

impl Fetching<'_> {
    /// One stream: takes the next range until there is none.
    async fn work(&self) -> Result<()> {
        while let Some(mut range) = self.next() {
            let mut mine = false;
            while range.start < range.end {
                let before = range.start;
                let outcome = self.range(&mut range, &mut mine).await;
                if range.start > before {
                    self.failures.store(0, Ordering::Relaxed);
                }
                let Err(error) = outcome else { continue };
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                let error = match error {
                    Broken::Here(error) => return Err(error),
                    Broken::There(error) => error,
                };
                if !error.is_retryable() || failures >= self.attempts {
                    return Err(error.into());
                }
                tracing::debug!(%error, failures, "a layer's stream broke off and is taken up again");
                let pause = error.retry_after().unwrap_or(PAUSE * 2_u32.pow((failures - 1).min(10)));
                tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            }
        }
        Ok(())
    }

    fn next(&self) -> Option<Range<u64>> {
        self.ranges.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Reads one range; `range.start` moves with what has come. `mine` is set when this stream brings everything.
    async fn range(&self, range: &mut Range<u64>, mine: &mut bool) -> Result<(), Broken> {
        if self.without_ranges.load(Ordering::Relaxed) && !*mine {
            range.start = range.end;
            return Ok(());
        }
        let to = (range.end < self.layer.size).then_some(range.end);
        let mut body = self.source.blob(&self.layer.digest, range.start, to).await?;
        if body.from != range.start {
            // Without ranges there is one stream, from the first byte on; the others have nothing to do.
            *mine |= !self.without_ranges.swap(true, Ordering::Relaxed);
            *range = if *mine { body.from..self.layer.size } else { range.end..range.end };
        }
        while range.start < range.end {
            let batch = self.batch(&mut body, range).await?;
            let length: u64 = batch.iter().map(|bytes| bytes.len() as u64).sum();
            if length == 0 {
                return Err(Broken::There(RegistryError::Interrupted {
                    host: self.source.host().to_owned(),
                    reason: format!(
                        "it ended layer {} after {} of {} bytes",
                        self.layer.digest, range.start, self.layer.size
                    ),
                }));
            }
            let (partial, start) = (self.partial.clone(), range.start);
            blocking(move || {
                let mut position = start;
                for bytes in batch {
                    partial.write_at(position, &bytes)?;
                    position += bytes.len() as u64;
                }
                Ok(())
            })
            .await
            .map_err(Broken::Here)?;
            range.start += length;
            self.meter.add(length);
        }
        Ok(())
    }

    /// The next bytes of the range, some at once; nothing at the body's end. What lies beyond the range is left.
    async fn batch(&self, body: &mut BlobBody, range: &Range<u64>) -> Result<Vec<Bytes>, Broken> {
        let mut batch = Vec::new();
        let mut length = 0;
        let mut wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        while length < BATCH && wanted > 0 {
            match body.stream.next().await {
                None => break,
                // What came before the break counts.
                Some(Err(error)) if length > 0 => {
                    tracing::debug!(%error, "a stream broke off");
                    break;
                }
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(mut bytes)) => {
                    bytes.truncate(wanted);
                    wanted -= bytes.len();
                    length += bytes.len();
                    batch.push(bytes);
                }
            }
        }
        Ok(batch)
    }

    fn broken_off(&self, position: u64) -> Error {
        Error::unavailable(format!(
            "{} ended the transfer of layer {} after {position} of {} bytes: try again, what has come is kept",
            self.source.display(),
            self.layer.digest,
            self.layer.size
        ))
    }
}

/// Whose fault it was that a stream ended.
enum Broken {
    Here(Error),
    There(RegistryError),
}

impl From<RegistryError> for Broken {
    fn from(error: RegistryError) -> Self {
        Self::There(error)
    }
}

/// Neighbouring ranges as one.
fn joined(ranges: Vec<Range<u64>>) -> VecDeque<Range<u64>> {
    let mut joined: VecDeque<Range<u64>> = VecDeque::new();
    for range in ranges {
        match joined.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push_back(range),
        }
    }
    joined
}
