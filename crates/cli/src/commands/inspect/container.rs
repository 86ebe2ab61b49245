//! `docker container inspect`.

use super::super::output::INSPECT_FORMAT_HELP;
use super::super::{Command, Positional, Specification};
use super::{fetch, inspect};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    size: bool,
    form: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Display detailed information on one or more containers",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
        flags.bool(&mut self.size, "size", "s", "Display total file sizes");
        flags.string(&mut self.form, "as", "", super::documents::HELP).own();
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if parsed.changed("as") {
            return super::documents::documents(session, &self.form, &parsed.arguments);
        }
        if let Some(status) = super::ashore(session, &self.format, &parsed.arguments)? {
            return Ok(status);
        }
        inspect(&self.format, &parsed.arguments, |name| fetch::container(session, name, self.size))
    }
}
