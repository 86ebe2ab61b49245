//! `docker save`: images as a tar.

use super::download::Output;
use super::oci_folder;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    format: String,
    output: String,
    platform: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] IMAGE [IMAGE...]",
        summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
        aliases: "image save, save",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags
            .string(
                &mut self.format,
                "format",
                "",
                "\"docker-archive\", which OCI's tools read as well, or \"oci-dir\"",
            )
            .own();
        flags.string(&mut self.output, "output", "o", "Write to a file, instead of STDOUT");
        flags.string(
            &mut self.platform,
            "platform",
            "",
            "Save only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., \"linux/amd64\")",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut query = Query::new();
        for name in &parsed.arguments {
            query = query.with("names", name);
        }
        if !self.platform.is_empty() {
            let platform = super::platform::parse(&self.platform)
                .map_err(|failure| failure.prefixed("invalid platform"))?;
            query = query.with("platform", platform.to_string());
        }
        if self.format == "oci-dir" {
            let folder = oci_folder::Target::new(&self.output)?;
            folder.take(&mut session.client()?.get("/images/get", &query)?)?;
            return Ok(ExitStatus::SUCCESS);
        }
        if !matches!(self.format.as_str(), "" | "docker-archive") {
            let format = &self.format;
            return Err(format!("format {format:?} is not known: say docker-archive or oci-dir").into());
        }
        let output = Output::open(&self.output, "failed to save image")?;
        let mut response = session.client()?.get("/images/get", &query)?;
        output.take(&mut response)?;
        Ok(ExitStatus::SUCCESS)
    }
}
