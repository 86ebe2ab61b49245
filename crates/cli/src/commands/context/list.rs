//! `docker context ls`.

use super::super::natural::compare;
use super::super::output::{FORMAT_HELP, print};
use super::super::{Command, Positional, Specification};
use super::overridden;
use crate::config::contexts::Store;
use crate::config::current_context;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::format::objects::context::{self, CONTEXT, Context};
use crate::format::table::{Format, Style};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    quiet: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "List contexts",
        aliases: "context ls, context list",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
        flags.bool(&mut self.quiet, "quiet", "q", "Only show context names");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let store = Store::new(session);
        let current = current_context(session);
        let mut contexts: Vec<Context> = store.list()?.iter().map(|context| row(context, &current)).collect();
        if !contexts.iter().any(|context| context.current) {
            let error = store.get(&current).err().map(|failure| failure.to_string()).unwrap_or_default();
            contexts.push(Context {
                name: current,
                description: String::new(),
                endpoint: String::new(),
                current: true,
                error,
            });
        }
        contexts.sort_by(|left, right| compare(&left.name, &right.name));
        let source = if self.format.is_empty() { "table" } else { &self.format };
        let format = Format::new(context::format(source, self.quiet));
        print(&format.render(&CONTEXT, contexts, Style { short: false })?)?;
        if overridden() {
            eprintln!(
                "Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either \
                 set the global --context flag, or unset DOCKER_HOST environment variable."
            );
        }
        Ok(ExitStatus::SUCCESS)
    }
}

fn row(context: &crate::config::contexts::Context, current: &str) -> Context {
    let error = match context.host() {
        Some(_) => String::new(),
        None => format!("no docker endpoint configured for context {}", quote(&context.name)),
    };
    Context {
        name: context.name.clone(),
        description: context.description().into(),
        endpoint: context.host().unwrap_or_default().into(),
        current: context.name == current,
        error,
    }
}
