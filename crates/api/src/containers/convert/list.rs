//! A row of the list of containers.

use super::{endpoint, inspect, shown};
use crate::containers::wire::{Port, Summary, SummaryHost, SummaryNetworks};
use crate::http::time::{SECOND, spoken};
use sampan_engine::containers::{ContainerRecord, HealthStatus, PublishedPort, Status};

/// A row. `now` is in nanoseconds since 1970.
pub(crate) fn summary(record: &ContainerRecord, sizes: Option<(u64, u64)>, now: i64) -> Summary {
    let networks =
        record.endpoints.iter().map(|(name, record)| (name.clone(), endpoint::settings(record))).collect();
    Summary {
        id: record.id.clone(),
        names: vec![format!("/{}", record.name)],
        image: record.spec.image.clone(),
        image_id: record.image_id.clone(),
        command: command(record),
        created: record.created / SECOND,
        ports: ports(record),
        size_rw: sizes.map(|sizes| sizes.0).filter(|size| *size > 0),
        size_root_fs: sizes.map(|sizes| sizes.1),
        labels: record.resolved.labels.clone(),
        state: record.state.status.as_str(),
        status: status(record, now),
        host_config: SummaryHost {
            network_mode: shown::network_mode(&record.spec.host),
            annotations: record.spec.host.annotations.clone(),
        },
        network_settings: SummaryNetworks { networks },
        mounts: inspect::mounts(record),
    }
}

/// The command on one line; an argument with a space is quoted.
fn command(record: &ContainerRecord) -> String {
    let mut words = record.resolved.args.iter();
    let mut line = words.next().cloned().unwrap_or_default();
    for word in words {
        line.push(' ');
        if word.contains(' ') {
            line.push('\'');
            line.push_str(word);
            line.push('\'');
        } else {
            line.push_str(word);
        }
    }
    line
}

fn ports(record: &ContainerRecord) -> Vec<Port> {
    if !inspect::shows_ports(record) {
        return Vec::new();
    }
    let mut ports: Vec<Port> = record
        .published
        .iter()
        .map(|PublishedPort { container, host_ip, host_port, only_near }| Port {
            ip: Some(host_ip.to_string()),
            private_port: container.port,
            public_port: Some(*host_port),
            protocol: container.protocol.to_string(),
            reach: only_near.then_some("lan"),
        })
        .collect();
    let published = |port| record.published.iter().any(|it| it.container == port);
    let exposed = record.resolved.exposed_ports.iter().filter(|port| !published(**port));
    ports.extend(exposed.map(|port| Port {
        ip: None,
        private_port: port.port,
        public_port: None,
        protocol: port.protocol.to_string(),
        reach: None,
    }));
    ports
}

/// What `docker ps` shows under STATUS.
fn status(record: &ContainerRecord, now: i64) -> String {
    let state = &record.state;
    let since = |time: i64| spoken((now - time).max(0));
    match state.status {
        Status::Created => "Created".into(),
        Status::Running => {
            let health = match state.health.as_ref().map(|health| health.status) {
                None => "",
                Some(HealthStatus::Starting) => " (health: starting)",
                Some(HealthStatus::Healthy) => " (healthy)",
                Some(HealthStatus::Unhealthy) => " (unhealthy)",
            };
            format!("Up {}{health}", since(state.started))
        }
        Status::Paused => format!("Up {} (Paused)", since(state.started)),
        Status::Restarting => format!("Restarting ({}) {} ago", state.exit_code, since(state.finished)),
        Status::Removing => "Removal In Progress".into(),
        Status::Dead => "Dead".into(),
        Status::Exited => format!("Exited ({}) {} ago", state.exit_code, since(state.finished)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sampan_engine::containers::HealthState;
    use sampan_engine::spec::{NetworkMode, PortKey, PortProtocol};

    fn record(status: Status) -> ContainerRecord {
        let mut record = ContainerRecord { id: "a".repeat(64), name: "web".into(), ..Default::default() };
        record.state.status = status;
        record.state.started = 10 * SECOND;
        record.state.finished = 20 * SECOND;
        record.state.exit_code = 137;
        record
    }

    #[test]
    fn status_texts_are_dockers() {
        let text = |status| super::status(&record(status), 80 * SECOND);
        assert_eq!(text(Status::Created), "Created");
        assert_eq!(text(Status::Running), "Up About a minute");
        assert_eq!(text(Status::Paused), "Up About a minute (Paused)");
        assert_eq!(text(Status::Exited), "Exited (137) About a minute ago");
        assert_eq!(text(Status::Restarting), "Restarting (137) About a minute ago");
        assert_eq!(text(Status::Removing), "Removal In Progress");
        let mut ill = record(Status::Running);
        ill.state.health = Some(HealthState { status: HealthStatus::Unhealthy, ..Default::default() });
        assert_eq!(super::status(&ill, 12 * SECOND), "Up 2 seconds (unhealthy)");
    }

    #[test]
    fn report_20_ports_of_the_list_and_of_inspect() {
        let mut record = record(Status::Running);
        let key = |port| PortKey { port, protocol: PortProtocol::Tcp };
        record.resolved.exposed_ports = vec![key(80), key(443)];
        record.published = vec![PublishedPort {
            container: key(80),
            host_ip: [0, 0, 0, 0].into(),
            host_port: 8080,
            only_near: false,
        }];
        let rows = ports(&record);
        assert_eq!((rows[0].private_port, rows[0].public_port), (80, Some(8080)));
        assert_eq!((rows[1].private_port, rows[1].public_port), (443, None));
        let inspected =
            serde_json::to_value(inspect::inspect(&record, None, crate::http::Version(51))).expect("json");
        assert_eq!(inspected["NetworkSettings"]["Ports"]["443/tcp"], serde_json::Value::Null);
        assert_eq!(inspected["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"], "8080");
        assert_eq!(inspected["HostConfig"]["PortBindings"], serde_json::json!({}));

        record.spec.host.network_mode = NetworkMode::Host;
        assert!(ports(&record).is_empty());
        record.spec.host.network_mode = NetworkMode::Bridge;
        record.state.status = Status::Created;
        assert!(ports(&record).is_empty());
    }

    #[test]
    fn a_command_is_one_line() {
        let mut record = record(Status::Created);
        record.resolved.args = ["sh", "-c", "sleep 1"].map(String::from).to_vec();
        assert_eq!(command(&record), "sh -c 'sleep 1'");
    }
}
