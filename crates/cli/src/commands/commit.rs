//! `docker commit`: makes an image of a container's files.

use serde::Deserialize;

use super::{Command, Positional, Specification};
use crate::client::{Body, Query};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

pub(crate) struct Args {
    pause: bool,
    message: String,
    author: String,
    changes: Vec<String>,
}

impl Default for Args {
    fn default() -> Self {
        Self { pause: true, message: String::new(), author: String::new(), changes: Vec::new() }
    }
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "Id")]
    id: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
        summary: "Create a new image from a container's changes",
        aliases: "container commit, commit",
        positional: Positional::Between(1, 2),
        interspersed: false,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.pause, "pause", "p", "Pause container during commit");
        flags.string(&mut self.message, "message", "m", "Commit message");
        flags.string(
            &mut self.author,
            "author",
            "a",
            "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")",
        );
        flags.list(&mut self.changes, "change", "c", "Apply Dockerfile instruction to the created image");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let container = parsed.arguments[0].trim();
        if container.is_empty() {
            return Err("invalid container name or ID: value is empty".into());
        }
        let (repository, tag) = match parsed.arguments.get(1).filter(|name| !name.is_empty()) {
            None => (String::new(), String::new()),
            Some(name) => {
                let reference = super::creation::named_reference(name)
                    .map_err(|failure| Failure::message(failure.to_string()))?;
                if reference.digest.is_some() {
                    return Err("refusing to create a tag with a digest reference".into());
                }
                (
                    format!("{}/{}", reference.domain, reference.path),
                    reference.tag.clone().unwrap_or_else(|| String::from("latest")),
                )
            }
        };
        let mut query = Query::new()
            .with("container", container)
            .with("repo", repository)
            .with("tag", tag)
            .with("comment", self.message)
            .with("author", self.author)
            .with_if(!self.pause, "pause", "0");
        for change in self.changes {
            query = query.with("changes", change);
        }
        let response = session.client()?.request("POST", "/commit", &query, Body::None)?;
        println!("{}", response.json::<Made>()?.id);
        Ok(ExitStatus::SUCCESS)
    }
}
