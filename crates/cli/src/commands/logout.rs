//! `docker logout`: forgets who one is to a registry.

use super::output::print;
use super::{Command, Positional, Specification};
use crate::config::credentials::{DOCKER_REGISTRY, Keychain, host_name};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[SERVER]",
        summary: "Log out from a registry",
        aliases: "",
        positional: Positional::AtMost(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str =
        "Log out from a registry.\nIf no server is specified, the default is defined by the daemon.";

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let (shown, servers) = match parsed.arguments.first().map(String::as_str) {
            None | Some("") => (DOCKER_REGISTRY.to_string(), vec![DOCKER_REGISTRY.to_string()]),
            Some(server) => {
                let host = host_name(server);
                let servers =
                    vec![server.into(), host.into(), format!("http://{host}"), format!("https://{host}")];
                (host.to_string(), servers)
            }
        };
        print(&format!("Removing login credentials for {shown}\n"))?;
        let failures = Keychain::new(session).erase(&servers)?;
        if failures.len() == servers.len() {
            eprintln!("WARNING: could not erase credentials:");
            for (server, failure) in failures {
                eprintln!("{server}: {failure}");
            }
        }
        Ok(ExitStatus::SUCCESS)
    }
}
