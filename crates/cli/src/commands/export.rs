//! `docker export`: a container's files as a tar.

use super::download::Output;
use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    output: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER",
        summary: "Export a container's filesystem as a tar archive",
        aliases: "container export, export",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.output, "output", "o", "Write to a file, instead of STDOUT");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let output = Output::open(&self.output, "failed to export container")?;
        let path = object_path("container", &parsed.arguments[0], "export")?;
        let mut response = session.client()?.get(&path, &Query::new())?;
        output.take(&mut response)?;
        Ok(ExitStatus::SUCCESS)
    }
}
