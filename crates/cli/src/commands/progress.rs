//! The progress that the engine reports as a stream of JSON messages, shown as docker shows it.

use std::collections::HashMap;
use std::io::{IsTerminal, Read, Write};

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::format::units;

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
    let (mut out, terminal): (Box<dyn Write>, bool) = match target {
        Target::Stdout => (Box::new(std::io::stdout()), std::io::stdout().is_terminal()),
        Target::Stderr => (Box::new(std::io::stderr()), std::io::stderr().is_terminal()),
        Target::Nowhere => (Box::new(std::io::sink()), false),
    };
    let mut lines: HashMap<String, usize> = HashMap::new();
    for message in serde_json::Deserializer::from_reader(source).into_iter::<Message>() {
        let message = message?;
        if let Some(value) = &message.aux {
            aux(value);
            continue;
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
        out.flush()?;
    }
    Ok(())
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
