//! A specification as the body of `POST /containers/create`.

use crate::engine::{FINGERPRINT, IMAGE, MANAGED, NUMBER, REVISION, SERVICE};
use sampan_provider::{Health, Probe, Specification};
use serde_json::{Map, Value, json};

/// Settings that are not fields of the body, and are put where they belong by hand.
pub(crate) const ENDPOINTS: &str = "NetworkSettings.Networks";
/// The addresses of this host that ports were published on.
pub(crate) const ADDRESSES: &str = "HostConfig.PortBindings.HostIp";

/// The body for one replica.
pub(crate) fn body(specification: &Specification, number: u32, revision: u64) -> Value {
    let mut labels: Map<String, Value> =
        specification.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    for (name, value) in [
        (MANAGED, "1".to_owned()),
        (SERVICE, specification.name.clone()),
        (NUMBER, number.to_string()),
        (REVISION, revision.to_string()),
        (FINGERPRINT, specification.fingerprint()),
        (IMAGE, specification.image.reference.clone()),
    ] {
        labels.insert(name.to_owned(), value.into());
    }
    let environment: Vec<String> =
        specification.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut body = json!({
        "Image": if specification.image.located.is_empty() { &specification.image.id } else { &specification.image.located },
        "Env": environment,
        "Labels": labels,
        "ExposedPorts": exposed(specification),
        "HostConfig": {
            "PortBindings": bindings(specification),
            "Binds": binds(specification),
            "NanoCpus": specification.nano_cpus,
            "Memory": specification.memory,
        },
    });
    if let Some(words) = &specification.entrypoint {
        put(&mut body, "Config.Entrypoint", json!(words));
    }
    if let Some(words) = &specification.command {
        put(&mut body, "Config.Cmd", json!(words));
    }
    for (name, value) in [
        ("Config.User", &specification.user),
        ("Config.WorkingDir", &specification.working_directory),
        ("Config.StopSignal", &specification.stop_signal),
    ] {
        if !value.is_empty() {
            put(&mut body, name, json!(value));
        }
    }
    if let Some(seconds) = specification.stop_timeout {
        put(&mut body, "Config.StopTimeout", json!(seconds));
    }
    if let Some(health) = &specification.health {
        put(&mut body, "Config.Healthcheck", healthcheck(health));
    }
    if !specification.restart.is_empty() {
        put(&mut body, "HostConfig.RestartPolicy", json!({"Name": specification.restart}));
    }
    for setting in &specification.settings {
        match setting.name.as_str() {
            ADDRESSES => {}
            ENDPOINTS => put(&mut body, "Config.NetworkingConfig", json!({"EndpointsConfig": setting.value})),
            "HostConfig.Binds" => {
                let more = setting.value.as_array().cloned().unwrap_or_default();
                if let Some(all) = body.pointer_mut("/HostConfig/Binds").and_then(Value::as_array_mut) {
                    all.extend(more);
                }
            }
            name => put(&mut body, name, setting.value.clone()),
        }
    }
    body
}

/// Puts a value where its name in `docker inspect` says: `HostConfig.X` or `Config.X`, which is the body itself.
fn put(body: &mut Value, name: &str, value: Value) {
    let into = match name.split_once('.') {
        Some(("Config", field)) => body.as_object_mut().map(|object| (object, field)),
        Some(("HostConfig", field)) => {
            body.get_mut("HostConfig").and_then(Value::as_object_mut).map(|object| (object, field))
        }
        _ => None,
    };
    if let Some((object, field)) = into {
        object.insert(field.to_owned(), value);
    }
}

fn exposed(specification: &Specification) -> Value {
    let ports =
        specification.ports.iter().map(|port| (format!("{}/{}", port.container, port.protocol), json!({})));
    Value::Object(ports.collect())
}

