//! `docker load`: takes images from a tar file.

use std::io::IsTerminal;

use super::import::open;
use super::oci_folder;
use super::progress;
use super::{Command, Positional, Specification};
use crate::client::{Body, Query};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    input: String,
    quiet: bool,
    platform: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Load an image from a tar archive or STDIN",
        aliases: "image load, load",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.input, "input", "i", "Read from tar archive file, instead of STDIN");
        flags.bool(&mut self.quiet, "quiet", "q", "Suppress the load output");
        flags.string(
            &mut self.platform,
            "platform",
            "",
            "Load only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., \"linux/amd64\")",
        );
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        if self.input.is_empty() && std::io::stdin().is_terminal() {
            return Err("requested load from stdin, but stdin is empty".into());
        }
        let source = if std::path::Path::new(&self.input).is_dir() {
            oci_folder::read(&self.input)?
        } else {
            open(if self.input.is_empty() { "-" } else { &self.input })?
        };
        let quiet = self.quiet || !std::io::stdout().is_terminal();
        let mut query = Query::new().with("quiet", if quiet { "1" } else { "0" });
        if !self.platform.is_empty() {
            let platform = super::platform::parse(&self.platform)
                .map_err(|failure| failure.prefixed("invalid platform"))?;
            query = query.with("platform", platform.to_string());
        }
        let body = Body::Stream(source, "application/x-tar");
        let mut response = session.client()?.request("POST", "/images/load", &query, body)?;
        if response.header("content-type").is_some_and(|media| media == "application/json") {
            progress::show(&mut response, progress::Target::Stdout, &mut |_| {})?;
        } else {
            crate::terminal::copy_raw(&mut response)?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
