//! The table of all commands. A row is all that a command needs to be found and listed.

use super::{Action, Command, Entry, Section};
use super::{create, run, stop};

/// A row of a group or of the `Commands:` section.
const fn row<C: Command>(name: &'static str) -> Entry {
    Entry { name, aliases: &[], section: Section::Plain, action: Action::command::<C>() }
}

/// A row with other names.
const fn aliased<C: Command>(name: &'static str, aliases: &'static [&'static str]) -> Entry {
    Entry { name, aliases, section: Section::Plain, action: Action::command::<C>() }
}

/// A row of the `Common Commands:` section.
const fn common<C: Command>(name: &'static str) -> Entry {
    Entry { name, aliases: &[], section: Section::Common, action: Action::command::<C>() }
}

/// A group of commands.
const fn group(name: &'static str, summary: &'static str, entries: &'static [Entry]) -> Entry {
    Entry { name, aliases: &[], section: Section::Management, action: Action::Group { summary, entries } }
}

/// `docker COMMAND`.
pub(super) const ROOT: &[Entry] = &[
    // Common commands, in docker's order: run exec ps build pull push images login logout search version info.
    common::<run::Args>("run"),
    // Groups.
    group("container", "Manage containers", CONTAINER),
    // The rest.
    row::<create::Args>("create"),
    row::<stop::Args>("stop"),
];

/// `docker container COMMAND`.
const CONTAINER: &[Entry] =
    &[row::<create::Args>("create"), row::<run::Args>("run"), row::<stop::Args>("stop")];
