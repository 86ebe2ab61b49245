//! What its tasks print.

use super::describe::short;
use super::{Aws, names};
use crate::services::text;
use sampan_provider::{Failure, LogLine, LogRequest, Result, Sink};
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// The longest pause between two looks for new lines.
const LONGEST: Duration = Duration::from_secs(2);
/// Events come late: what was seen is looked at again for so many milliseconds.
const LATE: i64 = 10_000;

impl Aws {
    /// Sends the lines that were asked for.
    pub(super) async fn output(&self, name: &str, request: &LogRequest, lines: Sink<LogLine>) -> Result<()> {
        self.ours(name).await?;
        let mut seen = Seen::default();
        let mut from = request.since.map_or(0, |at| at / 1_000_000);
        let mut last =
            request.tail.map(|most| (usize::try_from(most).unwrap_or(usize::MAX), VecDeque::new()));
        let mut pause = Duration::from_millis(250);
        loop {
            let mut next = None;
            let mut any = false;
            loop {
                let mut body = json!({ "logGroupName": names::log_group(name), "startTime": from });
                if let Some(until) = request.until {
                    body["endTime"] = json!(until / 1_000_000);
                }
                if let Some(token) = next {
                    body["nextToken"] = json!(token);
                }
                let (events, more) = match self.client.log_events(&body).await {
                    Err(Failure::NotFound(_)) => (Vec::new(), None),
                    other => other?,
                };
                for event in events.iter().filter(|event| seen.is_new(event)) {
                    any = true;
                    let line = line(event);
                    match &mut last {
                        Some((most, kept)) => {
                            kept.push_back(line);
                            if kept.len() > *most {
                                kept.pop_front();
                            }
                        }
                        None if lines.send(line).await.is_err() => return Ok(()),
                        None => {}
                    }
                }
                next = more;
                if next.is_none() {
                    break;
                }
            }
            for line in last.take().into_iter().flat_map(|(_, kept)| kept) {
                if lines.send(line).await.is_err() {
                    return Ok(());
                }
            }
            if !request.follow {
                return Ok(());
            }
            from = from.max(seen.newest - LATE);
            seen.forget(from);
            pause = if any { Duration::from_millis(250) } else { (pause * 2).min(LONGEST) };
            if tokio::time::timeout(pause, lines.closed()).await.is_ok() {
                return Ok(());
            }
        }
    }
}

/// Which events were sent already.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<(i64, String)>,
    newest: i64,
}

impl Seen {
    fn is_new(&mut self, event: &Value) -> bool {
        let at = event["timestamp"].as_i64().unwrap_or(0);
        self.newest = self.newest.max(at);
        self.ids.insert((at, text(event, "eventId")))
    }

    fn forget(&mut self, before: i64) {
        self.ids = self.ids.split_off(&(before, String::new()));
    }
}

fn line(event: &Value) -> LogLine {
    let stream = text(event, "logStreamName");
    LogLine {
        instance: short(stream.rsplit('/').next().unwrap_or_default()),
        at: event["timestamp"].as_i64().unwrap_or(0).saturating_mul(1_000_000),
        error: false,
        text: text(event, "message").trim_end_matches('\n').to_owned(),
    }
}
