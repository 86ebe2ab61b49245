//! Lines of output, of all replicas.

use crate::engine::{Docker, name_of, text};
use crate::failure::failure;
use sampan_engine_client::{Frames, Query};
use sampan_provider::{Failure, LogLine, LogRequest, Result, Sink};
use serde_json::Value;

/// A line longer than this is cut.
const LONGEST: usize = 1 << 20;

impl Docker {
    pub(crate) async fn logs_of(
        &self,
        service: &str,
        request: &LogRequest,
        lines: Sink<LogLine>,
    ) -> Result<()> {
        let members = self.members(service).await?;
        if members.now.is_empty() {
            return Err(Failure::NotFound(format!("there is no {service} at {}", self.client.address())));
        }
        if request.follow {
            let all = members.now.iter().map(|one| self.lines_of(one, request, lines.clone()));
            futures_util::future::try_join_all(all).await?;
            return Ok(());
        }
        // What is over is told in the order in which it was written.
        let mut all = Vec::new();
        for one in &members.now {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(256);
            let gather = async {
                while let Some(line) = receiver.recv().await {
                    all.push(line);
                }
            };
            let (read, ()) = futures_util::future::join(self.lines_of(one, request, sender), gather).await;
            read?;
        }
        all.sort_by_key(|line: &LogLine| line.at);
        for line in all {
            if lines.send(line).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn lines_of(&self, container: &Value, request: &LogRequest, lines: Sink<LogLine>) -> Result<()> {
        let id = text(container, "/Id");
        let terminal =
            self.inspect(id).await?.is_some_and(|one| one.pointer("/Config/Tty") == Some(&Value::Bool(true)));
        let mut query = Query::path("/containers/{}/logs", &[id])
            .with("stdout", "1")
            .with("stderr", "1")
            .with("timestamps", "1");
        if request.follow {
            query = query.with("follow", "1");
        }
        if let Some(tail) = request.tail {
            query = query.with("tail", &tail.to_string());
        }
        for (name, at) in [("since", request.since), ("until", request.until)] {
            if let Some(at) = at {
                query = query.with(name, &format!("{}.{:09}", at / 1_000_000_000, at % 1_000_000_000));
            }
        }
        let mut frames = Frames::new(self.client.stream(query).await.map_err(failure)?, terminal);
        let mut held = [Vec::new(), Vec::new()];
        let broken = |error: std::io::Error| Failure::Transport(error.to_string());
        while let Some(frame) = frames.next().await.map_err(broken)? {
            let buffer = &mut held[usize::from(frame.error)];
            buffer.extend_from_slice(&frame.bytes);
            while let Some(end) =
                buffer.iter().position(|byte| *byte == b'\n').or((buffer.len() > LONGEST).then_some(LONGEST))
            {
                let whole: Vec<u8> = buffer.drain(..=end).collect();
                let line = line(name_of(container), frame.error, &whole);
                if lines.send(line).await.is_err() {
                    return Ok(());
                }
            }
        }
        for (error, rest) in [(false, &held[0]), (true, &held[1])] {
            if !rest.is_empty() {
                // Nobody may be there any more.
                let _ = lines.send(line(name_of(container), error, rest)).await;
            }
        }
        Ok(())
    }
}

/// `2026-01-01T00:00:00.000000000Z text`
fn line(instance: &str, error: bool, bytes: &[u8]) -> LogLine {
    let whole = String::from_utf8_lossy(bytes);
    let whole = whole.trim_end_matches(['\n', '\r']);
    let (stamp, rest) = whole.split_once(' ').unwrap_or((whole, ""));
    let at = stamp.parse::<jiff::Timestamp>().ok().and_then(|at| i64::try_from(at.as_nanosecond()).ok());
    LogLine {
        instance: instance.to_owned(),
        at: at.unwrap_or(0),
        error,
        text: if at.is_some() { rest } else { whole }.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_begins_with_its_time() {
        let read = line("web", true, b"2026-01-02T03:04:05.000000006Z a b\n");
        assert_eq!((read.text.as_str(), read.at % 1_000_000_000, read.error), ("a b", 6, true));
        assert_eq!(line("web", false, b"no time here\n").text, "no time here");
    }
}
