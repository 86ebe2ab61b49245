//! Fields of the endpoint that a container gets in a network (`NetworkingConfig.EndpointsConfig`).

use serde_json::{Value, json};

use super::{Prints, PrintsOrRefuses, Refused, Row, Shows, row};

fn endpoint(value: Value) -> Value {
    json!({"NetworkingConfig": {"EndpointsConfig": {"bridge": value}}})
}

pub(super) fn rows() -> Vec<Row> {
    let address = "ip -4 -o address show dev eth0";
    let option =
        json!({"DriverOpts": {"com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1"}});
    vec![
        row(
            "Endpoint.MacAddress",
            endpoint(json!({"MacAddress": "02:42:ac:11:00:98"})),
            Prints("cat /sys/class/net/eth0/address", "02:42:ac:11:00:98"),
        ),
        row(
            "Endpoint.MacAddress",
            endpoint(json!({"MacAddress": "nonsense"})),
            Refused("nonsense|MAC|MacAddress"),
        ),
        // Docker knows these in user-defined networks only; either way nothing is swallowed.
        row(
            "Endpoint.IPAMConfig",
            endpoint(json!({"IPAMConfig": {"IPv4Address": "172.17.0.77"}})),
            Refused("user defined networks|IPAMConfig|user specified IP address|user-configured subnets"),
        ),
        row(
            "Endpoint.IPAMConfig",
            endpoint(json!({"IPAMConfig": {"IPv4Address": "nonsense"}})),
            Refused("nonsense|IPv4Address|user specified|invalid"),
        ),
        row(
            "Endpoint.Links",
            endpoint(json!({"Links": ["donor:friend"]})),
            PrintsOrRefuses("cat /etc/hosts; echo Links", "friend|Links"),
        ),
        row(
            "Endpoint.Aliases",
            endpoint(json!({"Aliases": ["other"]})),
            PrintsOrRefuses("echo alias", "alias"),
        ),
        row(
            "Endpoint.DriverOpts",
            endpoint(option),
            PrintsOrRefuses("cat /proc/sys/net/ipv4/conf/eth0/log_martians", "1\n"),
        ),
        row(
            "Endpoint.GwPriority",
            endpoint(json!({"GwPriority": 5})),
            Shows("{{.NetworkSettings.Networks.bridge.GwPriority}}", "5"),
        ),
        // What the engine itself fills in: a value that a client sends back from an inspect changes nothing.
        row("Endpoint.NetworkID", endpoint(json!({"NetworkID": ""})), Prints(address, "inet ")),
        row("Endpoint.EndpointID", endpoint(json!({"EndpointID": ""})), Prints(address, "inet ")),
        row("Endpoint.Gateway", endpoint(json!({"Gateway": ""})), Prints(address, "inet ")),
        row("Endpoint.IPAddress", endpoint(json!({"IPAddress": ""})), Prints(address, "inet ")),
        row("Endpoint.IPPrefixLen", endpoint(json!({"IPPrefixLen": 0})), Prints(address, "inet ")),
        row("Endpoint.IPv6Gateway", endpoint(json!({"IPv6Gateway": ""})), Prints(address, "inet ")),
        row(
            "Endpoint.GlobalIPv6Address",
            endpoint(json!({"GlobalIPv6Address": ""})),
            Prints(address, "inet "),
        ),
        row(
            "Endpoint.GlobalIPv6PrefixLen",
            endpoint(json!({"GlobalIPv6PrefixLen": 0})),
            Prints(address, "inet "),
        ),
        row("Endpoint.DNSNames", endpoint(json!({"DNSNames": []})), Prints(address, "inet ")),
    ]
}
