//! `sampan image pin` and `unpin`: whether a collection under the disk budget leaves an image alone.

use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

/// `pin`.
#[derive(Default)]
pub(crate) struct Pin;

/// `unpin`.
#[derive(Default)]
pub(crate) struct Unpin;

const PIN: Specification = Specification {
    arguments: "IMAGE [IMAGE...]",
    summary: "Keep images whatever the disk budget says",
    aliases: "",
    positional: Positional::AtLeast(1),
    interspersed: true,
};

impl Command for Pin {
    const SPECIFICATION: Specification = PIN;

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        each(session, &parsed, "pin")
    }
}

impl Command for Unpin {
    const SPECIFICATION: Specification =
        Specification { summary: "Let the disk budget count for images again", ..PIN };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        each(session, &parsed, "unpin")
    }
}

fn each(session: &Session, parsed: &Parsed, what: &str) -> Result<ExitStatus> {
    for name in &parsed.arguments {
        let path = format!("/sampan/images/{name}/{what}");
        session.client()?.post(&path, &Query::new())?.discard()?;
        print(&format!("{name}\n"))?;
    }
    Ok(ExitStatus::SUCCESS)
}
