//! `docker restart`: stops containers and starts them again.

use super::several;
use super::stop::Stopping;
use super::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    stopping: Stopping,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Restart one or more containers",
        aliases: "container restart, restart",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.stopping.flags(flags);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let query = self.stopping.query(&parsed)?;
        let client = session.client()?;
        several::in_turn(&parsed.arguments, |name| several::post(client, name, "restart", &query))
    }
}
