//! `docker network rm`.

use serde_json::Value as Json;

use super::super::output::{confirm, print};
use super::super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

const INGRESS_WARNING: &str = "WARNING! Before removing the routing-mesh network, make sure all the nodes in your \
     swarm run the same docker engine version. Otherwise, removal may not be effective and functionality of newly \
     create ingress networks will be impaired.\nAre you sure you want to continue?";

#[derive(Default)]
pub(crate) struct Args {
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "NETWORK [NETWORK...]",
        summary: "Remove one or more networks",
        aliases: "network rm, network remove",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Do not error if the network does not exist");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let mut failed = false;
        for name in &parsed.arguments {
            let path = object_path("network", name, "");
            let found =
                path.as_ref().ok().and_then(|path| client.get(path, &Query::new()).ok()?.json::<Json>().ok());
            if found.is_some_and(|network| network.flag("Ingress")) && !confirm(INGRESS_WARNING)? {
                continue;
            }
            match path.and_then(|path| client.delete(&path, &Query::new())?.discard()) {
                Ok(()) => print(&format!("{name}\n"))?,
                Err(failure) if self.force && failure.is_not_found() => {}
                Err(failure) => {
                    eprintln!("{failure}");
                    failed = true;
                }
            }
        }
        if failed {
            return Err(Failure::Status { text: "exit status 1".into(), status: ExitStatus::FAILURE });
        }
        Ok(ExitStatus::SUCCESS)
    }
}
