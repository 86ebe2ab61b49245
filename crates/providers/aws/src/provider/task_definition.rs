//! A container as ECS describes it.

use super::{grid, losses, names, ports};
use crate::services::{listed, tags};
use sampan_provider::{Failure, Health, Probe, Protocol, Result, Specification};
use serde_json::{Value, json};

/// What exists already.
#[derive(Debug, Clone, Default)]
pub(super) struct Made {
    /// ARN of the role that fetches the image.
    pub(super) role: String,
    /// The region of the logs.
    pub(super) region: String,
    /// The file system of volumes.
    pub(super) file_system: String,
    /// The access point of each volume, in the specification's order.
    pub(super) access_points: Vec<String>,
}

/// The request that registers it.
pub(super) fn request(specification: &Specification, made: &Made) -> Result<Value> {
    let (cpu, memory) = grid::size(specification.nano_cpus, specification.memory)
        .ok_or_else(|| Failure::invalid("HostConfig.Memory", "no task of Fargate is so large"))?;
    let (mounts, volumes) = volumes(specification, made);
    let mut container = json!({
        "name": names::service(&specification.name),
        "image": specification.image.located,
        "essential": true,
        "environment": specification.environment.iter()
            .map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        "portMappings": mappings(specification),
        "mountPoints": mounts,
        "linuxParameters": linux(specification),
        "logConfiguration": { "logDriver": "awslogs", "options": {
            "awslogs-group": names::log_group(&specification.name),
            "awslogs-region": made.region,
            "awslogs-stream-prefix": "sampan",
        } },
    });
    let mut set = |name: &str, value: Value| container[name] = value;
    if let Some(words) = &specification.entrypoint {
        set("entryPoint", json!(words));
    }
    if let Some(words) = &specification.command {
        set("command", json!(words));
    }
    for (name, text) in
        [("user", &specification.user), ("workingDirectory", &specification.working_directory)]
    {
        if !text.is_empty() {
            set(name, json!(text));
        }
    }
    if specification.memory > 0 {
        set("memory", json!(specification.memory.div_ceil(1 << 20).max(6)));
    }
    if !specification.labels.is_empty() {
        set("dockerLabels", json!(specification.labels));
    }
    if let Some(seconds) = specification.stop_timeout {
        set("stopTimeout", json!(seconds.min(losses::ABLE.longest_stop_timeout)));
    }
    if let Some(check) = specification.health.as_ref().and_then(health) {
        set("healthCheck", check);
    }
    if let Some(limits) = specification.setting("HostConfig.Ulimits").and_then(open_files) {
        set("ulimits", limits);
    }
    for (setting, name) in [
        ("HostConfig.ReadonlyRootfs", "readonlyRootFilesystem"),
        ("Config.Tty", "pseudoTerminal"),
        ("Config.OpenStdin", "interactive"),
    ] {
        if specification.setting(setting) == Some(&Value::Bool(true)) {
            set(name, json!(true));
        }
    }
    Ok(json!({
        "family": names::family(&specification.name),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": cpu.to_string(),
        "memory": memory.to_string(),
        "executionRoleArn": made.role,
        "runtimePlatform": { "operatingSystemFamily": "LINUX", "cpuArchitecture":
            if specification.image.architecture == "arm64" { "ARM64" } else { "X86_64" } },
        "containerDefinitions": [container],
        "volumes": volumes,
        "tags": listed(&marks(specification), "key", "value"),
    }))
}

/// Tags: of what it was made, too.
fn marks(specification: &Specification) -> Vec<(String, String)> {
    let mut all = tags(&specification.name);
    all.push(("sampan.fingerprint".to_owned(), specification.fingerprint()));
    let image = &specification.image.reference;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+-=._:/@ ".contains(c);
    if !image.is_empty() && image.len() <= 256 && image.chars().all(allowed) {
        all.push(("sampan.image".to_owned(), image.clone()));
    }
    all
}

