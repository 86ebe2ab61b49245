//! `docker events`: what happens in the engine, as it happens.

use std::io::Write;

use serde_json::Value as Json;

use super::timestamp;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::schema::events::EVENTS_MESSAGE;
use crate::format::template::Template;
use crate::format::time;
use crate::session::Session;

/// The exit status for a template that cannot be used (`EX_USAGE` of sysexits.h, as docker has it here).
const BAD_TEMPLATE: ExitStatus = ExitStatus(64);

#[derive(Default)]
pub(crate) struct Args {
    since: String,
    until: String,
    filters: Vec<(String, String)>,
    format: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Get real time events from the server",
        aliases: "system events, events",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.since, "since", "", "Show all events created since timestamp");
        flags.string(&mut self.until, "until", "", "Stream events until this timestamp");
        flags.filters(&mut self.filters, "filter", "f", "Filter output based on conditions provided");
        flags.string(&mut self.format, "format", "", super::output::INSPECT_FORMAT_HELP);
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let template = self.template()?;
        let mut query = Query::new();
        for (parameter, text) in [("since", &self.since), ("until", &self.until)] {
            if !text.is_empty() {
                query = query.with(parameter, timestamp::parse(text)?);
            }
        }
        let response = session.client()?.get("/events", &query.with_filters(&self.filters))?;
        let mut out = std::io::stdout().lock();
        for event in serde_json::Deserializer::from_reader(response).into_iter::<Json>() {
            let event = match event {
                Ok(event) => event,
                // The engine may end the stream in the middle of nothing.
                Err(error) if error.is_eof() => break,
                Err(error) => return Err(Failure::message(error.to_string())),
            };
            match &template {
                None => out.write_all(pretty(&event).as_bytes())?,
                Some(template) => {
                    let (text, result) = template.render_partly(&EVENTS_MESSAGE.decode(&event));
                    writeln!(out, "{text}")?;
                    result.map_err(|error| Failure::message(error.to_string()))?;
                }
            }
            out.flush()?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    /// The template of `--format`, tried on an empty event.
    fn template(&self) -> Result<Option<Template>> {
        let source = match self.format.as_str() {
            "" => return Ok(None),
            "json" => "{{json .}}",
            source => source,
        };
        let tried = Template::parse(source).and_then(|template| {
            template.render(&EVENTS_MESSAGE.decode(&Json::Null))?;
            Ok(template)
        });
        tried.map(Some).map_err(|error| Failure::Status {
            text: format!("Error parsing format: {error}"),
            status: BAD_TEMPLATE,
        })
    }
}

/// One line: time, type, action, id, and the attributes in parentheses.
fn pretty(event: &Json) -> String {
    let mut line = String::new();
    let number = |name: &str| event.get(name).and_then(Json::as_i64).unwrap_or(0);
    let nanoseconds = match (number("timeNano"), number("time")) {
        (0, 0) => None,
        (0, seconds) => Some(i128::from(seconds) * 1_000_000_000),
        (nanoseconds, _) => Some(i128::from(nanoseconds)),
    };
    if let Some(nanoseconds) = nanoseconds {
        line.push_str(&time::rfc3339_nano_fixed(nanoseconds));
        line.push(' ');
    }
    let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
    let actor = event.get("Actor");
    let id = text(actor.and_then(|actor| actor.get("ID")));
    line.push_str(&format!("{} {} {id}", text(event.get("Type")), text(event.get("Action"))));
    let attributes = actor.and_then(|actor| actor.get("Attributes")).and_then(Json::as_object);
    if let Some(attributes) = attributes.filter(|attributes| !attributes.is_empty()) {
        let sorted: std::collections::BTreeMap<_, _> = attributes.iter().collect();
        let pairs: Vec<String> =
            sorted.into_iter().map(|(name, value)| format!("{name}={}", text(Some(value)))).collect();
        line.push_str(&format!(" ({})", pairs.join(", ")));
    }
    line.push('\n');
    line
}
