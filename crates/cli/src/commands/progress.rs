//! The progress that the engine reports as a stream of JSON messages, shown as docker shows it.

use std::collections::HashMap;
use std::io::{IsTerminal, Read, Write};
use std::time::Instant;

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::format::units;
use crate::session::Session;

/// One message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    stream: Option<String>,
    status: Option<String>,
    id: Option<String>,
    from: Option<String>,
    progress: Option<String>,
    #[serde(rename = "progressDetail")]
    detail: Option<Detail>,
    #[serde(rename = "errorDetail")]
    error: Option<Problem>,
    aux: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    current: i64,
    total: i64,
    #[serde(rename = "hidecounts")]
    hide_counts: bool,
    units: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
}

/// Where progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// On stdout.
    Stdout,
    /// On stderr.
    Stderr,
    /// Nowhere; errors are still reported.
    Nowhere,
}

/// Shows a stream of messages until it ends; `aux` gets what is meant for the command itself.
///
/// # Errors
/// What the engine reports as an error, or a stream that breaks or is no JSON.
pub(crate) fn show(
    source: &mut dyn Read,
    target: Target,
    aux: &mut dyn FnMut(&serde_json::Value),
) -> Result<()> {
    show_with(source, target, aux, None)
}

/// Shows what a pull or a push does, with a line below for all layers together, unless the program is called `docker`.
///
/// # Errors
/// As [`show`].
pub(crate) fn show_transfer(session: &Session, source: &mut dyn Read, target: Target) -> Result<()> {
    let total = (session.name() != "docker").then(Total::default);
    show_with(source, target, &mut |_| {}, total)
}

fn show_with(
    source: &mut dyn Read,
    target: Target,
    aux: &mut dyn FnMut(&serde_json::Value),
    mut total: Option<Total>,
) -> Result<()> {
    let (mut out, terminal): (Box<dyn Write>, bool) = match target {
        Target::Stdout => (Box::new(std::io::stdout()), std::io::stdout().is_terminal()),
        Target::Stderr => (Box::new(std::io::stderr()), std::io::stderr().is_terminal()),
        Target::Nowhere => (Box::new(std::io::sink()), false),
    };
    let mut lines: HashMap<String, usize> = HashMap::new();
    if !terminal {
        total = None;
    }
    for message in serde_json::Deserializer::from_reader(source).into_iter::<Message>() {
        let message = message?;
        if let Some(value) = &message.aux {
            aux(value);
            continue;
        }
        if let Some(total) = &mut total {
            total.take(&message);
            // The line is drawn anew below whatever comes now.
            write!(out, "\x1b[2K\r")?;
        }
        if let Some(problem) = message.error {
            return Err(Failure::message(problem.message));
        }
        let in_place = message.detail.is_some() || message.progress.is_some();
        let mut below = 0;
        match message.id.as_deref().filter(|id| !id.is_empty() && in_place) {
            Some(id) => {
                let count = lines.len();
                let line = *lines.entry(id.to_owned()).or_insert_with(|| count);
                if terminal && line == count {
                    writeln!(out)?;
                }
                below = lines.len() - line;
                if terminal {
                    write!(out, "\x1b[{below}A")?;
                }
            }
            None => lines.clear(),
        }
        display(&message, &mut *out, terminal)?;
        if terminal && message.id.as_deref().is_some_and(|id| !id.is_empty()) {
            write!(out, "\x1b[{below}B")?;
        }
        if let Some(line) = total.as_ref().and_then(Total::line) {
            write!(out, "\x1b[2K\r{line}\r")?;
        }
        out.flush()?;
    }
    if total.is_some() {
        write!(out, "\x1b[2K\r")?;
    }
    Ok(())
}

/// All layers of a transfer together.
struct Total {
    layers: HashMap<String, (i64, i64)>,
    /// Bytes that were there when the first were told: what a former pull left.
    before: i64,
    started: Instant,
}

impl Default for Total {
    fn default() -> Self {
        Self { layers: HashMap::new(), before: 0, started: Instant::now() }
    }
}

impl Total {
    fn take(&mut self, message: &Message) {
        let (Some(id), Some(status)) = (&message.id, message.status.as_deref()) else { return };
        match (status, &message.detail) {
            ("Downloading" | "Pushing", Some(detail)) if detail.total > 0 => {
                let fresh = self.layers.insert(id.clone(), (detail.current, detail.total)).is_none();
                if fresh && self.layers.len() == 1 {
                    self.started = Instant::now();
                    self.before = detail.current;
                }
            }
            ("Download complete" | "Pushed", _) => {
                if let Some((current, total)) = self.layers.get_mut(id) {
                    *current = *total;
                }
            }
            _ => {}
        }
    }

