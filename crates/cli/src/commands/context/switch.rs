//! `docker context use`.

use serde_json::Value as Json;

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::overridden;
use crate::config::DEFAULT_CONTEXT;
use crate::config::contexts::{Store, check_name};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTEXT",
        summary: "Set the current docker context",
        aliases: "",
        positional: Positional::Any,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let [name] = parsed.arguments.as_slice() else {
            return Err(format!("accepts 1 arg(s), received {}", parsed.arguments.len()).into());
        };
        let mut value = "";
        if name != DEFAULT_CONTEXT {
            check_name(name)?;
            Store::new(session).get(name)?;
            value = name;
        }
        if session.config().text("currentContext") != value {
            let value = if value.is_empty() { Json::Null } else { value.into() };
            session.config().save_value("currentContext", value)?;
        }
        print(&format!("{name}\n"))?;
        eprintln!("Current context is now {}", quote(name));
        if name != DEFAULT_CONTEXT && overridden() {
            eprintln!(
                "Warning: DOCKER_HOST environment variable overrides the active context. To use {}, either set the \
                 global --context flag, or unset DOCKER_HOST environment variable.",
                quote(name)
            );
        }
        Ok(ExitStatus::SUCCESS)
    }
}
