//! `--network` and the flags that describe the container's end of it.

use serde_json::{Map, Value, json};

use super::checks::is_mac_address;
use super::network_flags::NetworkFlags;
use crate::flags::{comma_separated, quote};

/// One `--network` value.
#[derive(Debug, Clone, Default)]
pub(super) struct Attachment {
    pub(super) target: String,
    aliases: Vec<String>,
    driver_options: Map<String, Value>,
    links: Vec<String>,
    ipv4: String,
    ipv6: String,
    link_local: Vec<String>,
    mac: String,
    gateway_priority: i64,
}

/// Reads one `--network` value: a name, or `name=…,alias=…,ip=…`.
pub(super) fn parse(text: &str) -> Result<Attachment, String> {
    let mut attachment = Attachment::default();
    if !is_long_form(text) {
        text.clone_into(&mut attachment.target);
        return Ok(attachment);
    }
    for field in comma_separated(text)? {
        let lower = field.to_lowercase();
        let (name, value) = lower
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("invalid field {field}"))?;
        let (name, value) = (name.trim(), value.trim());
        match name {
            "name" => value.clone_into(&mut attachment.target),
            "alias" => attachment.aliases.push(value.to_owned()),
            "ip" => value.clone_into(&mut attachment.ipv4),
            "ip6" => value.clone_into(&mut attachment.ipv6),
            "mac-address" => value.clone_into(&mut attachment.mac),
            "link-local-ip" => attachment.link_local.push(value.to_owned()),
            "driver-opt" => {
                let (key, option) = value
                    .split_once('=')
                    .filter(|(key, _)| !key.is_empty())
                    .ok_or("invalid key value pair format in driver options")?;
                attachment.driver_options.insert(key.trim().to_owned(), json!(option.trim()));
            }
            "gw-priority" => {
                attachment.gateway_priority =
                    value.parse().map_err(|_| format!("invalid gw-priority ({value}): invalid syntax"))?;
            }
            _ => return Err(format!("invalid field key {name}")),
        }
    }
    if attachment.target.is_empty() {
        return Err(String::from("network name/id is not specified"));
    }
    Ok(attachment)
}

/// Whether an `=` stands between two word characters anywhere.
fn is_long_form(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.as_bytes().windows(3).any(|window| word(window[0]) && window[1] == b'=' && word(window[2]))
}

/// Whether a network mode names a network that a user made.
fn is_user_defined(mode: &str) -> bool {
    !matches!(mode, "default" | "bridge" | "host" | "none")
        && !mode.starts_with("container:")
        && mode != "container"
}

impl Attachment {
    /// Takes over the flags that stand beside `--network`; both forms at once are refused.
    fn take_flags(&mut self, options: &NetworkFlags) -> Result<(), String> {
        let conflicts = [
            (
                !self.aliases.is_empty() && !options.aliases.is_empty(),
                "--network-alias and per-network alias",
            ),
            (!self.links.is_empty() && !options.links.is_empty(), "--link and per-network links"),
            (!self.ipv4.is_empty() && !options.ipv4.is_empty(), "--ip and per-network IPv4 address"),
            (!self.ipv6.is_empty() && !options.ipv6.is_empty(), "--ip6 and per-network IPv6 address"),
            (
                !self.mac.is_empty() && !options.mac_address.is_empty(),
                "--mac-address and per-network MAC address",
            ),
            (
                !self.link_local.is_empty() && !options.link_local.is_empty(),
                "--link-local-ip and per-network link-local IP addresses",
            ),
        ];
        if let Some((_, what)) = conflicts.iter().find(|(conflict, _)| *conflict) {
            return Err(format!("conflicting options: cannot specify both {what}"));
        }
        let take = |mine: &mut Vec<String>, flags: &[String]| {
            if !flags.is_empty() {
                *mine = flags.to_vec();
            }
        };
        take(&mut self.aliases, &options.aliases);
        take(&mut self.link_local, &options.link_local);
        if is_user_defined(&self.target) {
            take(&mut self.links, &options.links);
        }
        for (mine, flag) in [
            (&mut self.ipv4, &options.ipv4),
            (&mut self.ipv6, &options.ipv6),
            (&mut self.mac, &options.mac_address),
        ] {
            if !flag.is_empty() {
                flag.clone_into(mine);
            }
        }
        Ok(())
    }

