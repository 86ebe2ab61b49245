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

/// What a shell reports of a program that a broken pipe ended.
const BROKEN_PIPE: i32 = 141;

fn main() -> ExitCode {
    end_quietly_on_a_broken_pipe();
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

/// `sampan ps | head -1` is no reason for a report of a panic.
fn end_quietly_on_a_broken_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("failed printing to std") {
            std::process::exit(BROKEN_PIPE);
        }
        usual(panic);
    }));
}
