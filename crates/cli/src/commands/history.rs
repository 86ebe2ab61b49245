//! `docker history`: the layers of an image.

use serde_json::Value as Json;

use super::output::{FORMAT_HELP, print};
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::history::{self, HISTORY, Step};
use crate::format::table::{Format, Style};
use crate::session::Session;

pub(crate) struct Args {
    format: String,
    human: bool,
    no_trunc: bool,
    platform: String,
    quiet: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self { format: String::new(), human: true, no_trunc: false, platform: String::new(), quiet: false }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] IMAGE",
        summary: "Show the history of an image",
        aliases: "image history, history",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.human, "human", "H", "Print sizes and dates in human readable format");
        flags.bool(&mut self.quiet, "quiet", "q", "Only show image IDs");
        flags.bool(&mut self.no_trunc, "no-trunc", "", "Don't truncate output");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
        flags.string(
            &mut self.platform,
            "platform",
            "",
            "Show history for the given platform. Formatted as \"os[/arch[/variant]]\" (e.g., \"linux/amd64\")",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut query = Query::new();
        if !self.platform.is_empty() {
            let platform = super::platform::parse(&self.platform)
                .map_err(|failure| failure.prefixed("invalid platform"))?;
            query = query.with("platform", platform.to_string());
        }
        let image = &parsed.arguments[0];
        let layers: Vec<Json> = session.client()?.get(&format!("/images/{image}/history"), &query)?.json()?;
        let source = if self.format.is_empty() { "table" } else { &self.format };
        let format = Format::new(history::format(source, self.quiet, self.human));
        let steps = layers.into_iter().map(|layer| Step { layer, human: self.human }).collect();
        print(&format.render(&HISTORY, steps, Style { short: !self.no_trunc })?)?;
        Ok(ExitStatus::SUCCESS)
    }
}
