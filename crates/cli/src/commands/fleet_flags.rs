//! What the commands about replicas have in common: how careful they are, and how they show what happens.

use super::progress::{self, Target};
use crate::client::Query;
use crate::failure::Result;
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use serde_json::{Value, json};
use std::io::Read;

const SECOND: i64 = 1_000_000_000;

/// Times and permissions of a group. One that is not given stays as it was, so no default is sent.
#[derive(Default)]
pub(crate) struct Careful {
    drain: i64,
    ready_after: i64,
    ready_timeout: i64,
    share_volumes: bool,
}

impl Careful {
    pub(crate) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags
            .duration(&mut self.drain, "drain", "Time for the connections of a replica that leaves")
            .shown_default("30s")
            .own();
        flags
            .duration(
                &mut self.ready_after,
                "ready-after",
                "Time that a replica without a health check has to run before it gets connections",
            )
            .shown_default("5s")
            .own();
        flags
            .duration(
                &mut self.ready_timeout,
                "ready-timeout",
                "Time after which a replica that is not ready has failed",
            )
            .shown_default("5m")
            .own();
        flags
            .bool(
                &mut self.share_volumes,
                "share-volumes",
                "",
                "Two replicas may write to the same volumes at the same time",
            )
            .own();
    }

    /// What of it was given, for a request.
    pub(crate) fn body(&self, parsed: &Parsed) -> Value {
        let mut body = json!({});
        for (flag, field, value) in [
            ("drain", "Drain", self.drain),
            ("ready-after", "ReadyAfter", self.ready_after),
            ("ready-timeout", "ReadyTimeout", self.ready_timeout),
        ] {
            if parsed.changed(flag) {
                body[field] = json!((value / SECOND).max(0));
            }
        }
        if parsed.changed("share-volumes") {
            body["ShareVolumes"] = json!(self.share_volumes);
        }
        body
    }
}

/// Shows what happens, on stderr: stdout is for what scripts read.
///
/// # Errors
/// What failed.
pub(crate) fn follow(response: &mut dyn Read) -> Result<()> {
    progress::show(response, Target::Stderr, &mut |_| {})
}

/// Adds a job and says so, on stderr.
///
/// # Errors
/// What the engine refuses.
pub(crate) fn add_job(session: &Session, name: &str, schedule: &str, kind: &str, work: &Value) -> Result<()> {
    let body = json!({"Container": name, "Schedule": schedule, kind: work});
    let job: Value = session.client()?.post_json("/sampan/jobs", &Query::new(), &body)?.json()?;
    eprintln!(
        "job {}: {}",
        job["Id"].as_str().unwrap_or_default(),
        job["Schedule"].as_str().unwrap_or_default()
    );
    Ok(())
}

/// A plan, a line for each step.
pub(crate) fn plan_text(plan: &Value) -> String {
    let steps = plan["Steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    if steps.is_empty() {
        return "nothing to do\n".to_owned();
    }
    let line =
        |(index, step): (usize, &Value)| format!("{:2}. {}\n", index + 1, step.as_str().unwrap_or_default());
    steps.iter().enumerate().map(line).collect()
}

/// A table; the first row is its head.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
