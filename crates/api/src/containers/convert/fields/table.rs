//! The fields as API 1.51 publishes them, with their fates, and the tests that no type forgets one.

use super::{Fate, Table};
use crate::containers::wire;
use crate::http::json;

const CONFIG: Table = &[
    ("Hostname", Fate::Honoured),
    ("Domainname", Fate::Honoured),
    ("User", Fate::Honoured),
    ("AttachStdin", Fate::Honoured),
    ("AttachStdout", Fate::Honoured),
    ("AttachStderr", Fate::Honoured),
    ("ExposedPorts", Fate::Honoured),
    ("Tty", Fate::Honoured),
    ("OpenStdin", Fate::Honoured),
    ("StdinOnce", Fate::Honoured),
    ("Env", Fate::Honoured),
    ("Cmd", Fate::Honoured),
    ("Healthcheck", Fate::Honoured),
    ("ArgsEscaped", Fate::Kept),
    ("Image", Fate::Honoured),
    ("Volumes", Fate::Honoured),
    ("WorkingDir", Fate::Honoured),
    ("Entrypoint", Fate::Honoured),
    ("NetworkDisabled", Fate::Honoured),
    ("MacAddress", Fate::Honoured),
    ("OnBuild", Fate::Honoured),
    ("Labels", Fate::Honoured),
    ("StopSignal", Fate::Honoured),
    ("StopTimeout", Fate::Honoured),
    ("Shell", Fate::Honoured),
];

const HOST: Table = &[
    ("CpuShares", Fate::Honoured),
    ("Memory", Fate::Honoured),
    ("CgroupParent", Fate::Honoured),
    ("BlkioWeight", Fate::Honoured),
    ("BlkioWeightDevice", Fate::Honoured),
    ("BlkioDeviceReadBps", Fate::Honoured),
    ("BlkioDeviceWriteBps", Fate::Honoured),
    ("BlkioDeviceReadIOps", Fate::Honoured),
    ("BlkioDeviceWriteIOps", Fate::Honoured),
    ("CpuPeriod", Fate::Honoured),
    ("CpuQuota", Fate::Honoured),
    ("CpuRealtimePeriod", Fate::Honoured),
    ("CpuRealtimeRuntime", Fate::Honoured),
    ("CpusetCpus", Fate::Honoured),
    ("CpusetMems", Fate::Honoured),
    ("Devices", Fate::Honoured),
    ("DeviceCgroupRules", Fate::Honoured),
    ("DeviceRequests", Fate::Honoured),
    ("KernelMemoryTCP", Fate::Refused),
    ("MemoryReservation", Fate::Honoured),
    ("MemorySwap", Fate::Honoured),
    ("MemorySwappiness", Fate::Honoured),
    ("NanoCpus", Fate::Honoured),
    ("OomKillDisable", Fate::Honoured),
    ("Init", Fate::Honoured),
    ("PidsLimit", Fate::Honoured),
    ("Ulimits", Fate::Honoured),
    ("CpuCount", Fate::Refused),
    ("CpuPercent", Fate::Refused),
    ("IOMaximumIOps", Fate::Refused),
    ("IOMaximumBandwidth", Fate::Refused),
    ("Binds", Fate::Honoured),
    ("ContainerIDFile", Fate::Kept),
    ("LogConfig", Fate::Honoured),
    ("NetworkMode", Fate::Honoured),
    ("PortBindings", Fate::Honoured),
    ("RestartPolicy", Fate::Honoured),
    ("AutoRemove", Fate::Honoured),
    ("VolumeDriver", Fate::Honoured),
    ("VolumesFrom", Fate::Honoured),
    ("Mounts", Fate::Honoured),
    ("ConsoleSize", Fate::Honoured),
    ("Annotations", Fate::Honoured),
    ("CapAdd", Fate::Honoured),
    ("CapDrop", Fate::Honoured),
    ("CgroupnsMode", Fate::Honoured),
    ("Dns", Fate::Honoured),
    ("DnsOptions", Fate::Honoured),
    ("DnsSearch", Fate::Honoured),
    ("ExtraHosts", Fate::Honoured),
    ("GroupAdd", Fate::Honoured),
    ("IpcMode", Fate::Honoured),
    ("Cgroup", Fate::Refused),
    ("Links", Fate::Honoured),
    ("OomScoreAdj", Fate::Honoured),
    ("PidMode", Fate::Honoured),
    ("Privileged", Fate::Honoured),
    ("PublishAllPorts", Fate::Honoured),
    ("ReadonlyRootfs", Fate::Honoured),
    ("SecurityOpt", Fate::Honoured),
    ("StorageOpt", Fate::Honoured),
    ("Tmpfs", Fate::Honoured),
    ("UTSMode", Fate::Honoured),
    ("UsernsMode", Fate::Honoured),
    ("ShmSize", Fate::Honoured),
    ("Sysctls", Fate::Honoured),
    ("Runtime", Fate::Honoured),
    ("Isolation", Fate::Refused),
    ("MaskedPaths", Fate::Honoured),
    ("ReadonlyPaths", Fate::Honoured),
];

