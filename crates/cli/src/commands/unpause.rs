//! `docker unpause`.

use super::several;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTAINER [CONTAINER...]",
        summary: "Unpause all processes within one or more containers",
        aliases: "container unpause, unpause",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        several::in_parallel(&parsed.arguments, |name| several::post(client, name, "unpause", &Query::new()))
    }
}
