//! The flags of networks, names and ports.

use serde_json::{Map, Value, json};

use super::networks::{self, Attachment};
use super::{checks, ports};
use crate::flags::FlagSet;

/// The flags of networks, names and ports.
#[derive(Default)]
pub(crate) struct NetworkFlags {
    publish: Vec<String>,
    publish_all: bool,
    expose: Vec<String>,
    dns: Vec<String>,
    dns_search: Vec<String>,
    dns_options: Vec<String>,
    extra_hosts: Vec<String>,
    pub(super) networks: Vec<Attachment>,
    pub(super) aliases: Vec<String>,
    pub(super) links: Vec<String>,
    pub(super) link_local: Vec<String>,
    pub(super) mac_address: String,
    pub(super) ipv4: String,
    pub(super) ipv6: String,
}

impl NetworkFlags {
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.checked_list(
            &mut self.extra_hosts,
            "add-host",
            "",
            "Add a custom host-to-IP mapping (host:ip)",
            checks::extra_host,
        );
        flags.checked_list(&mut self.dns, "dns", "", "Set custom DNS servers", checks::address);
        flags.list(&mut self.dns_options, "dns-option", "", "Set DNS options").also("dns-opt");
        flags.checked_list(
            &mut self.dns_search,
            "dns-search",
            "",
            "Set custom DNS search domains",
            checks::search_domain,
        );
        flags.list(&mut self.expose, "expose", "", "Expose a port or a range of ports");
        flags.string(&mut self.ipv4, "ip", "", "IPv4 address (e.g., 172.30.100.104)");
        flags.string(&mut self.ipv6, "ip6", "", "IPv6 address (e.g., 2001:db8::33)");
        flags.checked_list(&mut self.links, "link", "", "Add link to another container", checks::link);
        flags.list(&mut self.link_local, "link-local-ip", "", "Container IPv4/IPv6 link-local addresses");
        flags.string(
            &mut self.mac_address,
            "mac-address",
            "",
            "Container MAC address (e.g., 92:d0:c6:0a:29:33)",
        );
        flags.list(&mut self.publish, "publish", "p", "Publish a container's port(s) to the host");
        flags.bool(&mut self.publish_all, "publish-all", "P", "Publish all exposed ports to random ports");
        let networks = &mut self.networks;
        flags
            .value("network", "", "network", "Connect a container to a network", |text| {
                networks.push(networks::parse(text)?);
                Ok(())
            })
            .also("net");
        flags
            .list(&mut self.aliases, "network-alias", "", "Add network-scoped alias for the container")
            .also("net-alias");
    }

    /// The name of the first network, which is the container's network mode.
    pub(super) fn mode(&self) -> &str {
        self.networks.first().map_or("default", |network| &network.target)
    }

    /// Adds to the API's `Config` and `HostConfig`, and returns its `EndpointsConfig`.
    pub(super) fn fill(
        &self,
        config: &mut Map<String, Value>,
        host: &mut Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let ports = ports::parse(&self.publish, &self.expose)?;
        if !ports.exposed.is_empty() {
            config.insert(String::from("ExposedPorts"), ports.exposed.into());
        }
        let or_null = |list: &[String]| if list.is_empty() { Value::Null } else { json!(list) };
        let mut set = |name: &str, value: Value| host.insert(name.to_owned(), value);
        set("NetworkMode", json!(self.mode()));
        set("PortBindings", ports.bindings.into());
        set("PublishAllPorts", json!(self.publish_all));
        set("Links", or_null(&self.links));
        set("Dns", json!(self.dns));
        set("DnsOptions", json!(self.dns_options));
        set("DnsSearch", json!(self.dns_search));
        set("ExtraHosts", or_null(&self.extra_hosts));
        networks::endpoints(self)
    }

    /// Checks what is only known once all flags are read.
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.mac_address.is_empty() && !checks::is_mac_address(&self.mac_address) {
            return Err(format!("{} is not a valid mac address", self.mac_address));
        }
        Ok(())
    }

    /// Addresses of name servers that a container can hardly reach.
    pub(super) fn loopback_name_servers(&self) -> impl Iterator<Item = &str> {
        self.dns
            .iter()
            .filter(|text| text.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()))
            .map(String::as_str)
    }
}
