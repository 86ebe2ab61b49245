//! `docker import`: makes an image of a tar file.

use std::io::Read;

use super::container_options::key_values::system_text;
use super::{Command, Positional, Specification};
use super::{creation, progress};
use crate::client::{Body, Query};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

pub(crate) struct Args {
    changes: Vec<String>,
    message: String,
    platform: String,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            changes: Vec::new(),
            message: String::new(),
            platform: std::env::var("DOCKER_DEFAULT_PLATFORM").unwrap_or_default(),
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
        summary: "Import the contents from a tarball to create a filesystem image",
        aliases: "image import, import",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.list(&mut self.changes, "change", "c", "Apply Dockerfile instruction to the created image");
        flags.string(&mut self.message, "message", "m", "Set commit message for imported image");
        flags.string(&mut self.platform, "platform", "", "Set platform if server is multi-platform capable");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let source = parsed.arguments[0].as_str();
        let remote = source.starts_with("https://") || source.starts_with("http://");
        let body = if remote { Body::None } else { Body::Stream(open(source)?, "text/plain") };
        let repository = parsed.arguments.get(1).map_or("", String::as_str);
        if !repository.is_empty() {
            creation::named_reference(repository)?;
        }
        let mut query = Query::new()
            .with("fromSrc", if remote { source } else { "-" })
            .with_if(!repository.is_empty(), "repo", repository)
            .with_if(!self.message.is_empty(), "message", self.message)
            .with_if(!self.platform.is_empty(), "platform", self.platform.to_lowercase());
        for change in self.changes {
            query = query.with("changes", change);
        }
        let mut response = session.client()?.request("POST", "/images/create", &query, body)?;
        progress::show(&mut response, progress::Target::Stdout, &mut |_| {})?;
        Ok(ExitStatus::SUCCESS)
    }
}

/// A file by its path, or stdin for `-`.
pub(super) fn open(path: &str) -> Result<Box<dyn Read + Send>> {
    if path == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    match std::fs::File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::message(format!("open {path}: {}", system_text(&error)))),
    }
}
