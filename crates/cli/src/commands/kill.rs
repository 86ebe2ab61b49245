//! `docker kill`: sends a signal, KILL unless another is named.

use super::several;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    signal: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Kill one or more running containers",
        aliases: "container kill, kill",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.signal, "signal", "s", "Signal to send to the container");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let query = Query::new().with_if(!self.signal.is_empty(), "signal", self.signal);
        let client = session.client()?;
        several::in_parallel(&parsed.arguments, |name| several::post(client, name, "kill", &query))
    }
}
