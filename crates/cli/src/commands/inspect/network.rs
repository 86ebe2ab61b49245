//! `docker network inspect`.

use super::super::output::INSPECT_FORMAT_HELP;
use super::super::{Command, Positional, Specification};
use super::{fetch, inspect};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    verbose: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NETWORK [NETWORK...]",
        summary: "Display detailed information on one or more networks",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
        flags.bool(&mut self.verbose, "verbose", "v", "Verbose output for diagnostics");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        inspect(&self.format, &parsed.arguments, |name| fetch::network(session, name, self.verbose))
    }
}
