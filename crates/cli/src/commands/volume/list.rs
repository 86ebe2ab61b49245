//! `docker volume ls`.

use serde_json::Value as Json;

use super::super::natural::compare;
use super::super::output::{FORMAT_HELP, print};
use super::super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::format::objects::volume::{self, CLUSTER_TABLE, VOLUME};
use crate::format::table::{Format, Style};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    cluster: bool,
    filters: Vec<(String, String)>,
    format: String,
    quiet: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "List volumes",
        aliases: "volume ls, volume list",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.quiet, "quiet", "q", "Only display volume names");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
        flags.filters(&mut self.filters, "filter", "f", "Provide filter values (e.g. \"dangling=true\")");
        flags
            .bool(
                &mut self.cluster,
                "cluster",
                "",
                "Display only cluster volumes, and use cluster volume list formatting",
            )
            .hidden();
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let query = Query::new().with_filters(&self.filters);
        let answer: Json = session.client()?.get("/volumes", &query)?.json()?;
        let mut volumes = answer.list("Volumes").to_vec();
        if self.cluster {
            volumes.retain(|volume| !volume.field("ClusterVolume").is_null());
        }
        volumes.sort_by(|left, right| compare(left.text("Name"), right.text("Name")));
        let configured = session.config().text("volumesFormat");
        let source = match self.format.as_str() {
            _ if self.cluster && !self.quiet => CLUSTER_TABLE,
            _ if self.cluster => "table",
            "" if configured.is_empty() || self.quiet => "table",
            "" => configured,
            given => given,
        };
        let format = Format::new(volume::format(source, self.quiet));
        print(&format.render(&VOLUME, volumes, Style { short: false })?)?;
        Ok(ExitStatus::SUCCESS)
    }
}
