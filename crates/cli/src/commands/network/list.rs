//! `docker network ls`.

use serde_json::Value as Json;

use super::super::natural::compare;
use super::super::output::{FORMAT_HELP, print};
use super::super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::format::objects::network::{self, NETWORK};
use crate::format::table::{Format, Style};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    filters: Vec<(String, String)>,
    format: String,
    no_trunc: bool,
    quiet: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "List networks",
        aliases: "network ls, network list",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.quiet, "quiet", "q", "Only display network IDs");
        flags.bool(&mut self.no_trunc, "no-trunc", "", "Do not truncate the output");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
        flags.filters(&mut self.filters, "filter", "f", "Provide filter values (e.g. \"driver=bridge\")");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let query = Query::new().with_filters(&self.filters);
        let mut networks: Vec<Json> = session.client()?.get("/networks", &query)?.json()?;
        networks.sort_by(|left, right| compare(left.text("Name"), right.text("Name")));
        let configured = session.config().text("networksFormat");
        let source = match self.format.as_str() {
            "" if configured.is_empty() || self.quiet => "table",
            "" => configured,
            given => given,
        };
        let format = Format::new(network::format(source, self.quiet));
        print(&format.render(&NETWORK, networks, Style { short: !self.no_trunc })?)?;
        Ok(ExitStatus::SUCCESS)
    }
}
