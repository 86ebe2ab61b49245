//! What Kubernetes does not do as it was asked.

use crate::manifests::{has_plain_name, host, is_hostname, numbers};
use crate::settings::Settings;
use sampan_provider::{Capabilities, Loss, Setting, Specification, losses_of};
use serde_json::Value;

/// What it can do.
pub(crate) const ABLE: Capabilities = Capabilities {
    udp: true,
    sctp: true,
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
    rolls_back: false,
    exec: false,
    // What a 32-bit number of seconds holds would be more; nobody waits longer than a day.
    longest_stop_timeout: 86_400,
};

/// Settings that the manifests have, whatever their value.
const KEPT: [&str; 16] = [
    "Config.Tty",
    "Config.OpenStdin",
    "HostConfig.CapAdd",
    "HostConfig.CapDrop",
    "HostConfig.Privileged",
    "HostConfig.ReadonlyRootfs",
    "HostConfig.Tmpfs",
    "HostConfig.ShmSize",
    "HostConfig.DnsSearch",
    "HostConfig.DnsOptions",
    "HostConfig.MemoryReservation",
    "HostConfig.PidMode",
    "NetworkSettings.Networks",
    "HostConfig.Dns",
    "HostConfig.GroupAdd",
    "HostConfig.ExtraHosts",
];
/// Settings without which it cannot be what it is.
const FATAL: [&str; 4] =
    ["HostConfig.Devices", "HostConfig.DeviceRequests", "HostConfig.Binds", "HostConfig.VolumesFrom"];
/// Kernel settings that nodes take without being told to.
const SAFE_SYSCTLS: [&str; 6] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
];

/// All of them.
pub(crate) fn of(specification: &Specification, settings: &Settings) -> Vec<Loss> {
    let mut losses = losses_of(specification, &ABLE);
    ports(specification, settings, &mut losses);
    volumes(specification, settings, &mut losses);
    process(specification, &mut losses);
    for key in specification.labels.keys().filter(|key| !crate::names::is_annotation(key)) {
        losses.push(Loss::cosmetic("Config.Labels", key, ""));
    }
    for setting in &specification.settings {
        losses.extend(elements(setting));
        losses.extend(whole(setting));
    }
    losses
}

fn ports(specification: &Specification, settings: &Settings, losses: &mut Vec<Loss>) {
    for port in specification.published() {
        let outside = port.published.unwrap_or_default();
        let becomes = match settings.expose {
            "NodePort" if outside == 0 || crate::manifests::NODE_PORTS.contains(&outside) => continue,
            "NodePort" => "a port between 30000 and 32767 of every node, which the cluster chooses",
            "ClusterIP" => "reached inside the cluster only",
            _ if outside == 0 => "the port inside",
            _ => continue,
        };
        losses.push(Loss::behaviour("HostConfig.PortBindings", port.to_string(), becomes));
    }
}

fn volumes(specification: &Specification, settings: &Settings, losses: &mut Vec<Loss>) {
    for volume in &specification.volumes {
        let asked = format!("{}:{}", volume.name, volume.path);
        losses.push(Loss::behaviour("Mounts", &asked, "empty at first, even where the image has files"));
        if specification.replicas > 1 && settings.is_one_writer() && !volume.read_only {
            let becomes = "of one node, on which all replicas have to be: give the target `-o access-mode=ReadWriteMany` \
                where its storage has it";
            losses.push(Loss::behaviour("Mounts", asked, becomes));
        }
    }
}

fn process(specification: &Specification, losses: &mut Vec<Loss>) {
    if matches!(specification.restart.as_str(), "no" | "on-failure") {
        losses.push(Loss::behaviour("HostConfig.RestartPolicy", &specification.restart, "always"));
    }
    if !matches!(specification.stop_signal.as_str(), "" | "SIGTERM" | "TERM" | "15") {
        losses.push(Loss::behaviour(
            "Config.StopSignal",
            &specification.stop_signal,
            "the image's, or SIGTERM",
        ));
    }
    let (user, group) = specification.user.split_once(':').unwrap_or((&specification.user, ""));
    let known = numbers(&specification.user);
    if (known.0.is_none() && !user.is_empty()) || (known.1.is_none() && !group.is_empty()) {
        losses.push(Loss::behaviour("Config.User", &specification.user, "the image's: give it as numbers"));
    }
    if !specification.nano_cpus.is_multiple_of(1_000_000) {
        let becomes = crate::quantity::cpus(specification.nano_cpus);
        losses.push(Loss::cosmetic("HostConfig.NanoCpus", specification.nano_cpus.to_string(), becomes));
    }
    for (name, _) in specification.environment.iter().filter(|(name, _)| !has_plain_name(name)) {
        losses.push(Loss::behaviour("Config.Env", name, "refused by clusters before 1.34"));
    }
    if let Some(health) = &specification.health
        && [health.interval, health.timeout].iter().any(|time| !time.is_multiple_of(1_000_000_000))
    {
        losses.push(Loss::cosmetic("Config.Healthcheck", "parts of seconds", "whole seconds, rounded up"));
    }
}

