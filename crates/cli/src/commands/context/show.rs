//! `docker context show`.

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use crate::config::current_context;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "",
        summary: "Print the name of the current context",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        print(&format!("{}\n", current_context(session)))?;
        Ok(ExitStatus::SUCCESS)
    }
}
