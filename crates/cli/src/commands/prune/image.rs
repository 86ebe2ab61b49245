//! `docker image prune`.

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
        summary: "Remove unused images",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Do not prompt for confirmation");
        flags.bool(&mut self.all, "all", "a", "Remove all unused images, not just dangling ones");
        flags.filters(&mut self.filters, "filter", "", "Provide filter values (e.g. \"until=<timestamp>\")");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let warning = if self.all {
            "WARNING! This will remove all images without at least one container associated to them."
        } else {
            "WARNING! This will remove all dangling images."
        };
        if !agreed(self.force, warning)? {
            return Ok(ExitStatus::SUCCESS);
        }
        prune(session, self.all, self.filters)?.print()
    }
}

/// Removes images: the nameless ones, or all that no container uses.
pub(super) fn prune(session: &Session, all: bool, mut filters: Vec<(String, String)>) -> Result<Pruned> {
    filters.push(("dangling".into(), (!all).to_string()));
    let answer = request(session, "images", &with_configured(session, filters))?;
    let lines: Vec<String> = answer
        .list("ImagesDeleted")
        .iter()
        .map(|removed| match removed.text("Untagged") {
            "" => format!("deleted: {}", removed.text("Deleted")),
            name => format!("untagged: {name}"),
        })
        .collect();
    Ok(Pruned::new("Deleted Images", &lines, &answer))
}
