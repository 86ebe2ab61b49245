//! `docker volume prune`.

use super::super::{Command, Positional, Specification};
use super::{Pruned, agreed, request, with_configured};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    all: bool,
    filters: Vec<(String, String)>,
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Remove unused local volumes",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.all, "all", "a", "Remove all unused volumes, not just anonymous ones");
        flags.bool(&mut self.force, "force", "f", "Do not prompt for confirmation");
        flags.filters(&mut self.filters, "filter", "", "Provide filter values (e.g. \"label=<label>\")");
    }

    fn run(mut self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let anonymous_only = session.client()?.speaks("1.42");
        if anonymous_only && self.all {
            if with_configured(session, self.filters.clone()).iter().any(|(key, _)| key == "all") {
                return Err("conflicting options: cannot specify both --all and --filter all=1".into());
            }
            self.filters.push(("all".into(), "true".into()));
        }
        let warning = if anonymous_only && !self.all {
            "WARNING! This will remove anonymous local volumes not used by at least one container."
        } else {
            "WARNING! This will remove all local volumes not used by at least one container."
        };
        if !agreed(self.force, warning)? {
            return Ok(ExitStatus::SUCCESS);
        }
        prune(session, self.filters)?.print()
    }
}

/// Removes volumes that no container uses.
pub(super) fn prune(session: &Session, filters: Vec<(String, String)>) -> Result<Pruned> {
    let answer = request(session, "volumes", &with_configured(session, filters))?;
    let lines: Vec<String> = answer.texts("VolumesDeleted").into_iter().map(String::from).collect();
    Ok(Pruned::new("Deleted Volumes", &lines, &answer))
}
