//! `-p` and `--expose`: `[address:][host port or range:]container port or range[/protocol]`.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

/// Ports to expose, and their bindings on the host.
#[derive(Debug, Default)]
pub(super) struct Ports {
    pub(super) exposed: Map<String, Value>,
    pub(super) bindings: Map<String, Value>,
}

/// What `--publish` values say, as `PortBindings`.
pub(crate) fn bindings(publish: &[String]) -> Result<Map<String, Value>, String> {
    Ok(parse(publish, &[])?.bindings)
}

/// Reads all `--publish` and `--expose` values.
pub(super) fn parse(publish: &[String], expose: &[String]) -> Result<Ports, String> {
    let mut ports = Ports::default();
    let specifications = publish.iter().map(|text| short_form(text)).collect::<Result<Vec<_>, _>>()?;
    for specification in &specifications {
        add_published(specification, &mut ports)?;
    }
    for text in expose {
        if text.contains(':') {
            return Err(format!("invalid port format for --expose: {text}"));
        }
        let (port, protocol) = split_protocol(text);
        let (start, end) = range(port)
            .map_err(|reason| format!("invalid range format for --expose: {text}, error: {reason}"))?;
        for number in start..=end {
            ports.exposed.entry(format!("{number}/{protocol}")).or_insert_with(|| json!({}));
        }
    }
    Ok(ports)
}

/// Turns `published=80,target=90,protocol=udp` into the short form.
fn short_form(text: &str) -> Result<String, String> {
    if !text.contains('=') {
        return Ok(text.to_owned());
    }
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("published", value)) => published = value,
            Some(("target", value)) => target = value,
            Some(("protocol", value)) => protocol = value,
            Some((name, _)) if !name.is_empty() => {}
            _ => {
                return Err(format!("invalid publish opts format (should be name=value but got '{field}')"));
            }
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

fn add_published(text: &str, ports: &mut Ports) -> Result<(), String> {
    let mut parts = text.rsplitn(3, ':');
    let last = parts.next().unwrap_or_default();
    let host_port = parts.next().unwrap_or_default();
    let address = host_address(parts.next().unwrap_or_default())?;
    let (container_port, protocol) = split_protocol(last);
    if container_port.is_empty() {
        return Err(format!("no port specified: {text}<empty>"));
    }
    let (start, end) =
        range(container_port).map_err(|_| format!("invalid containerPort: {container_port}"))?;
    let host = match host_port {
        "" => None,
        _ => Some(range(host_port).map_err(|_| format!("invalid hostPort: {host_port}"))?),
    };
    if let Some((host_start, host_end)) = host
        && end - start != host_end - host_start
        && end != start
    {
        return Err(format!(
            "invalid ranges specified for container and host Ports: {container_port} and {host_port}"
        ));
    }
    let lower = protocol.to_lowercase();
    if !matches!(lower.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("invalid proto: {protocol}"));
    }
    for number in start..=end {
        let host_port = match host {
            None => String::new(),
            // One container port and a range on the host: the engine chooses from the range.
            Some((host_start, host_end)) if start == end && host_start != host_end => {
                format!("{host_start}-{host_end}")
            }
            Some((host_start, _)) => (host_start + (number - start)).to_string(),
        };
        let key = format!("{number}/{lower}");
        ports.exposed.entry(key.clone()).or_insert_with(|| json!({}));
        let binding = json!({"HostIp": address, "HostPort": host_port});
        match ports.bindings.entry(key).or_insert_with(|| json!([])) {
            Value::Array(bindings) => bindings.push(binding),
            other => *other = json!([binding]),
        }
    }
    Ok(())
}

fn host_address(text: &str) -> Result<String, String> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .ok_or_else(|| format!("invalid IP address {text}: address {text}:: missing ']' in address"))?,
        None => text,
    };
    if !bare.is_empty() && bare.parse::<IpAddr>().is_err() {
        return Err(format!("invalid IP address: {bare}"));
    }
    Ok(bare.to_owned())
}

/// The port part and the protocol, `tcp` when none is named.
fn split_protocol(text: &str) -> (&str, &str) {
    let mut parts = text.split('/');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("", _) => ("", ""),
        (port, None | Some("")) => (port, "tcp"),
        (port, Some(protocol)) => (port, protocol),
    }
}

/// `80` or `80-90`.
fn range(text: &str) -> Result<(u32, u32), String> {
    if text.is_empty() {
        return Err(String::from("empty string specified for ports"));
    }
    let number = |part: &str| -> Result<u32, String> {
        part.parse::<u16>().map(u32::from).map_err(|error| {
            let reason = match error.kind() {
                std::num::IntErrorKind::PosOverflow => "value out of range",
                _ => "invalid syntax",
            };
            format!("strconv.ParseUint: parsing {}: {reason}", crate::flags::quote(part))
        })
    };
    let mut parts = text.split('-');
    let start = number(parts.next().unwrap_or_default())?;
    let end = parts.next().map_or(Ok(start), number)?;
    if end < start {
        return Err(format!("invalid range specified for port: {text}"));
    }
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn published(text: &str) -> String {
        match parse(&[text.to_owned()], &[]) {
            Ok(ports) => serde_json::to_string(&ports.bindings).unwrap(),
            Err(reason) => reason,
        }
    }

    #[test]
    fn the_forms_of_publish() {
        assert_eq!(published("80"), r#"{"80/tcp":[{"HostIp":"","HostPort":""}]}"#);
        assert_eq!(published("[::1]:8080:80/UDP"), r#"{"80/udp":[{"HostIp":"::1","HostPort":"8080"}]}"#);
        assert_eq!(published("8000-9000:80"), r#"{"80/tcp":[{"HostIp":"","HostPort":"8000-9000"}]}"#);
        assert_eq!(published("127.0.0.1::80"), r#"{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]}"#);
        assert_eq!(published("published=1,target=2"), r#"{"2/tcp":[{"HostIp":"","HostPort":"1"}]}"#);
        assert_eq!(
            published("1-2:3-4"),
            r#"{"3/tcp":[{"HostIp":"","HostPort":"1"}],"4/tcp":[{"HostIp":"","HostPort":"2"}]}"#
        );
        assert_eq!(published("80:"), "no port specified: 80:<empty>");
        assert_eq!(published("x:80"), "invalid hostPort: x");
        assert_eq!(published("300.1.1.1:1:2"), "invalid IP address: 300.1.1.1");
        assert_eq!(published("80/xyz"), "invalid proto: xyz");
    }
}
