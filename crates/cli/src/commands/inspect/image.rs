//! `docker image inspect`.

use super::super::output::INSPECT_FORMAT_HELP;
use super::super::platform;
use super::super::{Command, Positional, Specification};
use super::{fetch, inspect};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    platform: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] IMAGE [IMAGE...]",
        summary: "Display detailed information on one or more images",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.format, "format", "f", INSPECT_FORMAT_HELP);
        flags.string(
            &mut self.platform,
            "platform",
            "",
            "Inspect a specific platform of the multi-platform image.\nIf the image or the server is not multi-platform capable, the command will error out if the platform does not match.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut query = Query::new();
        if !self.platform.is_empty() {
            query = query.with("platform", platform::parse(&self.platform)?.to_string());
        }
        inspect(&self.format, &parsed.arguments, |name| fetch::image(session, name, query.clone()))
    }
}
