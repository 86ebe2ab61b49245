//! `docker network disconnect`.

use serde_json::json;

use super::super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NETWORK CONTAINER",
        summary: "Disconnect a container from a network",
        aliases: "",
        positional: Positional::Exactly(2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Force the container to disconnect from a network");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let body = json!({ "Container": parsed.arguments[1], "Force": self.force });
        let path = object_path("network", &parsed.arguments[0], "disconnect")?;
        session.client()?.post_json(&path, &Query::new(), &body)?.discard()?;
        Ok(ExitStatus::SUCCESS)
    }
}
