//! `docker rename`.

use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTAINER NEW_NAME",
        summary: "Rename a container",
        aliases: "container rename, rename",
        positional: Positional::Exactly(2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let (old, new) = (parsed.arguments[0].trim(), parsed.arguments[1].trim());
        if old.is_empty() || new.is_empty() {
            return Err("Error: Neither old nor new names may be empty".into());
        }
        let path = object_path("container", old, "rename")?;
        match session.client()?.post(&path, &Query::new().with("name", new)) {
            Ok(response) => response.discard().map(|()| ExitStatus::SUCCESS),
            Err(failure) => {
                eprintln!("{failure}");
                Err(Failure::message(format!("Error: failed to rename container named {old}")))
            }
        }
    }
}
