//! The small program: a container's shim, and from it the container's init; or, as `follow`, a log's follower; or,
//! as `docker-init`, process 1 of a container with `--init`.
//!
//! It is started by the daemon, by descriptor, and is of no use by hand.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    if arguments.next().is_some_and(|name| name.ends_with("docker-init")) {
        let rest: Vec<String> = arguments.collect();
        return program::first(&rest).unwrap_or_else(|error| {
            eprintln!("docker-init: {error}");
            ExitCode::FAILURE
        });
    }
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
