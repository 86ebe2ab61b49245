//! The files that tell a container names: /etc/hostname, /etc/hosts, /etc/resolv.conf.

use super::Connected;
use crate::Engine;
use crate::containers::ContainerRecord;
use crate::error::Error;
use crate::spec::NetworkMode;
use sampan_error::{Context, Result};
use sampan_network::{HostEntry, HostsRequest, ResolverRequest};
use std::net::IpAddr;
use std::path::Path;

const NAMES: [&str; 3] = ["hostname", "hosts", "resolv.conf"];

impl Engine {
    /// Writes the three files of a container that is about to start.
    ///
    /// # Errors
    /// A bad `--add-host`, or the container's directory cannot be written.
    pub(crate) fn write_name_files(&self, record: &ContainerRecord, connected: &Connected) -> Result<()> {
        let directory = &record.directory;
        if let NetworkMode::Container(owner) = &record.spec.host.network_mode {
            return self.borrow_name_files(owner, directory);
        }
        write(&directory.join("hostname"), &sampan_network::hostname(&record.resolved.hostname))?;
        write(&directory.join("hosts"), &self.hosts(record, connected)?)?;
        self.write_resolver(record, connected)
    }

    /// Writes `/etc/resolv.conf`.
    ///
    /// # Errors
    /// The container's directory cannot be written.
    pub(super) fn write_resolver(&self, record: &ContainerRecord, connected: &Connected) -> Result<()> {
        write(&record.directory.join("resolv.conf"), &self.resolver(record, connected))
    }

    /// A container in another's network namespace sees that one's files.
    fn borrow_name_files(&self, owner: &str, directory: &Path) -> Result<()> {
        let owner = self.container(owner)?.record();
        for name in NAMES {
            let text = std::fs::read_to_string(owner.directory.join(name))
                .context(format!("cannot read the name files of container {}", owner.name))?;
            write(&directory.join(name), &text)?;
        }
        Ok(())
    }

    fn hosts(&self, record: &ContainerRecord, connected: &Connected) -> Result<String> {
        let extra = self.extra_hosts(record)?;
        if record.spec.host.network_mode == NetworkMode::Host {
            let mut text = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
            for entry in extra {
                text.push_str(&format!("{}\t{}\n", entry.address, entry.names));
            }
            return Ok(text);
        }
        let addresses: Vec<IpAddr> = connected
            .endpoints
            .values()
            .flat_map(|it| {
                it.ipv4.map(|ipv4| ipv4.0).into_iter().chain(it.ipv6.map(|ipv6| IpAddr::V6(ipv6.0)))
            })
            .collect();
        Ok(sampan_network::hosts(&HostsRequest {
            hostname: &record.resolved.hostname,
            domain: record.spec.process.domainname.as_deref().unwrap_or_default(),
            addresses: &addresses,
            extra: &extra,
            ipv6: true,
        }))
    }

    /// The lines of `--add-host`; `host-gateway` is the bridge's own address.
    fn extra_hosts(&self, record: &ContainerRecord) -> Result<Vec<HostEntry>> {
        let mut entries = Vec::new();
        for extra in &record.spec.host.extra_hosts {
            let refused = || Error::Invalid(format!("bad format for add-host: {extra:?}"));
            let (name, address) = extra.split_once([':', '=']).ok_or_else(refused)?;
            if address == "host-gateway" {
                let network = self.inner.network.default_network();
                entries.extend(
                    network
                        .subnets
                        .iter()
                        .map(|it| HostEntry { address: it.gateway, names: name.to_owned() }),
                );
            } else {
                let address = address
                    .trim_matches(['[', ']'])
                    .parse()
                    .map_err(|_| Error::Invalid(format!("invalid IP address in add-host: {address:?}")))?;
                entries.push(HostEntry { address, names: name.to_owned() });
            }
        }
        for link in &record.spec.host.links {
            entries.push(self.link(link)?);
        }
        Ok(entries)
    }

    /// `--link container:alias`: the other one's address under its alias, id and name.
    fn link(&self, link: &str) -> Result<HostEntry> {
        let (name, alias) = link.split_once(':').unwrap_or((link, link));
        let other = self.container(name)?.record();
        let alias = alias.rsplit('/').next().unwrap_or(alias);
        let address = other.endpoints.values().find_map(|endpoint| endpoint.ipv4).ok_or_else(|| {
            Error::Conflict(format!("Cannot link to a non running container: /{} AS {alias}", other.name))
        })?;
        let short: String = other.id.chars().take(12).collect();
        Ok(HostEntry { address: address.0, names: format!("{alias} {short} {}", other.name) })
    }

    fn resolver(&self, record: &ContainerRecord, connected: &Connected) -> String {
        let host = &record.spec.host;
        let config = &self.inner.config;
        let pick = |own: &'_ Vec<String>, default: &'_ Vec<String>| {
            if own.is_empty() { default.clone() } else { own.clone() }
        };
        sampan_network::resolver(&ResolverRequest {
            host: &sampan_network::resolver_source(),
            servers: &pick(&host.dns, &config.dns),
            search: &pick(&host.dns_search, &config.dns_search),
            options: &pick(&host.dns_options, &config.dns_options),
            ipv6: connected.endpoints.values().any(|endpoint| endpoint.ipv6.is_some()),
            host_network: host.network_mode == NetworkMode::Host,
            name_server: super::names::has_name_server(&connected.endpoints),
        })
    }
}

/// Adds a container's own lines to its `/etc/hosts`, which may hold more than we wrote.
pub(super) fn add_hosts(record: &ContainerRecord, addresses: &[IpAddr]) -> Result<()> {
    let lines: String = addresses.iter().map(|address| own_line(record, address)).collect();
    change_hosts(record, |text| text.push_str(&lines))
}

/// Takes such lines away.
pub(super) fn remove_hosts(record: &ContainerRecord, addresses: &[IpAddr]) -> Result<()> {
    change_hosts(record, |text| {
        for address in addresses {
            *text = text.replacen(&own_line(record, address), "", 1);
        }
    })
}

fn own_line(record: &ContainerRecord, address: &IpAddr) -> String {
    let domain = record.spec.process.domainname.as_deref().unwrap_or_default();
    format!("{address}\t{}\n", sampan_network::own_names(&record.resolved.hostname, domain))
}

fn change_hosts(record: &ContainerRecord, change: impl FnOnce(&mut String)) -> Result<()> {
    let path = record.directory.join("hosts");
    let mut text = std::fs::read_to_string(&path).context(format!("cannot read {}", path.display()))?;
    let before = text.clone();
    change(&mut text);
    if text == before { Ok(()) } else { write(&path, &text) }
}

/// Replaces the content in place: a running container sees the file by its inode.
fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).context(format!("cannot write {}", path.display()))
}
