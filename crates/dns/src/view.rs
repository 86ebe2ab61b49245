//! What one container sees of the names.

use std::net::IpAddr;
use std::sync::Arc;

use sampan_network::Sandbox;

use crate::directory::Directory;

/// What one container sees: its networks, its links, and whom to ask further.
#[derive(Debug, Default)]
pub struct View {
    /// Ids of the networks it is on, the preferred one first.
    pub networks: Vec<String>,
    /// Names that only this container knows others by (`--link`): this name and what the other is called.
    pub links: Vec<(String, String)>,
    /// Who is asked about other names.
    pub upstream: Upstream,
}

/// Who is asked about names that are no container's.
#[derive(Debug, Default)]
pub enum Upstream {
    /// Nobody: a container on internal networks only, whose queries would tell the world something.
    #[default]
    Nobody,
    /// The servers that the host itself asks, by the host's own network.
    Host,
    /// These, from inside the container's network.
    Given(Vec<IpAddr>, Arc<Sandbox>),
}

impl View {
    /// The addresses that a name in lower case, without a dot at its end, stands for; `None` when it is unknown here.
    /// Rules as Docker has them: links come first; then the networks in order, the first that knows the name answers;
    /// what follows a dot may be a network's name.
    pub(crate) fn addresses(&self, directory: &Directory, name: &str) -> Option<Vec<IpAddr>> {
        let linked = self.links.iter().find(|(link, _)| link == name).and_then(|(_, other)| {
            self.networks.iter().find_map(|network| directory.addresses(network, other))
        });
        let plain = || self.networks.iter().find_map(|network| directory.addresses(network, name));
        let qualified = || {
            name.rmatch_indices('.').find_map(|(dot, _)| {
                let (name, network_name) = (&name[..dot], &name[dot + 1..]);
                let mut named =
                    self.networks.iter().filter(|network| directory.is_called(network, network_name));
                named.find_map(|network| directory.addresses(network, name))
            })
        };
        linked.or_else(plain).or_else(qualified)
    }

    /// The name of who has an address on one of the networks.
    pub(crate) fn name_at(&self, directory: &Directory, address: IpAddr) -> Option<String> {
        self.networks.iter().find_map(|network| directory.name_at(network, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Member;

    #[test]
    fn links_come_first_and_networks_can_be_named() {
        let directory = Directory::default();
        let member = |network: &str, names: &[&str], address: &str| Member {
            network: network.to_owned(),
            network_name: network.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            addresses: vec![address.parse().unwrap()],
        };
        directory.set("1", vec![member("a", &["db"], "10.0.0.2")]);
        directory.set("2", vec![member("b", &["db", "x.y"], "10.1.0.2")]);
        directory.set("3", vec![member("c", &["secret"], "10.2.0.2")]);
        let view = View {
            networks: vec!["a".into(), "b".into()],
            links: vec![("alias".into(), "x.y".into()), ("lost".into(), "nobody".into())],
            upstream: Upstream::Nobody,
        };
        let found = |name| view.addresses(&directory, name).map(|found| found[0].to_string());
        assert_eq!(found("db").as_deref(), Some("10.0.0.2"));
        assert_eq!(found("db.b").as_deref(), Some("10.1.0.2"));
        assert_eq!(found("x.y").as_deref(), Some("10.1.0.2"));
        assert_eq!(found("x.y.b").as_deref(), Some("10.1.0.2"));
        assert_eq!(found("alias").as_deref(), Some("10.1.0.2"));
        for unknown in ["lost", "secret", "secret.c", "db.c", "", ".", "b"] {
            assert_eq!(found(unknown), None, "{unknown:?}");
        }
    }
}
