//! `docker manifest create`: begins a list.

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::{complete, fetch, local, whole};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    amend: bool,
    insecure: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "MANIFEST_LIST MANIFEST [MANIFEST...]",
        summary: "Create a local manifest list for annotating and pushing to a registry",
        aliases: "",
        positional: Positional::AtLeast(2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.amend, "amend", "a", "Amend an existing manifest list");
        flags.bool(&mut self.insecure, "insecure", "", "Allow communication with an insecure registry");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let list = complete(&parsed.arguments[0])?;
        if local::folder(session, &list).exists() && !self.amend {
            return Err(Failure::message("refusing to amend an existing manifest list with no --amend flag"));
        }
        for name in &parsed.arguments[1..] {
            let name = complete(name)?;
            let manifest = fetch(session, &name)?;
            let kind = manifest["Descriptor"]["mediaType"].as_str().unwrap_or_default();
            if kind.contains("manifest.list") || kind.contains("image.index") {
                return Err(Failure::message(format!("{} is a manifest list", whole(&name))));
            }
            local::put(session, &list, &name, &manifest)?;
        }
        print(&format!("Created manifest list {}\n", whole(&list)))?;
        Ok(ExitStatus::SUCCESS)
    }
}
