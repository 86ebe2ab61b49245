//! `docker stop`: stops containers, politely first.

use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    signal: String,
    timeout: i64,
    time: i64,
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
        flags.string(&mut self.signal, "signal", "s", "Signal to send to the container");
        flags.int(&mut self.timeout, "timeout", "t", "Seconds to wait before killing the container");
        flags
            .int(&mut self.time, "time", "", "Seconds to wait before killing the container")
            .deprecated("use --timeout instead");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if parsed.changed("time") && parsed.changed("timeout") {
            return Err("conflicting options: cannot specify both --timeout and --time".into());
        }
        let seconds = if parsed.changed("time") { self.time } else { self.timeout };
        let given = parsed.changed("time") || parsed.changed("timeout");
        let query = Query::new().with_if(given, "t", seconds.to_string()).with_if(
            !self.signal.is_empty(),
            "signal",
            self.signal,
        );
        let client = session.client()?;
        for container in &parsed.arguments {
            client.post(&format!("/containers/{container}/stop"), &query)?.discard()?;
            println!("{container}");
        }
        Ok(ExitStatus::SUCCESS)
    }
}
