//! `docker … prune`: removes what nothing uses, after a question.

pub(super) mod container;
pub(super) mod image;
pub(super) mod network;
pub(super) mod system;
pub(super) mod volume;

use serde_json::Value as Json;

use super::output::{confirm, print};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::format::objects::{Fields, size};
use crate::format::units;
use crate::session::Session;

/// What one prune did.
pub(super) struct Pruned {
    /// The list of what was removed, or nothing.
    pub(super) report: String,
    /// Bytes.
    pub(super) reclaimed: i64,
}

impl Pruned {
    /// A list with this title, unless there is nothing in it; then no bytes count, either.
    fn new(title: &str, lines: &[String], answer: &Json) -> Self {
        if lines.is_empty() {
            return Self { report: String::new(), reclaimed: 0 };
        }
        let report = format!("{title}:\n{}\n", lines.join("\n"));
        Self { report, reclaimed: answer.int("SpaceReclaimed") }
    }

    /// Prints the list and what it freed.
    fn print(&self) -> Result<ExitStatus> {
        self.print_report()?;
        print(&format!("Total reclaimed space: {}\n", units::human_size(size(self.reclaimed))))?;
        Ok(ExitStatus::SUCCESS)
    }

    fn print_report(&self) -> Result<()> {
        if self.report.is_empty() { Ok(()) } else { print(&format!("{}\n", self.report)) }
    }
}

/// The filters given, and those of `pruneFilters` in the configuration that do not contradict them.
/// Docker documents this and, up to 28.5, forgets configured labels unless the opposite one is given;
/// whoever wrote `label!=keep` there means it, so here they count.
fn with_configured(session: &Session, mut filters: Vec<(String, String)>) -> Vec<(String, String)> {
    let configured = session.config().value("pruneFilters").and_then(Json::as_array).cloned();
    for filter in configured.unwrap_or_default() {
        let Some((key, value)) = filter.as_str().and_then(|filter| filter.split_once('=')) else { continue };
        let opposite = match key {
            "label" => "label!",
            "label!" => "label",
            _ => "",
        };
        if !filters.iter().any(|(known, other)| known == opposite && other == value) {
            filters.push((key.into(), value.into()));
        }
    }
    filters
}

/// Sends the request to `/KIND/prune`.
fn request(session: &Session, kind: &str, filters: &[(String, String)]) -> Result<Json> {
    session.client()?.post(&format!("/{kind}/prune"), &Query::new().with_filters(filters))?.json()
}

/// Asks unless forced.
fn agreed(force: bool, warning: &str) -> Result<bool> {
    Ok(force || confirm(&format!("{warning}\nAre you sure you want to continue?"))?)
}
