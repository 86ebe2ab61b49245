//! The commands, one file each where they are more than a few lines.

mod create;
mod delete;
mod events;
mod exec;
mod features;
mod kill;
mod list;
mod ps;
mod spec;
mod start;
mod state;
mod update;

use sampan_error::{Error, Result};

use crate::arguments::{Arguments, Flag};
use crate::store::Store;

/// The version of the OCI runtime specification that is implemented.
pub(crate) const SPEC_VERSION: &str = "1.2.0";

/// A command: what it is called, what it is for, and what it does.
struct Command {
    name: &'static str,
    purpose: &'static str,
    run: fn(&[String], &Store) -> Result<u8>,
}

const COMMANDS: &[Command] = &[
    Command { name: "create", purpose: "create a container", run: create::create },
    Command { name: "delete", purpose: "delete a container and what it holds", run: delete::run },
    Command { name: "events", purpose: "show what a container uses", run: events::run },
    Command { name: "exec", purpose: "run a process in a container", run: exec::run },
    Command { name: "features", purpose: "show what this runtime supports", run: features::run },
    Command { name: "kill", purpose: "send a signal to a container", run: kill::run },
    Command { name: "list", purpose: "list the containers", run: list::run },
    Command { name: "pause", purpose: "suspend all processes of a container", run: state::pause },
    Command { name: "ps", purpose: "show the processes of a container", run: ps::run },
    Command { name: "resume", purpose: "let a paused container go on", run: state::resume },
    Command { name: "run", purpose: "create and start a container", run: create::run },
    Command { name: "spec", purpose: "write a new specification", run: spec::run },
    Command { name: "start", purpose: "start a created container", run: start::run },
    Command { name: "state", purpose: "show the state of a container", run: state::show },
    Command { name: "update", purpose: "change the limits of a container", run: update::run },
];

/// Runs a command.
pub(crate) fn run(name: &str, arguments: &[String], store: &Store) -> Result<u8> {
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(arguments, store),
        None if name == "help" => {
            print!("{}", help());
            Ok(0)
        }
        None => Err(Error::invalid(format!("no such command: {name}"))),
    }
}

/// The overview.
pub(crate) fn help() -> String {
    let mut text =
        "Usage: sampan-runtime [global options] command [options] [arguments]\n\nCommands:\n".to_owned();
    for command in COMMANDS {
        text.push_str(&format!("  {:<10} {}\n", command.name, command.purpose));
    }
    text
}

/// Parses flags that may stand anywhere, and the one argument that is left: the container's id.
fn with_id(known: &[Flag], given: &[String]) -> Result<(Arguments, String)> {
    let (arguments, plain) = Arguments::parse_mixed(known, given).map_err(Error::invalid)?;
    match plain.as_slice() {
        [id] => Ok((arguments, id.clone())),
        [] => Err(Error::invalid("a container id is required")),
        _ => Err(Error::invalid(format!("too many arguments: {}", plain[1..].join(" ")))),
    }
}
