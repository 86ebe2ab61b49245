//! `docker stop` and what it shares with `docker restart`.

use super::ashore::{self, Place};
use super::several;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

/// How a container is stopped.
#[derive(Default)]
pub(super) struct Stopping {
    signal: String,
    timeout: i64,
    time: i64,
}

impl Stopping {
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.signal, "signal", "s", "Signal to send to the container");
        flags.int(&mut self.timeout, "timeout", "t", "Seconds to wait before killing the container");
        flags
            .int(&mut self.time, "time", "", "Seconds to wait before killing the container")
            .deprecated("use --timeout instead");
    }

    /// The parameters of the request.
    pub(super) fn query(self, parsed: &Parsed) -> Result<Query> {
        let (time, timeout) = (parsed.changed("time"), parsed.changed("timeout"));
        if time && timeout {
            return Err("conflicting options: cannot specify both --timeout and --time".into());
        }
        let seconds = if time { self.time } else { self.timeout };
        Ok(Query::new().with_if(time || timeout, "t", seconds.to_string()).with_if(
            !self.signal.is_empty(),
            "signal",
            self.signal,
        ))
    }
}

#[derive(Default)]
pub(crate) struct Args {
    stopping: Stopping,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Stop one or more running containers",
        aliases: "container stop, stop",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.stopping.flags(flags);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let query = self.stopping.query(&parsed)?;
        let client = session.client()?;
        several::in_parallel(&parsed.arguments, |name| match Place::parse(name) {
            Some(place) => ashore::post(client, &place, "stop"),
            None => several::post(client, name, "stop", &query)
                .or_else(|failure| ashore::post(client, &ashore::elsewhere(client, name, failure)?, "stop")),
        })
    }
}
