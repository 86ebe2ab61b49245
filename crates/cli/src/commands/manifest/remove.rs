//! `docker manifest rm`: forgets lists that are being put together.

use super::super::{Command, Positional, Specification};
use super::{complete, local, whole};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "MANIFEST_LIST [MANIFEST_LIST...]",
        summary: "Delete one or more manifest lists from local storage",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut problems = Vec::new();
        for name in &parsed.arguments {
            let list = complete(name)?;
            if std::fs::remove_dir_all(local::folder(session, &list)).is_err() {
                problems.push(format!("No such manifest: {}", whole(&list)));
            }
        }
        if problems.is_empty() { Ok(ExitStatus::SUCCESS) } else { Err(Failure::message(problems.join("\n"))) }
    }
}
