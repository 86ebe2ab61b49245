//! `docker search`: images of a registry by words.

use serde_json::Value as Json;

use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::{Body, Query};
use crate::config::registry_authentication;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::search::{self, Found, SEARCH};
use crate::format::table::{Format, Style};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    filters: Vec<(String, String)>,
    format: String,
    limit: i64,
    no_trunc: bool,
    stars: i64,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] TERM",
        summary: "Search Docker Hub for images",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.no_trunc, "no-trunc", "", "Don't truncate output");
        flags.filters(&mut self.filters, "filter", "f", "Filter output based on conditions provided");
        flags.int(&mut self.limit, "limit", "", "Max number of search results");
        flags.int(&mut self.stars, "stars", "s", "Only displays with at least x stars").own();
        flags.string(&mut self.format, "format", "", "Pretty-print search using a Go template");
    }

    fn run(mut self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if self.stars > 0 {
            self.filters.push(("stars".into(), self.stars.to_string()));
        }
        let query = Query::new()
            .with("term", parsed.arguments[0].as_str())
            .with_if(self.limit > 0, "limit", self.limit.to_string())
            .with_filters(&self.filters);
        let authentication = registry_authentication(session, &domain_of(&parsed.arguments[0]));
        let headers = [("X-Registry-Auth", authentication.as_str())];
        let response =
            session.client()?.request_with("GET", "/images/search", &query, &headers, Body::None)?;
        let results: Vec<Json> = response.json()?;
        let json = self.format == "json" || self.format == "{{json .}}";
        let found = results.into_iter().map(|result| Found { result, json }).collect();
        let format = Format::new(search::format(&self.format));
        print(&format.render(&SEARCH, found, Style { short: !self.no_trunc })?)?;
        Ok(ExitStatus::SUCCESS)
    }
}

/// The registry that a term asks: the part before the first slash if it looks like a host.
fn domain_of(term: &str) -> String {
    match term.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first.into(),
        _ => "docker.io".into(),
    }
}
