//! `docker context rm`.

use serde_json::Value as Json;

use super::super::output::{join, print};
use super::super::{Command, Positional, Specification};
use crate::config::contexts::Store;
use crate::config::{DEFAULT_CONTEXT, current_context};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTEXT [CONTEXT...]",
        summary: "Remove one or more contexts",
        aliases: "context rm, context remove",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Force the removal of a context in use");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let current = current_context(session);
        let mut failures = Vec::new();
        for name in &parsed.arguments {
            match self.remove(session, name, *name == current) {
                Ok(()) => print(&format!("{name}\n"))?,
                Err(failure) => failures.push(failure),
            }
        }
        join(failures)?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    fn remove(&self, session: &Session, name: &str, current: bool) -> Result<()> {
        if name == DEFAULT_CONTEXT {
            return Err("context \"default\" cannot be removed".into());
        }
        let store = Store::new(session);
        if current {
            if !self.force {
                return Err(format!("context {} is in use, set -f flag to force remove", quote(name)).into());
            }
            session.config().save_value("currentContext", Json::Null)?;
        }
        if !self.force && !store.metadata_folder(name).exists() {
            return Err(format!("context {} does not exist", quote(name)).into());
        }
        store.remove(name)
    }
}
