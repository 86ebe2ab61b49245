//! `/etc/resolv.conf` (resolv.conf(5)): from the host's, without what works only there.

use std::fmt::Write;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::NAME_SERVER;

/// Where the host has its resolver's configuration.
pub const HOST_RESOLVER_FILE: &str = "/etc/resolv.conf";
/// Where systemd-resolved keeps the servers that stand behind its own at 127.0.0.53 (systemd-resolved.service(8)).
const BEHIND_SYSTEMD: &str = "/run/systemd/resolve/resolv.conf";
/// The only server of a host where systemd-resolved answers.
const SYSTEMD_STUB: &str = "127.0.0.53";
/// Public servers for a host that has none a container could reach: the ones Docker takes.
const FALLBACK_IPV4: [&str; 2] = ["8.8.8.8", "8.8.4.4"];
const FALLBACK_IPV6: [&str; 2] = ["2001:4860:4860::8888", "2001:4860:4860::8844"];

/// What a container's `/etc/resolv.conf` depends on.
#[derive(Debug, Clone, Default)]
pub struct ResolverRequest<'a> {
    /// The host's file, as [`resolver_source`] read it.
    pub host: &'a str,
    /// `--dns`; replaces the host's servers and is taken as it is.
    pub servers: &'a [String],
    /// `--dns-search`; replaces the host's; a single `.` means none.
    pub search: &'a [String],
    /// `--dns-option`; replaces the host's.
    pub options: &'a [String],
    /// The container has an IPv6 address to reach such servers from.
    pub ipv6: bool,
    /// The container is in the host's network namespace, where loopback servers work.
    pub host_network: bool,
    /// The container asks our name server, which asks the servers.
    pub name_server: bool,
}

/// The host's own file, or the one that systemd-resolved keeps behind its stub. Empty when there is none.
pub fn resolver_source() -> String {
    source_of(Path::new(HOST_RESOLVER_FILE), Path::new(BEHIND_SYSTEMD))
}

fn source_of(usual: &Path, behind_stub: &Path) -> String {
    let text = fs::read_to_string(usual).unwrap_or_default();
    let servers = Parsed::from(text.as_str()).servers;
    if servers == [SYSTEMD_STUB]
        && let Ok(behind) = fs::read_to_string(behind_stub)
    {
        return behind;
    }
    text
}

/// The servers that this host itself asks, as its file says now; loopback ones too. None that is no address.
pub fn host_servers() -> Vec<IpAddr> {
    let text = fs::read_to_string(HOST_RESOLVER_FILE).unwrap_or_default();
    Parsed::from(text.as_str()).servers.iter().filter_map(|server| server.parse().ok()).collect()
}

/// The content of `/etc/resolv.conf`.
pub fn resolver(request: &ResolverRequest<'_>) -> String {
    let host = Parsed::from(request.host);
    let own = NAME_SERVER.to_string();
    let servers: Vec<&str> = if request.name_server {
        vec![&own]
    } else if !request.servers.is_empty() {
        request.servers.iter().map(String::as_str).collect()
    } else if request.host_network {
        host.servers
    } else {
        reachable(host.servers, request.ipv6)
    };
    let search: Vec<&str> = if request.search.is_empty() {
        host.search
    } else {
        request.search.iter().map(String::as_str).filter(|domain| *domain != ".").collect()
    };
    let mut options: Vec<&str> = if request.options.is_empty() {
        host.options
    } else {
        request.options.iter().map(String::as_str).collect()
    };
    if request.name_server && !options.iter().any(|option| option.starts_with("ndots:")) {
        // A name without a dot is a container's before it is anything else.
        options.push("ndots:0");
    }
    let mut text = String::with_capacity(128);
    for server in servers {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "nameserver {server}");
    }
    for (keyword, words) in [("search", search), ("options", options)] {
        if !words.is_empty() {
            let _ = writeln!(text, "{keyword} {}", words.join(" "));
        }
    }
    for line in host.other {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// The servers that a container can reach, or public ones when none is left.
fn reachable(servers: Vec<&str>, ipv6: bool) -> Vec<&str> {
    let is_reachable = |server: &&str| {
        // A link-local server carries its interface after a percent sign, which means nothing in a container.
        server.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback() && (address.is_ipv4() || ipv6))
    };
    let left: Vec<&str> = servers.into_iter().filter(is_reachable).collect();
    if !left.is_empty() {
        return left;
    }
    FALLBACK_IPV4
        .into_iter()
        .chain(if ipv6 { FALLBACK_IPV6.as_slice() } else { &[] }.iter().copied())
        .collect()
}

