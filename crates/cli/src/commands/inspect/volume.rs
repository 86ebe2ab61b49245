//! `docker volume inspect`.

use super::super::output::INSPECT_FORMAT_HELP;
use super::super::{Command, Positional, Specification};
use super::{fetch, inspect};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] VOLUME [VOLUME...]",
        summary: "Display detailed information on one or more volumes",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        inspect(&self.format, &parsed.arguments, |name| fetch::typed_volume(session, name))
    }
}
