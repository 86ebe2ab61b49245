//! What ECS on Fargate cannot do as asked.

use super::{grid, ports};
use sampan_provider::{Capabilities, Loss, Probe, Setting, Specification, losses_of};
use serde_json::Value;

/// What it can do.
pub(super) const ABLE: Capabilities = Capabilities {
    udp: true,
    sctp: false,
    several_ports: true,
    remapped_ports: true,
    command_probes: true,
    network_probes: true,
    volumes: true,
    seeds: false,
    shared_volumes: true,
    balanced_ports: true,
    scale_to_zero: true,
    autoscale: true,
    rolling: true,
    rolls_back: true,
    exec: false,
    longest_stop_timeout: 120,
};

/// Settings that the task definition has, whatever their value.
const KEPT: [&str; 6] = [
    "HostConfig.Init",
    "HostConfig.ReadonlyRootfs",
    "HostConfig.CapDrop",
    "Config.Tty",
    "Config.OpenStdin",
    "HostConfig.Tmpfs",
];
/// Settings without which it cannot be what it is.
const FATAL: [&str; 5] = [
    "HostConfig.Privileged",
    "HostConfig.Devices",
    "HostConfig.DeviceRequests",
    "HostConfig.Binds",
    "HostConfig.VolumesFrom",
];

/// All of them.
pub(super) fn of(specification: &Specification) -> Vec<Loss> {
    let mut losses = losses_of(specification, &ABLE);
    size(specification, &mut losses);
    losses.extend(ports::losses(specification));
    if let Some(health) = &specification.health
        && matches!(health.probe, Probe::Http { .. } | Probe::Tcp { .. })
        && specification.published().next().is_none()
    {
        losses.push(Loss::behaviour("Config.Healthcheck", health.probe.to_string(), "whether it runs"));
    }
    for (name, _) in &specification.environment {
        let upper = name.to_uppercase();
        if ["PASSWORD", "SECRET", "TOKEN", "KEY"].iter().any(|word| upper.contains(word)) {
            losses.push(Loss::cosmetic("Config.Env", name, "readable by who may read task definitions"));
        }
    }
    for volume in &specification.volumes {
        let asked = format!("{}:{}", volume.name, volume.path);
        losses.push(Loss::behaviour("Mounts", asked, "empty at first, even where the image has files"));
    }
    if matches!(specification.restart.as_str(), "no" | "on-failure") {
        losses.push(Loss::behaviour("HostConfig.RestartPolicy", &specification.restart, "always"));
    }
    if !matches!(specification.stop_signal.as_str(), "" | "SIGTERM" | "15") {
        losses.push(Loss::behaviour(
            "Config.StopSignal",
            &specification.stop_signal,
            "the image's, or SIGTERM",
        ));
    }
    losses.extend(specification.settings.iter().filter_map(setting));
    losses
}

fn size(specification: &Specification, losses: &mut Vec<Loss>) {
    let (cpus, memory) = (specification.nano_cpus, specification.memory);
    let asked = format!("{} thousandths of a CPU, {} MiB", cpus / 1_000_000, memory >> 20);
    let Some((cpu, mib)) = grid::size(cpus, memory) else {
        losses.push(Loss::fatal("HostConfig.NanoCpus", asked, "16 CPUs and 120 GiB at most"));
        return;
    };
    let cpu = format!("{} thousandths of a CPU", cpu * 1000 / 1024);
    if cpus == 0 {
        losses.push(Loss::behaviour("HostConfig.NanoCpus", "no limit", cpu));
    } else if cpus != cpu_nanos(specification) {
        losses.push(Loss::cosmetic("HostConfig.NanoCpus", format!("{} thousandths", cpus / 1_000_000), cpu));
    }
    if memory == 0 {
        losses.push(Loss::behaviour("HostConfig.Memory", "no limit", format!("{mib} MiB")));
    }
}

fn cpu_nanos(specification: &Specification) -> u64 {
    let (cpu, _) = grid::size(specification.nano_cpus, specification.memory).unwrap_or_default();
    cpu * 1_000_000_000 / 1024
}

fn setting(setting: &Setting) -> Option<Loss> {
    let (name, value) = (setting.name.as_str(), &setting.value);
    let asked = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match name {
        "HostConfig.NetworkMode" => match asked.as_str() {
            "" | "default" | "bridge" => None,
            "host" => Some(Loss::fatal(name, asked, "")),
            other if other.starts_with("container:") => Some(Loss::fatal(name, asked, "")),
            _ => Some(Loss::behaviour(name, asked, "a network of its own")),
        },
        "HostConfig.CapAdd" => {
            let lost: Vec<String> = list(value).into_iter().filter(|name| name != "SYS_PTRACE").collect();
            (!lost.is_empty()).then(|| Loss::behaviour(name, lost.join(" "), ""))
        }
        "HostConfig.Ulimits" => {
            let all = value.as_array().into_iter().flatten().filter_map(|one| one["Name"].as_str());
            let lost: Vec<&str> = all.filter(|name| *name != "nofile").collect();
            (!lost.is_empty()).then(|| Loss::behaviour(name, lost.join(" "), "Fargate's own"))
        }
        "HostConfig.Tmpfs" => Some(Loss::cosmetic(name, asked, "an empty folder on disk")),
        _ if KEPT.contains(&name) => None,
        _ if FATAL.contains(&name) => Some(Loss::fatal(name, asked, "")),
        _ => Some(Loss::behaviour(name, asked, "")),
    }
}

/// Names of capabilities, without `CAP_`.
pub(super) fn list(value: &Value) -> Vec<String> {
    let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| name.to_uppercase().trim_start_matches("CAP_").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::of;
    use sampan_provider::{Setting, Severity, Specification};
    use serde_json::json;

    #[test]
    fn each_setting_has_its_severity() {
        for (name, value, severity) in [
            ("HostConfig.Privileged", json!(true), Some(Severity::Fatal)),
            ("HostConfig.Binds", json!(["/srv:/srv"]), Some(Severity::Fatal)),
            ("HostConfig.NetworkMode", json!("host"), Some(Severity::Fatal)),
            ("HostConfig.NetworkMode", json!("bridge"), None),
            ("Config.Hostname", json!("web"), Some(Severity::Behaviour)),
            ("HostConfig.ShmSize", json!(1), Some(Severity::Behaviour)),
            ("HostConfig.CapAdd", json!(["CAP_SYS_PTRACE"]), None),
            ("HostConfig.CapAdd", json!(["NET_ADMIN"]), Some(Severity::Behaviour)),
            ("HostConfig.Init", json!(true), None),
        ] {
            let settings = vec![Setting { name: name.to_owned(), value }];
            let losses = of(&Specification {
                settings,
                nano_cpus: 250_000_000,
                memory: 1 << 29,
                ..Specification::default()
            });
            assert_eq!(losses.first().map(|loss| loss.severity), severity, "{name}: {losses:?}");
        }
    }

    #[test]
    fn secrets_are_named_and_not_shown() {
        let environment = vec![("DB_PASSWORD".to_owned(), "hunter2".to_owned())];
        let losses = of(&Specification { environment, ..Specification::default() });
        assert!(losses.iter().any(|loss| loss.asked == "DB_PASSWORD"));
        assert!(!format!("{losses:?}").contains("hunter2"));
    }
}
