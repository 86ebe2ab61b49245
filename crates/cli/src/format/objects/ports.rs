//! The ports of a container in one line: `0.0.0.0:80->80/tcp, 443/tcp, 1000-1005/udp`.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::Fields;

struct Group {
    first: i64,
    last: i64,
}

/// Docker's line for the `Ports` of a listed container: neighbours that map onto themselves or are
/// only exposed become ranges, ports that map onto others follow one by one.
pub(crate) fn displayable(ports: &[Json]) -> String {
    let mut ports: Vec<&Json> = ports.iter().collect();
    ports.sort_by(|left, right| order(left).cmp(&order(right)));
    let mut finished = Vec::new();
    let mut mappings = Vec::new();
    let mut keys: Vec<(String, String)> = Vec::new();
    let mut groups: HashMap<(String, String), Group> = HashMap::new();
    for port in ports {
        let (inside, outside) = (port.int("PrivatePort"), port.int("PublicPort"));
        let address = port.text("IP");
        let kind = &kind(port);
        if !address.is_empty() && outside != inside {
            mappings.push(format!("{}->{inside}/{kind}", join(address, &outside.to_string())));
            continue;
        }
        let key = (address.to_string(), kind.clone());
        match groups.get_mut(&key) {
            None => {
                groups.insert(key.clone(), Group { first: inside, last: inside });
                keys.push(key);
            }
            Some(group) if inside == group.last + 1 => group.last = inside,
            Some(group) => {
                finished.push(describe(&key, group));
                *group = Group { first: inside, last: inside };
            }
        }
    }
    finished.extend(keys.iter().filter_map(|key| groups.get(key).map(|group| describe(key, group))));
    finished.extend(mappings);
    finished.join(", ")
}

/// The protocol, and for whom the port is there when not for everybody.
fn kind(port: &Json) -> String {
    match port.text("Reach") {
        "" => port.text("Type").to_owned(),
        reach => format!("{} ({reach})", port.text("Type")),
    }
}

fn order(port: &Json) -> (i64, &str, i64, &str) {
    (port.int("PrivatePort"), port.text("IP"), port.int("PublicPort"), port.text("Type"))
}

fn describe((address, kind): &(String, String), group: &Group) -> String {
    let range = if group.first == group.last {
        group.first.to_string()
    } else {
        format!("{}-{}", group.first, group.last)
    };
    if address.is_empty() {
        format!("{range}/{kind}")
    } else {
        format!("{}->{range}/{kind}", join(address, &range))
    }
}

/// An address and a port; IPv6 in brackets.
fn join(address: &str, port: &str) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_like_docker() {
        for (ports, expected) in [
            (json!([]), ""),
            (json!([{"PrivatePort": 9988, "Type": "tcp"}]), "9988/tcp"),
            (json!([{"PrivatePort": 9988, "Type": "udp"}]), "9988/udp"),
            (json!([{"IP": "0.0.0.0", "PrivatePort": 9988, "Type": "tcp"}]), "0.0.0.0:0->9988/tcp"),
            (json!([{"PrivatePort": 9988, "PublicPort": 8899, "Type": "tcp"}]), "9988/tcp"),
            (
                json!([{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp", "Reach": "lan"}]),
                "0.0.0.0:8080->80/tcp (lan)",
            ),
            (
                json!([{"IP": "4.3.2.1", "PrivatePort": 9988, "PublicPort": 8899, "Type": "tcp"}]),
                "4.3.2.1:8899->9988/tcp",
            ),
            (
                json!([
                    {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 80, "Type": "tcp"},
                    {"IP": "::", "PrivatePort": 80, "PublicPort": 80, "Type": "tcp"},
                ]),
                "0.0.0.0:80->80/tcp, [::]:80->80/tcp",
            ),
            (
                json!([
                    {"PrivatePort": 8, "Type": "tcp"}, {"PrivatePort": 6, "Type": "tcp"},
                    {"PrivatePort": 7, "Type": "tcp"}, {"PrivatePort": 12, "Type": "udp"},
                    {"IP": "1.2.3.4", "PrivatePort": 20, "PublicPort": 20, "Type": "tcp"},
                    {"IP": "1.2.3.4", "PrivatePort": 21, "PublicPort": 21, "Type": "tcp"},
                    {"IP": "1.2.3.4", "PrivatePort": 22, "PublicPort": 1022, "Type": "tcp"},
                    {"PrivatePort": 10, "Type": "tcp"},
                ]),
                "6-8/tcp, 10/tcp, 12/udp, 1.2.3.4:20-21->20-21/tcp, 1.2.3.4:1022->22/tcp",
            ),
        ] {
            assert_eq!(displayable(ports.as_array().unwrap()), expected);
        }
    }
}
