//! `docker port`: the published ports of a container.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::natural;
use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "NetworkSettings", default)]
    network: Network,
}

#[derive(Default, Deserialize)]
struct Network {
    #[serde(rename = "Ports", default)]
    ports: Option<BTreeMap<String, Option<Vec<Binding>>>>,
}

#[derive(Deserialize)]
struct Binding {
    #[serde(rename = "HostIp", default)]
    address: String,
    #[serde(rename = "HostPort", default)]
    port: String,
}

impl Binding {
    fn text(&self) -> String {
        if self.address.contains(':') {
            format!("[{}]:{}", self.address, self.port)
        } else {
            format!("{}:{}", self.address, self.port)
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTAINER [PRIVATE_PORT[/PROTO]]",
        summary: "List port mappings or a specific mapping for the container",
        aliases: "container port, port",
        positional: Positional::Between(1, 2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let name = &parsed.arguments[0];
        let path = object_path("container", name, "json")?;
        let container: Inspected = session.client()?.get(&path, &Query::new())?.json()?;
        let ports = container.network.ports.unwrap_or_default();
        let mut lines: Vec<String> = match parsed.arguments.get(1).filter(|wanted| !wanted.is_empty()) {
            Some(wanted) => one(&ports, wanted, name)?,
            None => ports
                .iter()
                .flat_map(|(port, bindings)| {
                    bindings.iter().flatten().map(move |binding| format!("{port} -> {}", binding.text()))
                })
                .collect(),
        };
        lines.sort_by(|left, right| natural::compare(left, right));
        for line in lines {
            println!("{line}");
        }
        Ok(ExitStatus::SUCCESS)
    }
}

/// The bindings of one port, `80` or `80/udp`.
fn one(ports: &BTreeMap<String, Option<Vec<Binding>>>, wanted: &str, container: &str) -> Result<Vec<String>> {
    let (port, protocol) = wanted.split_once('/').unwrap_or((wanted, ""));
    let protocol = if protocol.is_empty() { "tcp" } else { protocol };
    if let Err(error) = port.parse::<u16>() {
        let reason = match error.kind() {
            std::num::IntErrorKind::PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        return Err(Failure::message(format!(
            "Error: invalid port ({port}): strconv.ParseUint: parsing {}: {reason}",
            quote(port)
        )));
    }
    match ports.get(&format!("{port}/{protocol}")).and_then(Option::as_ref) {
        Some(bindings) if !bindings.is_empty() => Ok(bindings.iter().map(Binding::text).collect()),
        _ => Err(Failure::message(format!("Error: No public port '{wanted}' published for {container}"))),
    }
}
