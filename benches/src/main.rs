//! Entry point of the bench harness: engines side by side, interleaved, in one run.

mod arguments;
mod builds;
mod engine;
mod images;
mod memory;
mod report;
mod run;
mod scenarios;
mod statistics;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match arguments::Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    match run::compare(&arguments) {
        Ok(report) => report.deliver(&arguments),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
