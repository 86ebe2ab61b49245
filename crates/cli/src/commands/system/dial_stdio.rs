//! `docker system dial-stdio`: the connection to the engine on stdin and stdout, for clients that come by ssh.

use std::net::Shutdown;

use crate::commands::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use crate::terminal::copy_raw;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "",
        summary: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let mut stream = session
            .client()?
            .raw_stream()
            .map_err(|failure| failure.prefixed("failed to open the raw stream connection"))?;
        let mut up = stream.try_clone()?;
        std::thread::Builder::new().name(String::from("stdin")).spawn(move || {
            // The engine reads the end of input, whatever the reason.
            let _ = std::io::copy(&mut std::io::stdin(), &mut up);
            let _ = up.shutdown(Shutdown::Write);
        })?;
        copy_raw(&mut stream)?;
        Ok(ExitStatus::SUCCESS)
    }
}