const NETWORKING: Table = &[("EndpointsConfig", Fate::Honoured)];

const ENDPOINT: Table = &[
    ("IPAMConfig", Fate::Honoured),
    ("Links", Fate::Honoured),
    ("MacAddress", Fate::Honoured),
    ("Aliases", Fate::Honoured),
    ("DriverOpts", Fate::Honoured),
    ("GwPriority", Fate::Honoured),
    ("NetworkID", Fate::Output),
    ("EndpointID", Fate::Output),
    ("Gateway", Fate::Output),
    ("IPAddress", Fate::Output),
    ("IPPrefixLen", Fate::Output),
    ("IPv6Gateway", Fate::Output),
    ("GlobalIPv6Address", Fate::Output),
    ("GlobalIPv6PrefixLen", Fate::Output),
    ("DNSNames", Fate::Output),
];

const IPAM: Table =
    &[("IPv4Address", Fate::Honoured), ("IPv6Address", Fate::Honoured), ("LinkLocalIPs", Fate::Honoured)];

const HEALTH: Table = &[
    ("Test", Fate::Honoured),
    ("Interval", Fate::Honoured),
    ("Timeout", Fate::Honoured),
    ("Retries", Fate::Honoured),
    ("StartPeriod", Fate::Honoured),
    ("StartInterval", Fate::Honoured),
];

const MOUNT: Table = &[
    ("Target", Fate::Honoured),
    ("Source", Fate::Honoured),
    ("Type", Fate::Honoured),
    ("ReadOnly", Fate::Honoured),
    ("Consistency", Fate::Kept),
    ("BindOptions", Fate::Honoured),
    ("VolumeOptions", Fate::Honoured),
    ("ImageOptions", Fate::Honoured),
    ("TmpfsOptions", Fate::Honoured),
];

const BIND_OPTIONS: Table = &[
    ("Propagation", Fate::Honoured),
    ("NonRecursive", Fate::Honoured),
    ("CreateMountpoint", Fate::Honoured),
    ("ReadOnlyNonRecursive", Fate::Honoured),
    ("ReadOnlyForceRecursive", Fate::Honoured),
];

const VOLUME_OPTIONS: Table = &[
    ("NoCopy", Fate::Honoured),
    ("Labels", Fate::Honoured),
    ("DriverConfig", Fate::Honoured),
    ("Subpath", Fate::Honoured),
];

const IMAGE_OPTIONS: Table = &[("Subpath", Fate::Honoured)];

const TMPFS_OPTIONS: Table =
    &[("SizeBytes", Fate::Honoured), ("Mode", Fate::Honoured), ("Options", Fate::Honoured)];

const DRIVER: Table = &[("Name", Fate::Honoured), ("Options", Fate::Honoured)];

const DEVICE_REQUEST: Table = &[
    ("Driver", Fate::Honoured),
    ("Count", Fate::Honoured),
    ("DeviceIDs", Fate::Honoured),
    ("Capabilities", Fate::Honoured),
    ("Options", Fate::Honoured),
];

const DEVICE: Table = &[
    ("PathOnHost", Fate::Honoured),
    ("PathInContainer", Fate::Honoured),
    ("CgroupPermissions", Fate::Honoured),
];

const THROTTLE: Table = &[("Path", Fate::Honoured), ("Rate", Fate::Honoured)];

