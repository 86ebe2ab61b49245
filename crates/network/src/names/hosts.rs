//! `/etc/hosts` and `/etc/hostname`.

use std::fmt::Write;
use std::net::IpAddr;

/// What every container's file begins with: addresses and names, in Docker's order.
const IPV4: [(&str, &str); 1] = [("127.0.0.1", "localhost")];
const IPV6: [(&str, &str); 5] = [
    ("::1", "localhost ip6-localhost ip6-loopback"),
    ("fe00::", "ip6-localnet"),
    ("ff00::", "ip6-mcastprefix"),
    ("ff02::1", "ip6-allnodes"),
    ("ff02::2", "ip6-allrouters"),
];

/// A line of the user's (`--add-host`) or of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// The address.
    pub address: IpAddr,
    /// One or several names, with spaces between.
    pub names: String,
}

/// What a container's `/etc/hosts` depends on.
#[derive(Debug, Clone, Default)]
pub struct HostsRequest<'a> {
    /// The container's own name; may be fully qualified.
    pub hostname: &'a str,
    /// `--domainname`; may be empty.
    pub domain: &'a str,
    /// The container's own addresses, as they come from its endpoints.
    pub addresses: &'a [IpAddr],
    /// The user's own lines, which come before the container's.
    pub extra: &'a [HostEntry],
    /// The container has IPv6 at least on its loopback interface.
    pub ipv6: bool,
}

/// The content of `/etc/hosts`. A container in the host's network with no lines of the user's own has a copy of
/// the host's file instead.
pub fn hosts(request: &HostsRequest<'_>) -> String {
    let mut text = String::with_capacity(256);
    let mut line = |address: &dyn std::fmt::Display, names: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{address}\t{names}");
    };
    let defaults = IPV4.iter().chain(if request.ipv6 { IPV6.as_slice() } else { &[] });
    for (address, names) in defaults {
        line(address, names);
    }
    for entry in request.extra.iter().filter(|entry| request.ipv6 || entry.address.is_ipv4()) {
        line(&entry.address, &entry.names);
    }
    let names = own_names(request.hostname, request.domain);
    for address in request.addresses.iter().filter(|address| request.ipv6 || address.is_ipv4()) {
        line(address, &names);
    }
    text
}

/// The content of `/etc/hostname`.
pub fn hostname(name: &str) -> String {
    format!("{name}\n")
}

/// A container's own names as its lines have them: the full name, and the part before its first dot.
pub fn own_names(hostname: &str, domain: &str) -> String {
    let full = if domain.is_empty() { hostname.to_owned() } else { format!("{hostname}.{domain}") };
    match full.split_once('.') {
        Some((short, _)) => format!("{full} {short}"),
        None => full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_what_docker_writes() {
        let addresses = ["172.17.0.2".parse().unwrap()];
        let extra = [HostEntry { address: "192.0.2.1".parse().unwrap(), names: "db".to_owned() }];
        let request = HostsRequest {
            hostname: "web",
            domain: "example.org",
            addresses: &addresses,
            extra: &extra,
            ipv6: true,
        };
        assert_eq!(
            hosts(&request),
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n\
             ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n192.0.2.1\tdb\n\
             172.17.0.2\tweb.example.org web\n"
        );
        let plain = HostsRequest { hostname: "0123abcd", addresses: &addresses, ..Default::default() };
        assert_eq!(hosts(&plain), "127.0.0.1\tlocalhost\n172.17.0.2\t0123abcd\n");
        assert_eq!(hostname("web"), "web\n");
    }
}
