//! `sampan volume clone`, `snapshot` and `rename`: volumes as data.

use serde_json::Value as Json;

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

/// `clone`.
#[derive(Default)]
pub(crate) struct Clone;

/// `snapshot`.
#[derive(Default)]
pub(crate) struct Snapshot;

/// `rename`.
#[derive(Default)]
pub(crate) struct Rename;

const CLONE: Specification = Specification {
    arguments: "VOLUME NEW_VOLUME",
    summary: "Copy a volume as it is at one moment",
    aliases: "",
    positional: Positional::Exactly(2),
    interspersed: true,
};

impl Command for Clone {
    const SPECIFICATION: Specification = CLONE;
    const DESCRIPTION: &'static str = "Copy a volume as it is at one moment. Containers that write to it stand still meanwhile; on file systems that share blocks (btrfs, XFS) that is short, and the copy takes no space.";

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        send(session, &parsed, "clone")
    }
}

impl Command for Snapshot {
    const SPECIFICATION: Specification = Specification {
        arguments: "VOLUME [SNAPSHOT]",
        summary: "Keep a volume as it is at one moment, in a volume that can only be read",
        positional: Positional::Between(1, 2),
        ..CLONE
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        send(session, &parsed, "snapshot")
    }
}

impl Command for Rename {
    const SPECIFICATION: Specification =
        Specification { summary: "Give a volume that no container uses another name", ..CLONE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        send(session, &parsed, "rename")
    }
}

fn send(session: &Session, parsed: &Parsed, what: &str) -> Result<ExitStatus> {
    let [name, rest @ ..] = &parsed.arguments[..] else { return Err("a volume is missing".into()) };
    let mut query = Query::new();
    if let [to] = rest {
        query = query.with("to", to);
    }
    let path = format!("/sampan/volumes/{name}/{what}");
    let answer: Json = session.client()?.post(&path, &query)?.json()?;
    print(&format!("{}\n", answer.text("Name")))?;
    Ok(ExitStatus::SUCCESS)
}