/// Parts of a setting that are lost while the rest is there.
fn elements(setting: &Setting) -> Vec<Loss> {
    let name = setting.name.as_str();
    let texts = || setting.value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let lost = |text: &str, becomes: &str| Loss::behaviour(name, text, becomes);
    match name {
        "HostConfig.GroupAdd" => {
            let names = texts().filter(|group| group.parse::<i64>().is_err());
            names.map(|group| lost(group, "nothing: give it as a number")).collect()
        }
        "HostConfig.ExtraHosts" => {
            texts().filter(|text| host(text).is_none()).map(|text| lost(text, "")).collect()
        }
        "HostConfig.Dns" => {
            let all: Vec<&str> = texts().skip(3).collect();
            all.into_iter()
                .map(|server| lost(server, "nothing: a pod has three name servers at most"))
                .collect()
        }
        "HostConfig.SecurityOpt" => {
            let known = ["no-new-privileges", "seccomp=unconfined", "seccomp:unconfined"];
            let lacking = texts().filter(|text| !known.iter().any(|known| text.starts_with(known)));
            lacking.map(|text| lost(text, "the cluster's own")).collect()
        }
        "HostConfig.Sysctls" => {
            let names = setting.value.as_object().into_iter().flat_map(|all| all.keys());
            let unsafe_ones = names.filter(|name| !SAFE_SYSCTLS.contains(&name.as_str()));
            unsafe_ones.map(|name| lost(name, "refused by nodes that were not told to allow it")).collect()
        }
        _ => Vec::new(),
    }
}

/// A setting that is lost as a whole.
fn whole(setting: &Setting) -> Option<Loss> {
    let (name, value) = (setting.name.as_str(), &setting.value);
    let asked = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match name {
        "HostConfig.NetworkMode" if asked == "none" => {
            Some(Loss::behaviour(name, asked, "the cluster's network"))
        }
        "HostConfig.NetworkMode" if asked == "host" => {
            Some(Loss::behaviour(name, asked, "the network of the node that it is on"))
        }
        "HostConfig.NetworkMode" => Some(Loss::cosmetic(name, asked, "the namespace's network")),
        "HostConfig.PortBindings.HostIp" => {
            Some(Loss::behaviour(name, asked, "every address of the service"))
        }
        "Config.Hostname" if is_hostname(&asked) => None,
        "Config.Hostname" => Some(Loss::behaviour(name, asked, "the pod's name")),
        "HostConfig.Init" if *value == Value::Bool(true) => {
            Some(Loss::behaviour(name, asked, "nothing: the program is process 1"))
        }
        "HostConfig.Init" | "HostConfig.SecurityOpt" | "HostConfig.Sysctls" => None,
        _ if KEPT.contains(&name) => None,
        _ if FATAL.contains(&name) => Some(Loss::fatal(name, asked, "")),
        _ => Some(Loss::behaviour(name, asked, "")),
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::settings::Settings;
    use sampan_provider::{Port, Protocol, Setting, Severity, Specification};
    use serde_json::json;

    #[test]
    fn each_setting_has_its_severity() {
        for (name, value, severity) in [
            ("HostConfig.Binds", json!(["/srv:/srv"]), Some(Severity::Fatal)),
            ("HostConfig.Devices", json!([{}]), Some(Severity::Fatal)),
            ("HostConfig.Privileged", json!(true), None),
            ("HostConfig.NetworkMode", json!("none"), Some(Severity::Behaviour)),
            ("HostConfig.NetworkMode", json!("shop"), Some(Severity::Cosmetic)),
            ("HostConfig.ExtraHosts", json!(["db:10.0.0.1"]), None),
            ("HostConfig.ExtraHosts", json!(["db:host-gateway"]), Some(Severity::Behaviour)),
            ("HostConfig.Sysctls", json!({"net.ipv4.tcp_syncookies": "1"}), None),
            ("HostConfig.Sysctls", json!({"kernel.msgmax": "1"}), Some(Severity::Behaviour)),
            ("HostConfig.SecurityOpt", json!(["no-new-privileges"]), None),
            ("HostConfig.SecurityOpt", json!(["apparmor=mine"]), Some(Severity::Behaviour)),
            ("HostConfig.GroupAdd", json!(["audio"]), Some(Severity::Behaviour)),
            ("Config.Hostname", json!("web"), None),
            ("Config.Hostname", json!("Web.Shop"), Some(Severity::Behaviour)),
            ("HostConfig.PidsLimit", json!(100), Some(Severity::Behaviour)),
        ] {
            let settings = vec![Setting { name: name.to_owned(), value }];
            let losses = of(&Specification { settings, ..Specification::default() }, &Settings::default());
            assert_eq!(losses.first().map(|loss| loss.severity), severity, "{name}: {losses:?}");
        }
    }

    #[test]
    fn a_port_of_every_node_is_in_its_range() {
        let port = |published| Port { container: 80, published: Some(published), protocol: Protocol::Tcp };
        let settings = Settings { expose: "NodePort", ..Settings::default() };
        let losses = |published| {
            of(&Specification { ports: vec![port(published)], ..Specification::default() }, &settings)
        };
        assert_eq!((losses(8080).len(), losses(30_080).len()), (1, 0));
    }

    #[test]
    fn values_are_never_shown() {
        let environment = vec![("A PASSWORD".to_owned(), "hunter2".to_owned())];
        let losses = of(&Specification { environment, ..Specification::default() }, &Settings::default());
        assert_eq!(losses.len(), 1);
        assert!(!format!("{losses:?}").contains("hunter2"));
    }
}
