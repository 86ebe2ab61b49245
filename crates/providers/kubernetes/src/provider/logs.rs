//! What its pods print.

use super::{Kubernetes, text};
use crate::client::{Kind, Lines, with_query};
use crate::names;
use sampan_provider::{Failure, LogLine, LogRequest, Result, Sink};
use serde_json::Value;

impl Kubernetes {
    /// Sends the lines that were asked for.
    pub(super) async fn output(&self, name: &str, request: &LogRequest, lines: Sink<LogLine>) -> Result<()> {
        self.ours(name).await?;
        let (pods, version) = self.client.list(Kind::POD, &names::selector(name)).await?;
        if request.follow {
            return self.follow(name, pods, version, request, lines).await;
        }
        // What is over is told in the order in which it was written.
        let mut all = Vec::new();
        for pod in &pods {
            let Some(mut read) = self.log(pod, name, request, None).await? else { continue };
            while let Some(bytes) = read.next().await? {
                all.push(line(&text(pod, "/metadata/name"), &bytes));
            }
        }
        all.retain(|line| is_asked(line, request));
        all.sort_by_key(|line: &LogLine| line.at);
        let most = request.tail.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let skip = all.len().saturating_sub(most);
        for line in all.into_iter().skip(skip) {
            if lines.send(line).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The log of a pod; `None` when its container has not begun, or is gone. `from`: a time as Kubernetes writes it, instead
    /// of what the request says.
    pub(super) async fn log(
        &self,
        pod: &Value,
        service: &str,
        request: &LogRequest,
        from: Option<&str>,
    ) -> Result<Option<Lines>> {
        let container = names::object(service);
        let since = request.since.and_then(|at| jiff::Timestamp::from_nanosecond(at.into()).ok());
        let since = from.map(str::to_owned).or_else(|| since.map(|since| since.to_string()));
        let tail = request.tail.filter(|_| from.is_none()).map(|tail| tail.to_string());
        let mut words = vec![("container", container.as_str()), ("timestamps", "true")];
        if request.follow {
            words.push(("follow", "true"));
        }
        words.extend(since.as_deref().map(|since| ("sinceTime", since)));
        words.extend(tail.as_deref().map(|tail| ("tailLines", tail)));
        let path = self.client.path(Kind::POD, &text(pod, "/metadata/name")).await?;
        match self.client.lines(&with_query(&format!("{path}/log"), &words)).await {
            Ok(lines) => Ok(Some(lines)),
            // 400: the container is waiting to start.
            Err(Failure::NotFound(_) | Failure::Invalid { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Kubernetes knows whole seconds, and no end.
pub(super) fn is_asked(line: &LogLine, request: &LogRequest) -> bool {
    request.since.is_none_or(|since| line.at > since) && request.until.is_none_or(|until| line.at < until)
}

/// `2026-01-01T00:00:00.000000000Z text`; it is not said which of the two outputs it came from.
pub(super) fn line(pod: &str, bytes: &[u8]) -> LogLine {
    let whole = String::from_utf8_lossy(bytes);
    let whole = whole.trim_end_matches('\r');
    let (stamp, rest) = whole.split_once(' ').unwrap_or((whole, ""));
    let at = stamp.parse::<jiff::Timestamp>().ok().and_then(|at| i64::try_from(at.as_nanosecond()).ok());
    LogLine {
        instance: pod.to_owned(),
        at: at.unwrap_or(0),
        error: false,
        text: if at.is_some() { rest } else { whole }.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_begins_with_its_time() {
        let read = line("web-1", b"2026-01-02T03:04:05.000000006Z a b");
        assert_eq!((read.text.as_str(), read.at % 1_000_000_000), ("a b", 6));
        assert_eq!(line("web-1", b"no time here").text, "no time here");
        assert_eq!(line("web-1", b"2026-01-02T03:04:05Z ").text, "");
    }
}
