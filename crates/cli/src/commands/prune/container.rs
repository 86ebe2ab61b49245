//! `docker container prune`.

use super::super::{Command, Positional, Specification};
use super::{Pruned, agreed, request, with_configured};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    filters: Vec<(String, String)>,
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Remove all stopped containers",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Do not prompt for confirmation");
        flags.filters(&mut self.filters, "filter", "", "Provide filter values (e.g. \"until=<timestamp>\")");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        if !agreed(self.force, "WARNING! This will remove all stopped containers.")? {
            return Ok(ExitStatus::SUCCESS);
        }
        prune(session, self.filters)?.print()
    }
}

/// Removes stopped containers.
pub(super) fn prune(session: &Session, filters: Vec<(String, String)>) -> Result<Pruned> {
    let answer = request(session, "containers", &with_configured(session, filters))?;
    let lines: Vec<String> = answer.texts("ContainersDeleted").into_iter().map(String::from).collect();
    Ok(Pruned::new("Deleted Containers", &lines, &answer))
}
