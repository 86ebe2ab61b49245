//! `docker network prune`.

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
        summary: "Remove all unused networks",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Do not prompt for confirmation");
        flags.filters(&mut self.filters, "filter", "", "Provide filter values (e.g. \"until=<timestamp>\")");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let warning = "WARNING! This will remove all custom networks not used by at least one container.";
        if agreed(self.force, warning)? {
            prune(session, self.filters)?.print_report()?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

/// Removes networks that no container is in.
pub(super) fn prune(session: &Session, filters: Vec<(String, String)>) -> Result<Pruned> {
    let answer = request(session, "networks", &with_configured(session, filters))?;
    let lines: Vec<String> = answer.texts("NetworksDeleted").into_iter().map(String::from).collect();
    Ok(Pruned::new("Deleted Networks", &lines, &answer))
}
