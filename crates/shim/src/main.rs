//! The small program: a container's shim, and from it the container's init; or, as `follow`, a log's follower.
//!
//! It is started by the daemon, by descriptor, and is of no use by hand.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => program::supervise(),
        (Some("follow"), Some(options)) => program::follow(&options),
        _ => {
            eprintln!("sampan-shim is started by sampan itself: there is nothing to do with it by hand");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sampan-shim: {error}");
            ExitCode::FAILURE
        }
    }
}
