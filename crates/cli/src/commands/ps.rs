//! `docker ps`: lists containers.

use serde_json::Value as Json;

use super::output::{FORMAT_HELP, print};
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::container::{self, CONTAINER};
use crate::format::table::{Format, Style};
use crate::format::template::Template;
use crate::session::Session;

pub(crate) struct Args {
    all: bool,
    filters: Vec<(String, String)>,
    format: String,
    last: i64,
    latest: bool,
    no_trunc: bool,
    quiet: bool,
    size: bool,
    targets: Vec<String>,
    all_targets: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            all: false,
            filters: Vec::new(),
            format: String::new(),
            last: -1,
            latest: false,
            no_trunc: false,
            quiet: false,
            size: false,
            targets: Vec::new(),
            all_targets: false,
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "List containers",
        aliases: "container ls, container list, container ps, ps",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.quiet, "quiet", "q", "Only display container IDs");
        flags.bool(&mut self.size, "size", "s", "Display total file sizes");
        flags.bool(&mut self.all, "all", "a", "Show all containers (default shows just running)");
        flags.bool(&mut self.no_trunc, "no-trunc", "", "Don't truncate output");
        flags.bool(
            &mut self.latest,
            "latest",
            "l",
            "Show the latest created container (includes all states)",
        );
        flags.int(&mut self.last, "last", "n", "Show n last created containers (includes all states)");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
        flags.list(&mut self.targets, "target", "", "Show what lives at this target instead").own();
        flags
            .bool(
                &mut self.all_targets,
                "all-targets",
                "",
                "Show what lives at every target that was made, too",
            )
            .own();
        flags.filters(&mut self.filters, "filter", "f", "Filter output based on conditions provided");
    }

    fn run(mut self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if !self.targets.is_empty() {
            super::ashore::ls(session.client()?, &self.targets, self.all_targets, self.quiet)?;
            return Ok(ExitStatus::SUCCESS);
        }
        if self.format.is_empty() {
            session.config().text("psFormat").clone_into(&mut self.format);
        } else if self.quiet {
            eprintln!("WARNING: Ignoring custom format, because both --format and --quiet are set.");
        }
        if !self.format.is_empty() {
            let uses_size = uses_size(&self.format)?;
            self.size |= uses_size && !self.quiet && !parsed.changed("size");
        }
        let limit = if self.latest && self.last == -1 { 1 } else { self.last };
        let query = Query::new()
            .with_if(self.all, "all", "1")
            .with_if(limit > 0, "limit", limit.to_string())
            .with_if(self.size, "size", "1")
            .with_filters(&self.filters);
        let containers: Vec<Json> = session.client()?.get("/containers/json", &query)?.json()?;
        let format = Format::new(container::format(&self.format, self.quiet, self.size));
        print(&format.render(&CONTAINER, containers, Style { short: !self.no_trunc })?)?;
        if self.all_targets {
            super::ashore::ls(session.client()?, &[], true, self.quiet)?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

/// Tries the template on an empty container: it must run, and may ask for the size, which the engine
/// only computes on request.
fn uses_size(format: &str) -> Result<bool> {
    let template = Template::parse(format)
        .map_err(|error| Failure::message(format!("failed to parse template: {error}")))?;
    let probe = container::probe();
    template
        .render(&probe.value())
        .map_err(|error| Failure::message(format!("failed to execute template: {error}")))?;
    Ok(probe.asked_for_size())
}
