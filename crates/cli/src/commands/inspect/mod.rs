//! `docker inspect`: any object by its name, tried as one type after the other.

pub(super) mod container;
mod documents;
mod fetch;
pub(super) mod image;
pub(super) mod network;
pub(super) mod volume;

use serde_json::Value as Json;

use super::ashore::Place;
use super::output::{INSPECT_FORMAT_HELP, join, print};
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::inspect::{Inspected, Inspector};
use crate::format::objects::Fields;
use crate::session::Session;

/// The types, in the order in which they are tried, and whether only a swarm has them.
const TYPES: &[(&str, bool)] = &[
    ("container", false),
    ("image", false),
    ("network", false),
    ("volume", false),
    ("service", true),
    ("task", true),
    ("node", true),
    ("plugin", false),
    ("secret", true),
    ("config", true),
];

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    kind: String,
    size: bool,
    form: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NAME|ID [NAME|ID...]",
        summary: "Return low-level information on Docker objects",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
        flags.string(&mut self.kind, "type", "", "Only inspect objects of the given type");
        flags.bool(&mut self.size, "size", "s", "Display total file sizes if the type is container");
        flags.string(&mut self.form, "as", "", documents::HELP).own();
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let known = TYPES.iter().any(|(kind, _)| *kind == self.kind);
        if !known && (!self.kind.is_empty() || parsed.changed("type")) {
            let mut names: Vec<&str> = TYPES.iter().map(|(kind, _)| *kind).collect();
            names.sort_unstable();
            let names = names.join("\", \"");
            return Err(match self.kind.as_str() {
                "" => format!("type is empty: must be one of \"{names}\""),
                kind => format!("unknown type: {kind:?}: must be one of \"{names}\""),
            }
            .into());
        }
        if parsed.changed("as") {
            return documents::documents(session, &self.form, &parsed.arguments);
        }
        if let Some(status) = ashore(session, &self.format, &parsed.arguments)? {
            return Ok(status);
        }
        inspect(&self.format, &parsed.arguments, |name| self.find(session, name))
    }
}

/// Containers at targets, as JSON; `None` where the names are of this engine.
///
/// # Errors
/// What the places say; names of both kinds.
pub(super) fn ashore(session: &Session, format: &str, names: &[String]) -> Result<Option<ExitStatus>> {
    let places: Vec<Place> = names.iter().filter_map(|name| Place::parse(name)).collect();
    if places.is_empty() {
        return Ok(None);
    }
    if places.len() < names.len() || !matches!(format, "" | "json" | "{{json .}}") {
        return Err("containers at targets are shown apart, and as JSON: leave --format out".into());
    }
    let all: Result<Vec<Json>> =
        places.iter().map(|place| super::ashore::inspect(session.client()?, place)).collect();
    print(&format!("{}\n", serde_json::to_string_pretty(&all?)?))?;
    Ok(Some(ExitStatus::SUCCESS))
}

impl Args {
    fn find(&self, session: &Session, name: &str) -> Result<Inspected> {
        let mut swarm = None;
        for (kind, of_swarm) in TYPES {
            if !self.kind.is_empty() && self.kind != *kind {
                continue;
            }
            if self.kind.is_empty() && *of_swarm && !*swarm.get_or_insert_with(|| is_manager(session)) {
                continue;
            }
            match fetch::any(session, kind, name, self.size) {
                Err(failure) if self.kind.is_empty() && is_skippable(&failure) => {}
                found => {
                    if self.size && *kind != "container" {
                        eprintln!("WARNING: --size ignored for {kind}");
                    }
                    return found;
                }
            }
        }
        Err(Failure::message(format!("Error: No such object: {name}")))
    }
}

fn is_manager(session: &Session) -> bool {
    let info = session.client().and_then(|client| client.get("/info", &Query::new())?.json::<Json>());
    match info {
        Ok(info) => info.field("Swarm").flag("ControlAvailable"),
        Err(failure) => {
            eprintln!("{failure}");
            false
        }
    }
}

fn is_skippable(failure: &Failure) -> bool {
    let text = failure.to_string();
    failure.is_not_found() || text.contains("not supported") || text.contains("invalid reference format")
}

/// Inspects each name with `fetch` and prints what was found, then what failed.
pub(super) fn inspect(
    format: &str,
    names: &[String],
    mut fetch: impl FnMut(&str) -> Result<Inspected>,
) -> Result<ExitStatus> {
    let mut inspector =
        Inspector::new(format).map_err(|error| Failure::Status { text: error.0, status: ExitStatus(64) })?;
    let mut failures = Vec::new();
    for name in names {
        let added = fetch(name).and_then(|object| inspector.add(object).map_err(Failure::from));
        failures.extend(added.err());
    }
    print(&inspector.finish())?;
    join(failures)?;
    Ok(ExitStatus::SUCCESS)
}
