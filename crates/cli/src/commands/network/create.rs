//! `docker network create`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::output::print;
use super::super::pairs::{label, map_entry, to_map};
use super::super::{Command, Positional, Specification};
use super::ipam;
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

pub(crate) struct Args {
    attachable: bool,
    config_from: String,
    config_only: bool,
    driver: String,
    ingress: bool,
    internal: bool,
    ipam: ipam::Options,
    ipv4: bool,
    ipv6: bool,
    labels: Vec<String>,
    options: BTreeMap<String, String>,
    scope: String,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            attachable: false,
            config_from: String::new(),
            config_only: false,
            driver: "bridge".into(),
            ingress: false,
            internal: false,
            ipam: ipam::Options::default(),
            ipv4: true,
            ipv6: false,
            labels: Vec::new(),
            options: BTreeMap::new(),
            scope: String::new(),
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NETWORK",
        summary: "Create a network",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.driver, "driver", "d", "Driver to manage the Network");
        let options = &mut self.options;
        flags
            .value("opt", "o", "map", "Set driver specific options", |text| map_entry(options, text))
            .shown_default("map[]");
        flags.checked_list(&mut self.labels, "label", "", "Set metadata on a network", label);
        flags.bool(&mut self.internal, "internal", "", "Restrict external access to the network");
        flags.bool(&mut self.ipv4, "ipv4", "", "Enable or disable IPv4 address assignment");
        flags.bool(&mut self.ipv6, "ipv6", "", "Enable or disable IPv6 address assignment");
        flags.bool(&mut self.attachable, "attachable", "", "Enable manual container attachment");
        flags.bool(&mut self.ingress, "ingress", "", "Create swarm routing-mesh network");
        flags.string(&mut self.scope, "scope", "", "Control the network's scope");
        flags.bool(&mut self.config_only, "config-only", "", "Create a configuration only network");
        flags.string(
            &mut self.config_from,
            "config-from",
            "",
            "The network from which to copy the configuration",
        );
        self.ipam.flags(flags);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut body = json!({
            "Name": parsed.arguments[0],
            "Driver": self.driver,
            "Scope": self.scope,
            "IPAM": self.ipam.configuration()?,
            "Internal": self.internal,
            "Attachable": self.attachable,
            "Ingress": self.ingress,
            "ConfigOnly": self.config_only,
            "ConfigFrom": if self.config_from.is_empty() { Json::Null } else { json!({ "Network": self.config_from }) },
            "Options": self.options,
            "Labels": to_map(&self.labels),
        });
        for (flag, key, value) in [("ipv4", "EnableIPv4", self.ipv4), ("ipv6", "EnableIPv6", self.ipv6)] {
            if parsed.changed(flag) {
                body[key] = value.into();
            }
        }
        let answer: Json = session.client()?.post_json("/networks/create", &Query::new(), &body)?.json()?;
        print(&format!("{}\n", answer.text("Id")))?;
        Ok(ExitStatus::SUCCESS)
    }
}
