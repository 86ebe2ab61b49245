//! `docker start`: starts containers, and with `-a` stays with one.

use serde::Deserialize;

use super::ashore::{self, Place};
use super::attachment::{self, Target};
use super::run::Attached;
use super::{Command, Positional, Specification, several};
use crate::client::{Body, Client, Query, Response, object_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use crate::terminal::{Outcome, Signals, Streams};

#[derive(Default)]
pub(crate) struct Args {
    attach: bool,
    interactive: bool,
    detach_keys: String,
    checkpoint: String,
    checkpoint_directory: String,
}

/// What must be known of a container to attach to it.
#[derive(Debug, Deserialize)]
pub(super) struct Inspected {
    #[serde(rename = "Id")]
    pub(super) id: String,
    #[serde(rename = "Config", default)]
    pub(super) config: InspectedConfig,
    #[serde(rename = "HostConfig", default)]
    pub(super) host: InspectedHost,
    #[serde(rename = "State", default)]
    pub(super) state: InspectedState,
}

/// The container's own part.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InspectedConfig {
    pub(super) tty: bool,
    pub(super) open_stdin: bool,
}

/// The host's part.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InspectedHost {
    pub(super) auto_remove: bool,
}

/// The state.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct InspectedState {
    pub(super) running: bool,
    pub(super) paused: bool,
    pub(super) restarting: bool,
}

/// Asks the engine for a container.
///
/// # Errors
/// There is none of that name.
pub(super) fn inspect(client: &Client, name: &str) -> Result<Inspected> {
    client.get(&object_path("container", name, "json")?, &Query::new())?.json()
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Start one or more stopped containers",
        aliases: "container start, start",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.attach, "attach", "a", "Attach STDOUT/STDERR and forward signals");
        flags.bool(&mut self.interactive, "interactive", "i", "Attach container's STDIN");
        flags.string(
            &mut self.detach_keys,
            "detach-keys",
            "",
            "Override the key sequence for detaching a container",
        );
        flags.string(&mut self.checkpoint, "checkpoint", "", "Restore from this checkpoint").hidden();
        flags
            .string(
                &mut self.checkpoint_directory,
                "checkpoint-dir",
                "",
                "Use a custom checkpoint storage directory",
            )
            .hidden();
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let names = &parsed.arguments;
        if self.attach || self.interactive {
            let [name] = names.as_slice() else {
                return Err("you cannot start and attach multiple containers at once".into());
            };
            return self.attached(session, client, name);
        }
        if !self.checkpoint.is_empty() {
            let [name] = names.as_slice() else {
                return Err("you cannot restore multiple containers at once".into());
            };
            several::post(client, name, "start", &self.query())?;
            return Ok(ExitStatus::SUCCESS);
        }
        let mut failed = Vec::new();
        for name in names {
            let started = match Place::parse(name) {
                Some(place) => ashore::post(session.client()?, &place, "start"),
                None => several::post(client, name, "start", &self.query()).or_else(|failure| {
                    ashore::post(client, &ashore::elsewhere(client, name, failure)?, "start")
                }),
            };
            match started {
                Ok(()) => println!("{name}"),
                Err(failure) => {
                    eprintln!("{failure}");
                    failed.push(name.as_str());
                }
            }
        }
        if failed.is_empty() {
            return Ok(ExitStatus::SUCCESS);
        }
        Err(Failure::message(format!("Error: failed to start containers: {}", failed.join(", "))))
    }
}

impl Args {
    fn query(&self) -> Query {
        Query::new().with_if(!self.checkpoint.is_empty(), "checkpoint", self.checkpoint.clone()).with_if(
            !self.checkpoint_directory.is_empty(),
            "checkpoint-dir",
            self.checkpoint_directory.clone(),
        )
    }

    fn attached(&self, session: &Session, client: &Client, name: &str) -> Result<ExitStatus> {
        let container = inspect(client, name)?;
        let tty = container.config.tty;
        let signals = Signals::catch(!tty)?;
        let keys = match self.detach_keys.as_str() {
            "" => session.config().text("detachKeys"),
            keys => keys,
        };
        let attached =
            Attached { stdin: self.interactive && container.config.open_stdin, stdout: true, stderr: true };
        let id = container.id;
        let hijacked =
            client.hijack(&format!("/containers/{id}/attach"), &attached.query(keys), Body::None)?;
        let condition = if container.host.auto_remove { "removed" } else { "next-exit" };
        let exit = attachment::wait_for(client, &id, condition)?;
        let started =
            client.post(&format!("/containers/{id}/start"), &self.query()).and_then(Response::discard);
        if let Err(failure) = started {
            if container.host.auto_remove {
                let _ = exit.discard();
            }
            return Err(failure);
        }
        let target = Target::Container(id);
        if tty {
            let _ = attachment::resize(client, &target);
        }
        let mut sink = attached.sink(tty);
        let outcome = Streams {
            hijacked,
            stdin: attached.stdin,
            output: true,
            tty,
            framed: false,
            detach_keys: keys.to_owned(),
            sink: &mut *sink,
            signals: Some(signals),
            on_signal: &mut |arrived| attachment::deliver(client, &target, tty, arrived),
            exit: Some(exit),
        }
        .run()?;
        Ok(match outcome {
            Outcome::Detached | Outcome::OutputEnded => ExitStatus::SUCCESS,
            Outcome::Exited(body) => attachment::exit_status(&body),
        })
    }
}
