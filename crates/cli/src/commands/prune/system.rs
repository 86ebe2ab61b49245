//! `docker system prune`: everything that nothing uses.

use serde_json::Value as Json;

use super::super::output::confirm;
use super::super::{Command, Positional, Specification};
use super::{Pruned, container, image, network, volume, with_configured};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    all: bool,
    filters: Vec<(String, String)>,
    force: bool,
    volumes: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Remove unused data",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Do not prompt for confirmation");
        flags.bool(&mut self.all, "all", "a", "Remove all unused images not just dangling ones");
        flags.bool(&mut self.volumes, "volumes", "", "Prune anonymous volumes");
        flags.filters(
            &mut self.filters,
            "filter",
            "",
            "Provide filter values (e.g. \"label=<key>=<value>\")",
        );
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        if self.volumes && self.filters.iter().any(|(key, _)| key == "until") {
            return Err("ERROR: The \"until\" filter is not supported with \"--volumes\"".into());
        }
        let build_cache = session.client()?.speaks("1.31");
        if !self.force && !confirm(&self.question(session, build_cache))? {
            return Ok(ExitStatus::SUCCESS);
        }
        let mut total = 0;
        let mut done = |pruned: Pruned| {
            total += pruned.reclaimed;
            pruned.print_report()
        };
        done(container::prune(session, self.filters.clone())?)?;
        done(network::prune(session, self.filters.clone())?)?;
        if self.volumes {
            done(volume::prune(session, self.filters.clone())?)?;
        }
        done(image::prune(session, self.all, self.filters.clone())?)?;
        if build_cache {
            done(prune_build_cache(session, self.all, self.filters)?)?;
        }
        Pruned { report: String::new(), reclaimed: total }.print()
    }
}

impl Args {
    /// What will be removed, and by which filters.
    fn question(&self, session: &Session, build_cache: bool) -> String {
        let mut warnings = vec!["all stopped containers", "all networks not used by at least one container"];
        if self.volumes {
            warnings.push("all anonymous volumes not used by at least one container");
        }
        warnings.push(if self.all {
            "all images without at least one container associated to them"
        } else {
            "all dangling images"
        });
        if build_cache {
            warnings.push(if self.all { "all build cache" } else { "unused build cache" });
        }
        let mut text = String::from("WARNING! This will remove:");
        for warning in warnings {
            text.push_str(&format!("\n  - {warning}"));
        }
        text.push('\n');
        let mut filters: Vec<String> = with_configured(session, self.filters.clone())
            .into_iter()
            .filter(|(key, _)| matches!(key.as_str(), "label" | "label!" | "until"))
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        filters.sort();
        if !filters.is_empty() {
            text.push_str("\n  Items to be pruned will be filtered with:");
            for filter in filters {
                text.push_str(&format!("\n  - {filter}"));
            }
            text.push('\n');
        }
        text + "\nAre you sure you want to continue?"
    }
}

/// Removes what the builder keeps.
fn prune_build_cache(session: &Session, all: bool, filters: Vec<(String, String)>) -> Result<Pruned> {
    let query = Query::new().with_if(all, "all", "1");
    let filters = with_configured(session, filters);
    let query = if filters.is_empty() { query.with("filters", "") } else { query.with_filters(&filters) };
    let answer: Json = session.client()?.post("/build/prune", &query)?.json()?;
    let lines: Vec<String> = answer.texts("CachesDeleted").into_iter().map(String::from).collect();
    Ok(Pruned::new("Deleted build cache objects", &lines, &answer))
}