    /// Bytes so far and in all, rate, time left; nothing before the first byte and after the last.
    fn line(&self) -> Option<String> {
        let current: i64 = self.layers.values().map(|(current, _)| current).sum();
        let total: i64 = self.layers.values().map(|(_, total)| total).sum();
        if total == 0 || current >= total {
            return None;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let size = |count: i64| units::human_size(count as f64);
        let percent = current * 100 / total;
        let mut line = format!("Total: {}/{} ({percent}%)", size(current), size(total));
        let moved = current - self.before;
        if seconds > 0.5 && moved > 0 {
            #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
            let (rate, left) = (moved as f64 / seconds, (total - current) as f64);
            line.push_str(&format!(", {}/s, {:.0} s left", units::human_size(rate), (left / rate).ceil()));
        }
        Some(line)
    }
}

fn display(message: &Message, out: &mut dyn Write, terminal: bool) -> Result<()> {
    let bar = message.detail.as_ref().map(|detail| detail.bar(terminal));
    let stream = message.stream.as_deref().filter(|stream| !stream.is_empty());
    let mut end = "";
    if let Some(bar) = &bar {
        if terminal && stream.is_none() {
            write!(out, "\x1b[2K\r")?;
            end = "\r";
        } else if !bar.is_empty() {
            return Ok(());
        }
    }
    let mut line = String::new();
    if let Some(id) = message.id.as_deref().filter(|id| !id.is_empty()) {
        line.push_str(&format!("{id}: "));
    }
    if let Some(from) = message.from.as_deref().filter(|from| !from.is_empty()) {
        line.push_str(&format!("(from {from}) "));
    }
    let status = message.status.as_deref().unwrap_or_default();
    let text = message.progress.as_deref().filter(|text| !text.is_empty());
    match (&bar, text, stream) {
        (Some(bar), _, _) if terminal => line.push_str(&format!("{status} {bar}{end}")),
        (_, Some(text), _) => line.push_str(&format!("{status} {text}{end}")),
        (_, _, Some(stream)) => line.push_str(&format!("{stream}{end}")),
        _ => line.push_str(&format!("{status}{end}\n")),
    }
    out.write_all(line.as_bytes())?;
    Ok(())
}

impl Detail {
    /// The bar and the counts; empty when there is nothing to count.
    fn bar(&self, terminal: bool) -> String {
        if self.current <= 0 && self.total <= 0 {
            return String::new();
        }
        let amount = |count: i64| match self.units.as_str() {
            #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
            "" => format!("{:>8}", units::human_size(count as f64)),
            _ => count.to_string(),
        };
        if self.total <= 0 {
            return match self.units.as_str() {
                "" => amount(self.current),
                units => format!("{} {units}", self.current),
            };
        }
        let half_percent =
            usize::try_from((self.current.saturating_mul(50) / self.total).clamp(0, 50)).unwrap_or(0);
        let mut text = String::new();
        let width = if terminal { usize::from(crate::terminal::size().1) } else { 200 };
        if width > 110 {
            text.push_str(&format!("[{}>{}] ", "=".repeat(half_percent), " ".repeat(50 - half_percent)));
        }
        if self.hide_counts {
            return text;
        }
        text.push_str(&amount(self.current));
        if self.current <= self.total {
            let total = amount(self.total);
            text.push_str(&format!("/{}", total.trim_start()));
        }
        if !self.units.is_empty() {
            text.push_str(&format!(" {}", self.units));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, status: &str, current: i64, total: i64) -> Message {
        let detail = Some(Detail { current, total, ..Detail::default() });
        Message { id: Some(id.into()), status: Some(status.into()), detail, ..Message::default() }
    }

    #[test]
    fn all_layers_are_added_up() {
        let mut total = Total::default();
        assert_eq!(total.line(), None);
        total.take(&message("a", "Downloading", 1_000_000, 4_000_000));
        total.take(&message("b", "Downloading", 1_000_000, 4_000_000));
        total.take(&message("b", "Extracting", 1, 4_000_000));
        assert_eq!(total.line().unwrap(), "Total: 2MB/8MB (25%)");
        total.take(&message("a", "Download complete", 0, 0));
        assert_eq!(total.line().unwrap(), "Total: 5MB/8MB (62%)");
        total.take(&message("b", "Download complete", 0, 0));
        assert_eq!(total.line(), None);
    }
}