const RESTART: Table = &[("Name", Fate::Honoured), ("MaximumRetryCount", Fate::Honoured)];

const BINDING: Table = &[("HostIp", Fate::Honoured), ("HostPort", Fate::Honoured)];

const ULIMIT: Table = &[("Name", Fate::Honoured), ("Soft", Fate::Honoured), ("Hard", Fate::Honoured)];

const WEIGHT: Table = &[("Path", Fate::Honoured), ("Weight", Fate::Honoured)];

const LOG: Table = &[("Type", Fate::Honoured), ("Config", Fate::Honoured)];

/// Fields that a type reads although API 1.51 no longer has them, so that they can be refused by name.
const BEYOND: [&str; 2] = ["Capabilities", "ClusterOptions"];

fn check(what: &str, read: &[&str], table: Table) {
    for (name, fate) in table {
        assert!(read.contains(name), "{what}.{name} ({fate:?}) is in the published list and not read");
    }
    for name in read.iter().filter(|name| !BEYOND.contains(name)) {
        assert!(table.iter().any(|(known, _)| known == name), "{what}.{name} is read and not published");
    }
}

#[test]
fn every_published_field_of_a_create_body_is_read() {
    check("ContainerConfig", json::names::<wire::Config>(), CONFIG);
    check("HostConfig", json::names::<wire::HostConfig>(), HOST);
    check("NetworkingConfig", json::names::<wire::NetworkingConfig>(), NETWORKING);
    check("EndpointSettings", json::names::<wire::Endpoint>(), ENDPOINT);
    check("EndpointIPAMConfig", json::names::<wire::IpamConfig>(), IPAM);
    check("HealthConfig", json::names::<wire::Health>(), HEALTH);
    check("Mount", json::names::<wire::Mount>(), MOUNT);
    check("BindOptions", json::names::<wire::BindOptions>(), BIND_OPTIONS);
    check("VolumeOptions", json::names::<wire::VolumeOptions>(), VOLUME_OPTIONS);
    check("ImageOptions", json::names::<wire::ImageOptions>(), IMAGE_OPTIONS);
    check("TmpfsOptions", json::names::<wire::TmpfsOptions>(), TMPFS_OPTIONS);
    check("DriverConfig", json::names::<wire::MountDriver>(), DRIVER);
    check("DeviceRequest", json::names::<wire::DeviceRequest>(), DEVICE_REQUEST);
    check("DeviceMapping", json::names::<wire::Device>(), DEVICE);
    check("ThrottleDevice", json::names::<wire::Throttle>(), THROTTLE);
    check("RestartPolicy", json::names::<wire::RestartPolicy>(), RESTART);
    check("PortBinding", json::names::<wire::PortBinding>(), BINDING);
    check("Ulimit", json::names::<wire::Ulimit>(), ULIMIT);
    check("WeightDevice", json::names::<wire::Weight>(), WEIGHT);
    check("LogConfig", json::names::<wire::LogConfig>(), LOG);
}

/// A create body with this one field of the host's part.
fn answer(host: serde_json::Value) -> Result<sampan_engine::spec::ContainerSpec, String> {
    let body = json::from_value(serde_json::json!({"Image": "i", "HostConfig": host}));
    let spec = super::super::spec(body.map_err(|error| error.to_string())?, None, crate::http::Version(51));
    spec.map(|(spec, _)| spec).map_err(|error| error.to_string())
}

#[test]
fn each_field_that_is_refused_is_refused_by_its_name() {
    for (name, fate) in HOST.iter().filter(|(_, fate)| *fate == Fate::Refused) {
        let value = match *name {
            "Cgroup" => serde_json::json!("container:x"),
            "Isolation" => serde_json::json!("hyperv"),
            _ => serde_json::json!(5),
        };
        let refusal = answer(serde_json::json!({ *name: value })).expect_err(name);
        let named = refusal.contains(name) || (*name == "Isolation" && refusal.contains("isolation"));
        assert!(named, "{name} {fate:?}: {refusal}");
        let default = match *name {
            "Cgroup" | "Isolation" => serde_json::json!(""),
            _ => serde_json::json!(0),
        };
        assert!(answer(serde_json::json!({ *name: default })).is_ok(), "{name}");
    }
}
