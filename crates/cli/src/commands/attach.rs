//! `docker attach`: joins a running container's streams.

use super::attachment::{self, Target};
use super::run::Attached;
use super::start::{Inspected, inspect};
use super::{Command, Positional, Specification};
use crate::client::{Body, Client, Query};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use crate::terminal::{self, Outcome, Signals, Streams};

pub(crate) struct Args {
    no_stdin: bool,
    proxy_signals: bool,
    detach_keys: String,
}

impl Default for Args {
    fn default() -> Self {
        Self { no_stdin: false, proxy_signals: true, detach_keys: String::new() }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER",
        summary: "Attach local standard input, output, and error streams to a running container",
        aliases: "container attach, attach",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.no_stdin, "no-stdin", "", "Do not attach STDIN");
        flags.bool(&mut self.proxy_signals, "sig-proxy", "", "Proxy all received signals to the process");
        flags.string(
            &mut self.detach_keys,
            "detach-keys",
            "",
            "Override the key sequence for detaching a container",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let name = &parsed.arguments[0];
        let exit = attachment::wait_for(client, name, "")?;
        let container = inspect_running(client, name)?;
        let tty = container.config.tty;
        terminal::check_tty(!self.no_stdin, tty)?;
        let keys = match self.detach_keys.as_str() {
            "" => session.config().text("detachKeys"),
            keys => keys,
        };
        let attached =
            Attached { stdin: !self.no_stdin && container.config.open_stdin, stdout: true, stderr: true };
        let signals = Signals::catch(self.proxy_signals && !tty)?;
        let hijacked =
            client.hijack(&format!("/containers/{name}/attach"), &attached.query(keys), Body::None)?;
        // It may have stopped meanwhile, and then nothing would ever come.
        inspect_running(client, name)?;
        let target = Target::Container(name.clone());
        if tty {
            redraw(client, name);
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
        match outcome {
            Outcome::Detached => Err("read escape sequence".into()),
            Outcome::OutputEnded => Ok(ExitStatus::SUCCESS),
            Outcome::Exited(body) => Ok(attachment::exit_status(&body)),
        }
    }
}

fn inspect_running(client: &Client, name: &str) -> Result<Inspected> {
    let container = inspect(client, name)?;
    let complaint = if !container.state.running {
        "You cannot attach to a stopped container, start it first"
    } else if container.state.paused {
        "You cannot attach to a paused container, unpause it first"
    } else if container.state.restarting {
        "You cannot attach to a restarting container, wait until it is running"
    } else {
        return Ok(container);
    };
    Err(Failure::message(complaint))
}

/// A program draws its screen again only when the size really changes: one more row and column first.
fn redraw(client: &Client, name: &str) {
    let (rows, columns) = terminal::size();
    if rows == 0 && columns == 0 {
        return;
    }
    let query = Query::new().with("h", (rows + 1).to_string()).with("w", (columns + 1).to_string());
    let _ =
        client.post(&format!("/containers/{name}/resize"), &query).and_then(crate::client::Response::discard);
}
