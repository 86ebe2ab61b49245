//! `docker diff`: what changed in a container's file system.

use std::io::Write;

use serde::Deserialize;

use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Kind")]
    kind: u8,
    #[serde(rename = "Path")]
    path: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTAINER",
        summary: "Inspect changes to files or directories on a container's filesystem",
        aliases: "container diff, diff",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let name = &parsed.arguments[0];
        if name.is_empty() {
            return Err("Container name cannot be empty".into());
        }
        let path = object_path("container", name, "changes")?;
        let changes: Option<Vec<Change>> = session.client()?.get(&path, &Query::new())?.json()?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for change in changes.unwrap_or_default() {
            let kind = match change.kind {
                0 => "C",
                1 => "A",
                2 => "D",
                _ => "",
            };
            writeln!(out, "{kind} {}", change.path)?;
        }
        out.flush()?;
        Ok(ExitStatus::SUCCESS)
    }
}
