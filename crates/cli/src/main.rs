//! `sampan`, the command line: `docker`'s commands, flags, output and exit statuses, over the socket.
//!
//! Nothing here knows the engine: a command parses its flags, sends HTTP requests in Docker's API and
//! prints. See `commands` for the table of commands and how to add one.

mod client;
mod commands;
mod config;
mod failure;
mod flags;
mod format;
mod session;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let status = match commands::dispatch(&words) {
        Ok(status) => status,
        Err(failure) => {
            let broken_pipe = matches!(&failure, failure::Failure::Local(error)
                if error.kind() == std::io::ErrorKind::BrokenPipe);
            let text = failure.to_string();
            if !text.is_empty() && !broken_pipe {
                eprintln!("{text}");
            }
            failure.exit_status()
        }
    };
    ExitCode::from(status.0)
}