fn bindings(specification: &Specification) -> Value {
    let addresses = specification.setting(ADDRESSES);
    let mut all = Map::new();
    for port in specification.published() {
        let key = format!("{}/{}", port.container, port.protocol);
        let published = port.published.filter(|published| *published != 0);
        let address = addresses.and_then(|all| all.get(&key)).and_then(Value::as_str).unwrap_or_default();
        let binding = json!({"HostIp": address, "HostPort": published.map(|port| port.to_string()).unwrap_or_default()});
        if let Value::Array(list) = all.entry(key).or_insert_with(|| json!([])) {
            list.push(binding);
        }
    }
    Value::Object(all)
}

fn binds(specification: &Specification) -> Vec<String> {
    let volumes = specification.volumes.iter();
    volumes
        .map(|volume| {
            let mode = if volume.read_only { ":ro" } else { "" };
            format!("{}:{}{mode}", volume.name, volume.path)
        })
        .collect()
}

fn healthcheck(health: &Health) -> Value {
    let test = match &health.probe {
        Probe::Command(words) => [&["CMD".to_owned()], words.as_slice()].concat(),
        Probe::Shell(line) => vec!["CMD-SHELL".to_owned(), line.clone()],
        Probe::Http { port, path } => vec!["HTTP".to_owned(), format!(":{port}{path}")],
        Probe::Tcp { port } => vec!["TCP".to_owned(), format!(":{port}")],
    };
    json!({
        "Test": test,
        "Interval": health.interval,
        "Timeout": health.timeout,
        "StartPeriod": health.start_period,
        "Retries": health.retries,
    })
}

#[cfg(test)]
mod tests {
    use super::body;
    use sampan_provider::{Port, Protocol, Setting, Specification, Volume};
    use serde_json::json;

    #[test]
    fn everything_stands_where_the_engine_looks_for_it() {
        let specification = Specification {
            name: "web".to_owned(),
            environment: vec![("A".to_owned(), "b=c".to_owned())],
            command: Some(vec!["run".to_owned()]),
            ports: vec![
                Port { container: 80, published: Some(8080), protocol: Protocol::Tcp },
                Port { container: 53, published: Some(0), protocol: Protocol::Udp },
                Port { container: 9, published: None, protocol: Protocol::Tcp },
            ],
            volumes: vec![Volume { name: "data".to_owned(), path: "/data".to_owned(), read_only: true }],
            settings: vec![
                Setting { name: "HostConfig.CapAdd".to_owned(), value: json!(["NET_ADMIN"]) },
                Setting { name: "Config.Hostname".to_owned(), value: json!("here") },
                Setting { name: "HostConfig.Binds".to_owned(), value: json!(["/srv:/srv"]) },
                Setting { name: super::ADDRESSES.to_owned(), value: json!({"80/tcp": "127.0.0.1"}) },
            ],
            ..Specification::default()
        };
        let body = body(&specification, 2, 7);
        assert_eq!(body["Env"], json!(["A=b=c"]));
        assert_eq!(body["Cmd"], json!(["run"]));
        assert!(body.get("Entrypoint").is_none(), "the image's stays");
        assert_eq!(body["Hostname"], "here");
        assert_eq!(body["HostConfig"]["CapAdd"], json!(["NET_ADMIN"]));
        assert_eq!(body["HostConfig"]["Binds"], json!(["data:/data:ro", "/srv:/srv"]));
        assert_eq!(
            body["HostConfig"]["PortBindings"]["80/tcp"],
            json!([{"HostIp": "127.0.0.1", "HostPort": "8080"}])
        );
        assert_eq!(body["HostConfig"]["PortBindings"]["53/udp"], json!([{"HostIp": "", "HostPort": ""}]));
        assert_eq!(body["ExposedPorts"], json!({"80/tcp": {}, "53/udp": {}, "9/tcp": {}}));
        assert_eq!(
            (&body["Labels"]["sampan.service"], &body["Labels"]["sampan.service.number"]),
            (&json!("web"), &json!("2"))
        );
    }
}
