//! Who is called what, and where: by network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A container on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The network's id.
    pub network: String,
    /// Its name: `web.backend` is `web` on the network `backend`.
    pub network_name: String,
    /// What the container is called there; the first is the answer to a reverse question.
    pub names: Vec<String>,
    /// Its addresses there.
    pub addresses: Vec<IpAddr>,
}

/// All members of all networks.
#[derive(Debug, Default)]
pub(crate) struct Directory(RwLock<Contents>);

#[derive(Debug, Default)]
struct Contents {
    networks: HashMap<String, Network>,
    containers: HashMap<String, Vec<Member>>,
}

#[derive(Debug, Default)]
struct Network {
    name: String,
    /// Lower-case names with the containers that have them, and their addresses.
    names: HashMap<String, Vec<(String, Vec<IpAddr>)>>,
    /// The first name of who has an address.
    addresses: HashMap<IpAddr, String>,
}

impl Directory {
    /// Replaces where a container is.
    pub(crate) fn set(&self, container: &str, members: Vec<Member>) {
        let mut contents = self.0.write().unwrap_or_else(PoisonError::into_inner);
        contents.forget(container);
        for member in &members {
            contents.networks.entry(member.network.clone()).or_default().add(container, member);
        }
        if !members.is_empty() {
            contents.containers.insert(container.to_owned(), members);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses of all that have a name (in lower case) on a network; `None` when nobody has.
    pub(crate) fn addresses(&self, network: &str, name: &str) -> Option<Vec<IpAddr>> {
        let contents = self.read();
        let holders = contents.networks.get(network)?.names.get(name)?;
        Some(holders.iter().flat_map(|(_, addresses)| addresses.iter().copied()).collect())
    }

    /// Whether a network has this name, in lower case.
    pub(crate) fn is_called(&self, network: &str, name: &str) -> bool {
        self.read().networks.get(network).is_some_and(|network| network.name == name)
    }

    /// Who has an address on a network: name and network, with a dot between.
    pub(crate) fn name_at(&self, network: &str, address: IpAddr) -> Option<String> {
        let contents = self.read();
        let network = contents.networks.get(network)?;
        Some(format!("{}.{}", network.addresses.get(&address)?, network.name))
    }
}

impl Contents {
    fn forget(&mut self, container: &str) {
        for member in self.containers.remove(container).unwrap_or_default() {
            let Some(network) = self.networks.get_mut(&member.network) else { continue };
            network.remove(container, &member);
            if network.names.is_empty() {
                self.networks.remove(&member.network);
            }
        }
    }
}

impl Network {
    fn add(&mut self, container: &str, member: &Member) {
        self.name = member.network_name.to_lowercase();
        for name in &member.names {
            let holders = self.names.entry(name.to_lowercase()).or_default();
            if !holders.iter().any(|(holder, _)| holder == container) {
                holders.push((container.to_owned(), member.addresses.clone()));
            }
        }
        if let Some(first) = member.names.first() {
            self.addresses.extend(member.addresses.iter().map(|address| (*address, first.clone())));
        }
    }

    fn remove(&mut self, container: &str, member: &Member) {
        for name in &member.names {
            let name = name.to_lowercase();
            if let Some(holders) = self.names.get_mut(&name) {
                holders.retain(|(holder, _)| holder != container);
                if holders.is_empty() {
                    self.names.remove(&name);
                }
            }
        }
        for address in &member.addresses {
            self.addresses.remove(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(network: &str, names: &[&str], address: &str) -> Member {
        Member {
            network: format!("id-{network}"),
            network_name: network.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            addresses: vec![address.parse().unwrap()],
        }
    }

    #[test]
    fn members_come_and_go() {
        let directory = Directory::default();
        directory.set("1", vec![member("back", &["Web1", "web"], "10.0.0.2")]);
        directory.set(
            "2",
            vec![member("back", &["web2", "web"], "10.0.0.3"), member("front", &["web2"], "10.1.0.2")],
        );
        assert_eq!(directory.addresses("id-back", "web").unwrap().len(), 2);
        assert_eq!(directory.addresses("id-back", "web1").unwrap(), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
        assert_eq!(directory.addresses("id-front", "web"), None, "aliases are of one network");
        assert_eq!(directory.name_at("id-back", "10.0.0.2".parse().unwrap()).unwrap(), "Web1.back");
        directory.set("2", vec![member("back", &["renamed"], "10.0.0.3")]);
        assert_eq!(directory.addresses("id-back", "web").unwrap().len(), 1);
        assert_eq!(directory.addresses("id-front", "web2"), None);
        directory.set("1", Vec::new());
        directory.set("2", Vec::new());
        assert!(directory.read().networks.is_empty() && directory.read().containers.is_empty());
    }
}
