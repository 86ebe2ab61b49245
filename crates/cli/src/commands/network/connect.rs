//! `docker network connect`.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    aliases: Vec<String>,
    driver_options: Vec<String>,
    gateway_priority: i64,
    ip: String,
    ip6: String,
    link_local: Vec<String>,
    links: Vec<String>,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NETWORK CONTAINER",
        summary: "Connect a container to a network",
        aliases: "",
        positional: Positional::Exactly(2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.ip, "ip", "", "IPv4 address (e.g., \"172.30.100.104\")");
        flags.string(&mut self.ip6, "ip6", "", "IPv6 address (e.g., \"2001:db8::33\")");
        flags.checked_list(&mut self.links, "link", "", "Add link to another container", link);
        flags.strings(&mut self.aliases, "alias", "", "Add network-scoped alias for the container");
        flags.strings(
            &mut self.link_local,
            "link-local-ip",
            "",
            "Add a link-local address for the container",
        );
        flags.strings(&mut self.driver_options, "driver-opt", "", "driver options for the network");
        flags.int(
            &mut self.gateway_priority,
            "gw-priority",
            "",
            "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut driver_options = BTreeMap::new();
        for option in &self.driver_options {
            match option.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    driver_options.insert(key.trim(), value.trim());
                }
                _ => return Err("invalid key/value pair format in driver options".into()),
            }
        }
        let mut addresses = json!({});
        for (key, value) in [("IPv4Address", &self.ip), ("IPv6Address", &self.ip6)] {
            if !value.is_empty() {
                addresses[key] = value.as_str().into();
            }
        }
        if !self.link_local.is_empty() {
            addresses["LinkLocalIPs"] = json!(self.link_local);
        }
        let body = json!({
            "Container": parsed.arguments[1],
            "EndpointConfig": {
                "IPAMConfig": addresses,
                "Links": if self.links.is_empty() { json!(null) } else { json!(self.links) },
                "Aliases": self.aliases,
                "DriverOpts": driver_options,
                "GwPriority": self.gateway_priority,
            },
        });
        let path = object_path("network", &parsed.arguments[0], "connect")?;
        session.client()?.post_json(&path, &Query::new(), &body)?.discard()?;
        Ok(ExitStatus::SUCCESS)
    }
}

/// Checks a link: `name` or `name:alias`.
fn link(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [""] | [] => Err("empty string specified for links".into()),
        [_] | [_, _] => Ok(text.into()),
        _ => Err(format!("bad format for links: {text}")),
    }
}
