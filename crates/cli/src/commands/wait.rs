//! `docker wait`: waits until containers have ended and prints their exit statuses.

use serde::Deserialize;

use super::several;
use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

#[derive(Deserialize)]
struct Exit {
    #[serde(rename = "StatusCode")]
    status: i64,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTAINER [CONTAINER...]",
        summary: "Block until one or more containers stop, then print their exit codes",
        aliases: "container wait, wait",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let mut failures = Vec::new();
        for name in &parsed.arguments {
            let wait =
                || client.post(&object_path("container", name, "wait")?, &Query::new())?.json::<Exit>();
            match wait() {
                Ok(exit) => println!("{}", exit.status),
                Err(failure) => failures.push(failure),
            }
        }
        several::joined(failures)
    }
}
