//! The commands: one file each, one table that names them all.
//!
//! To add one: write `commands/<name>.rs` with a `struct Args` that implements [`Command`], and a row
//! in `table.rs` (two rows when docker has two forms, `docker ps` and `docker container ls`). Only the
//! command that was asked for binds its flags; nothing is built for the others.

mod ashore;
mod attachment;
mod autoscale;
mod backup;
mod build;
mod completion;
mod container_options;
mod context;
mod creation;
mod dispatch;
mod fleet_flags;
mod help;
mod history;
mod image_collect;
mod image_pin;
mod image_tree;
mod images;
mod inspect;
mod job;
mod manifest;
mod natural;
mod network;
mod oci_folder;
mod output;
mod own_run;
mod pairs;
mod platform;
mod plugins;
mod positional;
mod progress;
mod prune;
mod ps;
mod search;
mod stats;
mod system;
mod table;
mod volume;

mod attach;
mod commit;
mod cp;
mod create;
mod daemon;
mod diff;
mod download;
mod events;
mod exec;
mod export;
mod import;
mod kill;
mod load;
mod login;
mod logout;
mod logs;
mod pause;
mod port;
mod pull;
mod push;
mod registry;
mod rename;
mod replicas;
mod restart;
mod rm;
mod rmi;
mod run;
mod save;
mod scale;
mod several;
mod start;
mod stop;
mod tag;
mod timestamp;
mod top;
mod unpause;
mod update;
mod wait;
mod watch_daemon;

use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, FlagSummary, Parsed};
use crate::session::Session;

pub(crate) use dispatch::dispatch;
pub(crate) use positional::Positional;

/// What docker's help says of a command, and how many arguments it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Specification {
    /// What follows the command's name in `Usage:`, e.g. `[OPTIONS] CONTAINER [CONTAINER...]`.
    pub(crate) arguments: &'static str,
    /// The sentence in the list of commands.
    pub(crate) summary: &'static str,
    /// The line under `Aliases:` without the program's name (`container stop, stop`); empty for none.
    pub(crate) aliases: &'static str,
    /// How many positional arguments are right.
    pub(crate) positional: Positional,
    /// Whether flags may stand after positional arguments.
    pub(crate) interspersed: bool,
}

/// A command: its fields are its flags.
pub(crate) trait Command: Default {
    /// Its help and its arguments.
    const SPECIFICATION: Specification;
    /// What help says instead of the summary, where that is more.
    const DESCRIPTION: &'static str = Self::SPECIFICATION.summary;

    /// Binds the flags to the fields; the fields' values are the defaults.
    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>);

    /// Does it. `parsed` has the positional arguments and says which flags were given.
    ///
    /// # Errors
    /// What the user has to know; printed once, by `main`.
    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus>;
}

/// A row of a table of commands.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// Other names under the same group (`list` for `ls`).
    pub(crate) aliases: &'static [&'static str],
    pub(crate) section: Section,
    pub(crate) action: Action,
}

/// Where help lists a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// `Common Commands:`, in the order of the table.
    Common,
    /// `Management Commands:`: the groups.
    Management,
    /// `Swarm Commands:`.
    Swarm,
    /// `Commands:`.
    Plain,
    /// `Sampan Commands:`; not listed when the program is called `docker`.
    Own,
    /// Not listed.
    Hidden,
}

/// What a row leads to.
pub(crate) enum Action {
    /// A command.
    Run {
        /// Its help.
        specification: Specification,
        /// Parses its flags and runs it.
        invoke: fn(&Invocation<'_>) -> Result<ExitStatus>,
        /// Its flags, for completion.
        flags: fn() -> Vec<FlagSummary>,
    },
    /// A group of commands.
    Group {
        /// The sentence in the list of commands.
        summary: &'static str,
        /// The commands in it, sorted by name.
        entries: &'static [Entry],
    },
    /// A command of Sampan's own that parses its words itself.
    Native {
        /// The sentence in the list of commands.
        summary: &'static str,
        /// Runs it with the words after its name.
        run: fn(&Session, &[String]) -> Result<ExitStatus>,
    },
}

/// A command that was found, and the words that follow it.
pub(crate) struct Invocation<'a> {
    pub(crate) session: &'a Session,
    /// The whole name, e.g. `docker container stop`.
    pub(crate) path: &'a str,
    pub(crate) words: &'a [String],
    /// Print the help instead (`docker help stop`).
    pub(crate) help: bool,
}
