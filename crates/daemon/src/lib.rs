//! Wiring only: configuration, sockets, start-up, recovery.
//!
//! `sampan daemon` calls [`run`]. The order of a start: options, the lock of the data root, the sockets (so
//! that `/_ping` is answered at once), the engine, the recovery of containers. SIGTERM and SIGINT end the
//! daemon and leave containers running: the next daemon finds them.

mod config_file;
mod error;
mod flags;
mod group;
mod instance_lock;
mod listen;
mod log;
mod mounted_sockets;
mod options;
mod registry_command;
mod serve;
mod simulator;

use error::Error;
pub use registry_command::registry;
use std::ffi::OsString;

/// Docker's exit status of a daemon that did not start.
const FAILED: u8 = 1;
/// Docker's exit status of a command that was wrong from the start.
const WRONG: u8 = 125;

/// Runs the daemon until it is asked to stop, and says its exit status. `args` are the words behind
/// `sampan daemon`.
pub fn run(args: Vec<OsString>) -> u8 {
    let words: Vec<String> = args.into_iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let options = match flags::parse(&words) {
        Ok(flags::Parsed::Help(text)) => {
            print!("{text}");
            return 0;
        }
        Ok(flags::Parsed::Options(options)) => *options,
        Err(error) => return failed(&error, WRONG),
    };
    if !rustix::process::geteuid().is_root() {
        let program = std::env::current_exe().map_or("sampan".into(), |path| path.display().to_string());
        let command =
            [&["sudo".to_owned(), program, "daemon".to_owned()], words.as_slice()].concat().join(" ");
        return failed(&Error::NotRoot(command), WRONG);
    }
    match serve::serve(options) {
        Ok(()) => 0,
        Err(error) => failed(&error, FAILED),
    }
}

fn failed(error: &dyn std::error::Error, status: u8) -> u8 {
    let mut text = format!("sampan daemon: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    eprintln!("{text}");
    status
}