fn mappings(specification: &Specification) -> Vec<Value> {
    let ports = specification.ports.iter().filter(|port| port.protocol != Protocol::Sctp);
    let mut all: Vec<Value> = Vec::new();
    for port in ports {
        let one = json!({ "containerPort": port.container, "hostPort": port.container, "protocol": port.protocol.to_string() });
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

fn volumes(specification: &Specification, made: &Made) -> (Vec<Value>, Vec<Value>) {
    let (mut mounts, mut volumes) = (Vec::new(), Vec::new());
    for (at, (volume, point)) in specification.volumes.iter().zip(&made.access_points).enumerate() {
        let name = format!("volume{at}");
        mounts.push(
            json!({ "sourceVolume": name, "containerPath": volume.path, "readOnly": volume.read_only }),
        );
        volumes.push(json!({ "name": name, "efsVolumeConfiguration": {
            "fileSystemId": made.file_system, "transitEncryption": "ENABLED",
            "authorizationConfig": { "accessPointId": point, "iam": "DISABLED" } } }));
    }
    let tmpfs = specification.setting("HostConfig.Tmpfs").and_then(Value::as_object);
    for (at, path) in tmpfs.into_iter().flat_map(|all| all.keys()).enumerate() {
        let name = format!("tmpfs{at}");
        mounts.push(json!({ "sourceVolume": name, "containerPath": path, "readOnly": false }));
        volumes.push(json!({ "name": name }));
    }
    (mounts, volumes)
}

fn linux(specification: &Specification) -> Value {
    let names = |name: &str| specification.setting(name).map(losses::list).unwrap_or_default();
    let added: Vec<String> =
        names("HostConfig.CapAdd").into_iter().filter(|name| name == "SYS_PTRACE").collect();
    let mut parameters = json!({});
    if specification.setting("HostConfig.Init") == Some(&Value::Bool(true)) {
        parameters["initProcessEnabled"] = json!(true);
    }
    for (name, list) in [("add", added), ("drop", names("HostConfig.CapDrop"))] {
        if !list.is_empty() {
            parameters["capabilities"][name] = json!(list);
        }
    }
    parameters
}

fn open_files(limits: &Value) -> Option<Value> {
    let one = limits.as_array()?.iter().find(|limit| limit["Name"] == "nofile")?;
    Some(json!([{ "name": "nofile", "softLimit": one["Soft"], "hardLimit": one["Hard"] }]))
}

/// A command inside; what asks over the network is the load balancer's.
fn health(health: &Health) -> Option<Value> {
    let command = match &health.probe {
        Probe::Command(words) => [vec!["CMD".to_owned()], words.clone()].concat(),
        Probe::Shell(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        Probe::Http { .. } | Probe::Tcp { .. } => return None,
    };
    let mut check = json!({ "command": command });
    let within = |value: u64, least: u64, most: u64| value.div_ceil(1_000_000_000).clamp(least, most);
    for (name, value, least, most) in [
        ("interval", health.interval, 5, 300),
        ("timeout", health.timeout, 2, 60),
        ("startPeriod", health.start_period, 0, 300),
    ] {
        if value > 0 {
            check[name] = json!(within(value, least, most));
        }
    }
    if health.retries > 0 {
        check["retries"] = json!(health.retries.min(10));
    }
    Some(check)
}

/// How the load balancer finds out whether a target is up, as parameters of a group of targets.
pub(super) fn judged(specification: &Specification, one: ports::Listening) -> Vec<(String, String)> {
    let mut all: Vec<(&str, String)> = Vec::new();
    let probe = specification.health.as_ref().map(|health| &health.probe);
    match probe {
        Some(Probe::Http { path, .. }) => {
            all.extend([("HealthCheckProtocol", "HTTP".to_owned()), ("HealthCheckPath", path.clone())]);
        }
        _ => all.push(("HealthCheckProtocol", "TCP".to_owned())),
    }
    if let Some(port) = ports::asked(specification, one) {
        all.push(("HealthCheckPort", port.to_string()));
    }
    all.push(("HealthCheckIntervalSeconds", "10".to_owned()));
    all.push(("HealthyThresholdCount", "2".to_owned()));
    all.push(("UnhealthyThresholdCount", "3".to_owned()));
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Made, request};
    use sampan_provider::{Health, Image, Port, Probe, Protocol, Setting, Specification, Volume};
    use serde_json::json;

    #[test]
    fn everything_has_its_place() {
        let specification = Specification {
            name: "web".to_owned(),
            image: Image {
                located: "r/sampan/web@sha256:1".to_owned(),
                architecture: "arm64".to_owned(),
                ..Image::default()
            },
            command: Some(vec!["serve".to_owned()]),
            ports: vec![Port { container: 80, published: Some(8080), protocol: Protocol::Tcp }],
            volumes: vec![Volume { name: "data".to_owned(), path: "/data".to_owned(), read_only: true }],
            stop_timeout: Some(500),
            memory: 300 << 20,
            health: Some(Health {
                probe: Probe::Shell("true".to_owned()),
                interval: 1,
                timeout: 0,
                start_period: 0,
                retries: 99,
            }),
            settings: vec![Setting { name: "HostConfig.CapDrop".to_owned(), value: json!(["ALL"]) }],
            ..Specification::default()
        };
        let made = Made { access_points: vec!["fsap-1".to_owned()], ..Made::default() };
        let request = request(&specification, &made).unwrap();
        let container = &request["containerDefinitions"][0];
        assert_eq!((&request["cpu"], &request["memory"]), (&json!("256"), &json!("512")));
        assert_eq!(request["runtimePlatform"]["cpuArchitecture"], "ARM64");
        assert_eq!(
            container["portMappings"],
            json!([{ "containerPort": 80, "hostPort": 80, "protocol": "tcp" }])
        );
        assert_eq!(container["stopTimeout"], 120);
        assert_eq!(container["memory"], 300);
        assert_eq!(
            container["healthCheck"],
            json!({ "command": ["CMD-SHELL", "true"], "interval": 5, "retries": 10 })
        );
        assert_eq!(container["linuxParameters"]["capabilities"]["drop"], json!(["ALL"]));
        assert_eq!(container["mountPoints"][0]["readOnly"], true);
        assert_eq!(
            request["volumes"][0]["efsVolumeConfiguration"]["authorizationConfig"]["accessPointId"],
            "fsap-1"
        );
        assert!(container.get("entryPoint").is_none());
    }
}
