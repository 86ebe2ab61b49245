//! `docker create`: makes a container without starting it.

use super::container_options::ContainerOptions;
use super::creation::{self, CreationOptions};
use super::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    creation: CreationOptions,
    options: ContainerOptions,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        summary: "Create a new container",
        aliases: "container create, create",
        positional: Positional::AtLeast(1),
        interspersed: false,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.creation.flags(flags, "Pull image before creating (\"always\", \"|missing\", \"never\")");
        self.options.flags(flags);
        flags.help_flag();
    }

    fn run(mut self, session: &Session, mut parsed: Parsed) -> Result<ExitStatus> {
        self.options.command = parsed.arguments.split_off(1);
        self.options.image = parsed.arguments.remove(0);
        let body = creation::body(session, "create", &self.creation, &self.options, &parsed)?;
        let created = creation::create(session, &self.creation, &self.options, &body)?;
        println!("{}", created.id);
        Ok(ExitStatus::SUCCESS)
    }
}
