//! `docker context import`.

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::{archive, check_new};
use crate::config::contexts::{Store, system_words};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTEXT FILE|-",
        summary: "Import a context from a tar or zip file",
        aliases: "",
        positional: Positional::Exactly(2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let (name, source) = (&parsed.arguments[0], &parsed.arguments[1]);
        let store = Store::new(session);
        check_new(&store, name)?;
        if source == "-" {
            archive::read(&store, name, std::io::stdin().lock())?;
        } else {
            let file = std::fs::File::open(source)
                .map_err(|error| Failure::message(format!("open {source}: {}", system_words(&error))))?;
            archive::read(&store, name, file)?;
        }
        print(&format!("{name}\n"))?;
        eprintln!("Successfully imported context {}", quote(name));
        Ok(ExitStatus::SUCCESS)
    }
}