    /// The API's `EndpointSettings`.
    fn endpoint(&self) -> Result<Value, String> {
        if self.target.trim().is_empty() {
            return Err(String::from("no name set for network"));
        }
        if !is_user_defined(&self.target) {
            if !self.aliases.is_empty() {
                return Err(String::from(
                    "network-scoped aliases are only supported for user-defined networks",
                ));
            }
            if !self.links.is_empty() {
                return Err(String::from("links are only supported for user-defined networks"));
            }
        }
        if !self.mac.is_empty() && !is_mac_address(&self.mac) {
            return Err(format!("{} is not a valid mac address", self.mac));
        }
        let or_null = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
        let mut address = Map::new();
        if !self.ipv4.is_empty() {
            address.insert(String::from("IPv4Address"), json!(self.ipv4));
        }
        if !self.ipv6.is_empty() {
            address.insert(String::from("IPv6Address"), json!(self.ipv6));
        }
        if !self.link_local.is_empty() {
            address.insert(String::from("LinkLocalIPs"), json!(self.link_local));
        }
        let driver_options =
            if self.driver_options.is_empty() { Value::Null } else { self.driver_options.clone().into() };
        Ok(json!({
            "IPAMConfig": if address.is_empty() { Value::Null } else { address.into() },
            "Links": or_null(&self.links),
            "Aliases": or_null(&self.aliases),
            "MacAddress": self.mac,
            "DriverOpts": driver_options,
            "GwPriority": self.gateway_priority,
            "NetworkID": "",
            "EndpointID": "",
            "Gateway": "",
            "IPAddress": "",
            "IPPrefixLen": 0,
            "IPv6Gateway": "",
            "GlobalIPv6Address": "",
            "GlobalIPv6PrefixLen": 0,
            "DNSNames": null,
        }))
    }

    /// Whether nothing but the network's name was given.
    fn is_plain(&self) -> bool {
        self.aliases.is_empty()
            && self.driver_options.is_empty()
            && self.links.is_empty()
            && self.ipv4.is_empty()
            && self.ipv6.is_empty()
            && self.link_local.is_empty()
            && self.mac.is_empty()
            && self.gateway_priority == 0
    }
}

/// The API's `EndpointsConfig`.
pub(super) fn endpoints(options: &NetworkFlags) -> Result<Map<String, Value>, String> {
    let mut endpoints = Map::new();
    if options.networks.is_empty() {
        let mut attachment = Attachment { target: String::from("default"), ..Attachment::default() };
        attachment.take_flags(options)?;
        endpoints.insert(attachment.target.clone(), attachment.endpoint()?);
        return Ok(endpoints);
    }
    let (mut user_defined, mut others) = (false, false);
    for (index, network) in options.networks.iter().enumerate() {
        let mut attachment = network.clone();
        if is_user_defined(&attachment.target) {
            user_defined = true;
        } else {
            others = true;
        }
        if index == 0 {
            attachment.take_flags(options)?;
        }
        let endpoint = attachment.endpoint()?;
        if endpoints.contains_key(&attachment.target) {
            return Err(format!("network {} is specified multiple times", quote(&attachment.target)));
        }
        // One network by its bare name: the engine makes the endpoint by itself.
        if options.networks.len() == 1 && attachment.is_plain() {
            continue;
        }
        endpoints.insert(attachment.target, endpoint);
    }
    if user_defined && others {
        return Err(String::from(
            "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
        ));
    }
    Ok(endpoints)
}
