//! `docker volume rm`.

use super::super::output::{join, print};
use super::super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] VOLUME [VOLUME...]",
        summary: "Remove one or more volumes",
        aliases: "volume rm, volume remove",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str =
        "Remove one or more volumes. You cannot remove a volume that is in use by a container.";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Force the removal of one or more volumes");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let query = Query::new().with_if(self.force, "force", "1");
        let mut failures = Vec::new();
        for name in &parsed.arguments {
            let path = object_path("volume", name, "");
            match path.and_then(|path| client.delete(&path, &query)?.discard()) {
                Ok(()) => print(&format!("{name}\n"))?,
                Err(failure) => failures.push(failure),
            }
        }
        join(failures)?;
        Ok(ExitStatus::SUCCESS)
    }
}
