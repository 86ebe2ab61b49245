//! `docker run`: makes a container, starts it and stays with it until it ends.

use super::attachment::{self, Target};
use super::container_options::{ContainerOptions, CreateBody};
use super::creation::{self, CreationOptions};
use super::{Command, Positional, Specification, own_run};
use crate::client::{Body, Query, Response};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use crate::terminal::{self, Outcome, Signals, Sink, StandardStreams, Streams, TerminalOutput};

pub(crate) struct Args {
    pub(super) creation: CreationOptions,
    pub(super) options: ContainerOptions,
    pub(super) detach: bool,
    pub(super) proxy_signals: bool,
    pub(super) detach_keys: String,
    build: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            creation: CreationOptions::default(),
            options: ContainerOptions::default(),
            detach: false,
            proxy_signals: true,
            detach_keys: String::new(),
            build: false,
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        summary: "Create and run a new container from an image",
        aliases: "container run, run",
        positional: Positional::AtLeast(1),
        interspersed: false,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.detach, "detach", "d", "Run container in background and print container ID");
        flags.bool(&mut self.proxy_signals, "sig-proxy", "", "Proxy received signals to the process");
        flags.string(
            &mut self.detach_keys,
            "detach-keys",
            "",
            "Override the key sequence for detaching a container",
        );
        self.creation.flags(flags, "Pull image before running (\"always\", \"missing\", \"never\")");
        self.options.flags(flags);
        flags
            .bool(&mut self.build, "build", "", "Build the image first: IMAGE is a folder or a repository")
            .own();
        flags.help_flag();
    }

    fn run(mut self, session: &Session, mut parsed: Parsed) -> Result<ExitStatus> {
        self.options.command = parsed.arguments.split_off(1);
        self.options.image = parsed.arguments.remove(0);
        if self.build {
            self.options.image = super::build::for_run(session, &self.options.image)?;
        }
        let mut body = creation::body(session, "run", &self.creation, &self.options, &parsed)?;
        if self.detach {
            if !self.options.general.attach.is_empty() {
                return Err("conflicting options: cannot specify both --attach and --detach".into());
            }
            for field in ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"] {
                body.set_config(field, false.into());
            }
        } else {
            terminal::check_tty(body.attaches("AttachStdin"), self.options.general.tty)?;
        }
        if self.detach_keys.is_empty() {
            session.config().text("detachKeys").clone_into(&mut self.detach_keys);
        }
        if session.client()?.is_own_engine() {
            own_run::run(session, &self, &body)
        } else {
            self.step_by_step(session, &body)
        }
    }
}

impl Args {
    /// Docker's way: create, attach, wait, start, each a request of its own.
    fn step_by_step(&self, session: &Session, body: &CreateBody) -> Result<ExitStatus> {
        let client = session.client()?;
        let created = creation::create(session, &self.creation, &self.options, body)
            .map_err(|failure| creation::run_failure(session, &failure))?;
        let id = created.id;
        let tty = self.options.general.tty;
        let attached = Attached::of(body);
        // From here on a signal is the container's business.
        let signals = Signals::catch(self.proxy_signals)?;
        let hijacked = match attached.any() {
            false => {
                println!("{id}");
                None
            }
            true => Some(client.hijack(
                &format!("/containers/{id}/attach"),
                &attached.query(&self.detach_keys),
                Body::None,
            )?),
        };
        let condition = if self.options.general.auto_remove { "removed" } else { "next-exit" };
        let exit = match &hijacked {
            Some(_) => Some(attachment::wait_for(client, &id, condition)?),
            None => None,
        };
        if let Err(failure) =
            client.post(&format!("/containers/{id}/start"), &Query::new()).and_then(Response::discard)
        {
            if self.options.general.auto_remove
                && let Some(exit) = exit
            {
                // It is gone when the command returns.
                let _ = exit.discard();
            }
            return Err(creation::run_failure(session, &failure));
        }
        let (Some(hijacked), Some(exit)) = (hijacked, exit) else { return Ok(ExitStatus::SUCCESS) };
        let target = Target::Container(id);
        if tty {
            let _ = attachment::resize(client, &target);
        }
        let mut sink = attached.sink(tty);
        let outcome = Streams {
            hijacked,
            stdin: attached.stdin,
            output: attached.stdout || attached.stderr,
            tty,
            framed: false,
            detach_keys: self.detach_keys.clone(),
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

/// Which streams are attached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attached {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

impl Attached {
    /// What a creation asks for.
    pub(super) fn of(body: &CreateBody) -> Self {
        Self {
            stdin: body.attaches("AttachStdin"),
            stdout: body.attaches("AttachStdout"),
            stderr: body.attaches("AttachStderr"),
        }
    }

    /// Whether there is anything to attach to.
    pub(super) fn any(self) -> bool {
        self.stdin || self.stdout || self.stderr
    }

    /// The parameters of `/attach`.
    pub(super) fn query(self, detach_keys: &str) -> Query {
        Query::new()
            .with_if(!detach_keys.is_empty(), "detachKeys", detach_keys)
            .with_if(self.stderr, "stderr", "1")
            .with_if(self.stdin, "stdin", "1")
            .with_if(self.stdout, "stdout", "1")
            .with("stream", "1")
    }

    /// Where the output goes.
    pub(super) fn sink(self, tty: bool) -> Box<dyn Sink> {
        if tty {
            Box::new(TerminalOutput)
        } else {
            Box::new(StandardStreams { stdout: self.stdout, stderr: self.stderr })
        }
    }
}