/// The parts of a file. `search` and `domain` replace each other, the last one counts; options add up.
#[derive(Debug, Default)]
struct Parsed<'a> {
    servers: Vec<&'a str>,
    search: Vec<&'a str>,
    options: Vec<&'a str>,
    other: Vec<&'a str>,
}

impl<'a> From<&'a str> for Parsed<'a> {
    fn from(text: &'a str) -> Self {
        let mut parsed = Self::default();
        for line in text.lines() {
            if line.starts_with(['#', ';']) {
                continue;
            }
            let mut words = line.split_whitespace();
            match words.next() {
                None => {}
                Some("nameserver") => parsed.servers.extend(words.next()),
                Some("search" | "domain") => parsed.search = words.collect(),
                Some("options") => parsed.options.extend(words),
                Some(_) => parsed.other.push(line),
            }
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "# comment\nnameserver 127.0.0.1\nnameserver 10.0.0.53\nnameserver fd00::53\n\
                        domain old.example\nsearch example.org example.net\noptions ndots:2\noptions edns0\n\
                        sortlist 10.0.0.0\n";

    fn words(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_works_only_on_the_host_is_left_out() {
        let request = ResolverRequest { host: HOST, ..Default::default() };
        let rest = "search example.org example.net\noptions ndots:2 edns0\nsortlist 10.0.0.0\n";
        assert_eq!(resolver(&request), format!("nameserver 10.0.0.53\n{rest}"));
        let request = ResolverRequest { host: HOST, ipv6: true, ..Default::default() };
        assert_eq!(resolver(&request), format!("nameserver 10.0.0.53\nnameserver fd00::53\n{rest}"));
        let request = ResolverRequest { host: HOST, host_network: true, ..Default::default() };
        assert!(
            resolver(&request)
                .starts_with("nameserver 127.0.0.1\nnameserver 10.0.0.53\nnameserver fd00::53\n")
        );
    }

    #[test]
    fn a_host_with_only_loopback_servers_falls_back_to_public_ones() {
        for host in ["nameserver 127.0.0.1\n", "nameserver fe80::1%eth0\n", ""] {
            let request = ResolverRequest { host, ..Default::default() };
            assert_eq!(resolver(&request), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
        }
        let request = ResolverRequest { ipv6: true, ..Default::default() };
        assert_eq!(resolver(&request).lines().count(), 4);
    }

    #[test]
    fn where_our_name_server_answers_it_is_the_only_one() {
        let servers = words(&["1.1.1.1"]);
        let request =
            ResolverRequest { host: HOST, servers: &servers, name_server: true, ..Default::default() };
        let text = "nameserver 127.0.0.11\nsearch example.org example.net\noptions ndots:2 edns0\nsortlist 10.0.0.0\n";
        assert_eq!(resolver(&request), text);
        let options = words(&["timeout:1"]);
        let request = ResolverRequest { options: &options, name_server: true, ..Default::default() };
        assert_eq!(resolver(&request), "nameserver 127.0.0.11\noptions timeout:1 ndots:0\n");
    }

    #[test]
    fn the_users_own_settings_replace_the_hosts() {
        let (servers, search, options) =
            (words(&["127.0.0.9", "1.1.1.1"]), words(&["."]), words(&["ndots:1"]));
        let request = ResolverRequest {
            host: HOST,
            servers: &servers,
            search: &search,
            options: &options,
            ..Default::default()
        };
        assert_eq!(
            resolver(&request),
            "nameserver 127.0.0.9\nnameserver 1.1.1.1\noptions ndots:1\nsortlist 10.0.0.0\n"
        );
    }

    #[test]
    fn behind_systemd_resolved_stand_the_real_servers() {
        let folder = tempfile::tempdir().unwrap();
        let (usual, behind) = (folder.path().join("usual"), folder.path().join("behind"));
        fs::write(&usual, "nameserver 127.0.0.53\noptions edns0\n").unwrap();
        assert!(source_of(&usual, &behind).starts_with("nameserver 127.0.0.53"));
        fs::write(&behind, "nameserver 10.0.0.1\n").unwrap();
        assert_eq!(source_of(&usual, &behind), "nameserver 10.0.0.1\n");
        fs::write(&usual, "nameserver 127.0.0.53\nnameserver 10.0.0.2\n").unwrap();
        assert!(source_of(&usual, &behind).contains("10.0.0.2"));
        assert_eq!(source_of(&folder.path().join("missing"), &behind), "");
    }
}
