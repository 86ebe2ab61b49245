//! `docker logs`: what a container wrote so far, and with `-f` what it writes.

use super::ashore::{self, Place};
use super::start::inspect;
use super::timestamp;
use super::{Command, Positional, Specification};
use crate::client::{Client, Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use crate::terminal::{Demultiplexer, StandardStreams, copy_raw};

pub(crate) struct Args {
    follow: bool,
    since: String,
    until: String,
    timestamps: bool,
    details: bool,
    tail: String,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            follow: false,
            since: String::new(),
            until: String::new(),
            timestamps: false,
            details: false,
            tail: String::from("all"),
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER",
        summary: "Fetch the logs of a container",
        aliases: "container logs, logs",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.follow, "follow", "f", "Follow log output");
        flags.string(
            &mut self.since,
            "since",
            "",
            "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)",
        );
        flags.string(
            &mut self.until,
            "until",
            "",
            "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 \
             minutes)",
        );
        flags.bool(&mut self.timestamps, "timestamps", "t", "Show timestamps");
        flags.bool(&mut self.details, "details", "", "Show extra details provided to logs");
        flags.string(&mut self.tail, "tail", "n", "Number of lines to show from the end of the logs");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let name = &parsed.arguments[0];
        if let Some(place) = Place::parse(name) {
            return self.ashore(client, &place);
        }
        // Our own engine says with the answer whether the output is framed; others are asked first.
        let (id, tty) = if client.is_own_engine() {
            (name.clone(), None)
        } else {
            let container = inspect(client, name)?;
            (container.id, Some(container.config.tty))
        };
        let query = self
            .query()?
            .with("stdout", "1")
            .with("stderr", "1")
            .with("tail", self.tail.clone())
            .with_if(self.timestamps, "timestamps", "1")
            .with_if(self.details, "details", "1")
            .with_if(self.follow, "follow", "1");
        let mut response = match client.get(&object_path("container", &id, "logs")?, &query) {
            Err(failure) => return self.ashore(client, &ashore::elsewhere(client, name, failure)?),
            Ok(response) => response,
        };
        let raw = tty.unwrap_or_else(|| {
            response
                .header("content-type")
                .is_some_and(|media| media.starts_with("application/vnd.docker.raw-stream"))
        });
        if raw {
            copy_raw(&mut response)?;
        } else {
            let mut streams = StandardStreams { stdout: true, stderr: true };
            Demultiplexer::default().copy(&mut response, &mut streams)?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    /// The output of a container at a target.
    fn ashore(&self, client: &Client, place: &Place) -> Result<ExitStatus> {
        let query = self.query()?.with_if(self.follow, "follow", "1").with_if(
            self.tail != "all",
            "tail",
            self.tail.clone(),
        );
        ashore::logs(client, place, &query, self.timestamps)?;
        Ok(ExitStatus::SUCCESS)
    }

    /// The times between which lines are wanted.
    fn query(&self) -> Result<Query> {
        let mut query = Query::new();
        for (parameter, text) in [("since", &self.since), ("until", &self.until)] {
            if !text.is_empty() {
                let time = timestamp::parse(text)
                    .map_err(|reason| format!("invalid value for \"{parameter}\": {reason}"))?;
                query = query.with(parameter, time);
            }
        }
        Ok(query)
    }
}
