//! How registries are reached: what the operator configured.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use sampan_error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The client's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folders with one folder per registry (`host` or `host:port`), which holds private authorities (`*.crt`) and
    /// client certificates (`*.cert` with `*.key`), as Docker lays them out. Later ones add to earlier ones.
    pub certificates: Vec<PathBuf>,
    /// Registries that may be reached without TLS, or with a certificate that nobody vouches for: `host`,
    /// `host:port`, or a network as in `10.0.0.0/8`. Loopback addresses and `localhost` always are.
    pub insecure: Vec<String>,
    /// Docker's `registry-mirrors`: places that are asked first for images of Docker Hub.
    pub hub_mirrors: Vec<String>,
    /// Rules by prefix; the longest that covers a name counts.
    pub rules: Vec<Rule>,
    /// Tries of a request that cannot do harm twice.
    pub attempts: u32,
    /// What this client calls itself.
    pub user_agent: String,
    /// Longest silence of a registry in the middle of an answer.
    pub stall: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            insecure: Vec::new(),
            hub_mirrors: Vec::new(),
            rules: Vec::new(),
            attempts: 4,
            user_agent: concat!("sampan/", env!("CARGO_PKG_VERSION")).to_owned(),
            stall: Duration::from_secs(60),
        }
    }
}

/// Where images whose names begin with `prefix` really are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `docker.io`, `docker.io/library`, `registry.example/shop`, `*.example`.
    pub prefix: String,
    /// What takes the prefix's place, for pull and push, as in `127.0.0.1:5000/hub`. Empty: nothing does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Places that are asked before, for pull only, in this order. Each takes the prefix's place; one with a
    /// scheme (`http://…`) may be reached without TLS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// Whether `location` and `mirrors` may be reached without TLS.
    #[serde(default)]
    pub insecure: bool,
    /// Whether such images may not be used at all.
    #[serde(default)]
    pub blocked: bool,
}

impl Settings {
    /// Checks what can be checked without a network.
    ///
    /// # Errors
    /// `InvalidArgument` that names the entry and what it should look like.
    pub fn check(&self) -> Result<()> {
        for mirror in &self.hub_mirrors {
            Place::parse(mirror)?;
        }
        for rule in &self.rules {
            if rule.prefix.is_empty() || rule.prefix.contains("://") {
                return Err(Error::invalid(format!(
                    "the registry rule for {:?} needs a prefix such as docker.io or registry.example/team",
                    rule.prefix
                )));
            }
            let places = rule.mirrors.iter().chain(Some(&rule.location).filter(|place| !place.is_empty()));
            for place in places {
                Place::parse(place)?;
            }
        }
        for entry in &self.insecure {
            if entry.contains("://") {
                return Err(Error::invalid(format!(
                    "insecure registry {entry:?} is not valid: write host, host:port or a network, without a scheme"
                )));
            }
        }
        Ok(())
    }

    /// Whether a registry may be reached without TLS.
    pub(crate) fn is_insecure(&self, host: &str) -> bool {
        let name = without_port(host);
        let address: Option<std::net::IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        if name == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        self.insecure.iter().any(|entry| {
            let network: Option<IpNet> = entry.parse().ok();
            entry == host
                || entry == name
                || network.zip(address).is_some_and(|(network, address)| network.contains(&address))
        })
    }
}

/// A place that takes a prefix's place: host and the beginning of the path there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// `host` or `host:port`.
    pub(crate) host: String,
    /// Beginning of the repository's name there, without slashes at its ends.
    pub(crate) path: String,
    /// Whether its scheme says that there is no TLS.
    pub(crate) plain: bool,
}

impl Place {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let (plain, rest) = match text.split_once("://") {
            Some(("http", rest)) => (true, rest),
            Some(("https", rest)) => (false, rest),
            None => (false, text),
            Some((scheme, _)) => {
                return Err(Error::invalid(format!(
                    "registry place {text:?} is not valid: its scheme is {scheme}, where http or https is known"
                )));
            }
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || host.contains(['@', '?', '#', ' ']) || path.contains(['?', '#', ' ']) {
            return Err(Error::invalid(format!(
                "registry place {text:?} is not valid: write https://host[:port] or host[:port]/path"
            )));
        }
        Ok(Self { host: host.to_owned(), path: path.trim_matches('/').to_owned(), plain })
    }
}

/// A host without its port; IPv6 addresses keep their brackets.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_what_is_listed_may_do_without_tls() {
        let settings = Settings {
            insecure: vec!["a.example:5000".into(), "10.0.0.0/8".into(), "b".into()],
            ..Settings::default()
        };
        for host in
            ["localhost", "localhost:5000", "127.9.9.9:1", "[::1]:80", "a.example:5000", "10.1.2.3", "b:1"]
        {
            assert!(settings.is_insecure(host), "{host}");
        }
        for host in ["a.example", "a.example:5001", "11.1.2.3", "localhost.example", "[2001:db8::1]:5000"] {
            assert!(!settings.is_insecure(host), "{host}");
        }
    }

    #[test]
    fn a_place_has_a_host_and_perhaps_a_path() {
        let place = Place::parse("http://127.0.0.1:5000/hub/").unwrap();
        assert_eq!((place.host.as_str(), place.path.as_str(), place.plain), ("127.0.0.1:5000", "hub", true));
        assert!(Place::parse("ftp://a").is_err());
        assert!(Place::parse("https://user@a").is_err());
        assert!(Place::parse("").is_err());
    }
}
