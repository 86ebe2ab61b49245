//! What becomes of a create body, version by version.

use super::*;
use crate::http::json;
use sampan_engine::spec::{CgroupNamespace, HealthTest, IpcMode, MountKind, NetworkMode, RestartKind};
use serde_json::{Value, json};

fn convert(body: Value, version: u16) -> Result<(ContainerSpec, Vec<String>)> {
    spec(json::from_value(body)?, None, Version(version))
}

fn spec_of(body: Value, version: u16) -> ContainerSpec {
    convert(body, version).expect("a specification").0
}

fn refusal(body: Value, version: u16) -> String {
    convert(body, version).expect_err("refused").to_string()
}

#[test]
fn report_12_and_rule_13_the_default_network_is_the_bridge() {
    let body = json!({
        "HostConfig": {"NetworkMode": "default"},
        "NetworkingConfig": {"EndpointsConfig": {"default": {"Aliases": ["a"]}}}
    });
    let spec = spec_of(body, 51);
    assert_eq!(spec.host.network_mode, NetworkMode::Bridge);
    assert_eq!(spec.networks["bridge"].aliases, ["a"]);
    assert_eq!(spec_of(json!({}), 51).host.network_mode_text, "bridge");
    let joined = spec_of(json!({"HostConfig": {"NetworkMode": "container:web"}}), 51);
    assert_eq!(joined.host.network_mode, NetworkMode::Container("web".into()));
}

#[test]
fn rule_13_defaults_of_old_clients() {
    assert_eq!(spec_of(json!({}), 39).host.ipc, IpcMode::Shareable);
    assert_eq!(spec_of(json!({}), 40).host.ipc, IpcMode::Default);
    let old = spec_of(json!({}), 40).host.cgroup_namespace;
    let v2 = crate::containers::convert::version_rules::cgroup_v2();
    assert_eq!(old == CgroupNamespace::Host, !v2);
    assert_eq!(spec_of(json!({}), 41).host.cgroup_namespace, CgroupNamespace::Default);
    for limit in [0, -1] {
        assert_eq!(spec_of(json!({"HostConfig": {"PidsLimit": limit}}), 51).host.resources.pids_limit, None);
    }
    let (with, _) = spec(CreateBody::default(), Some("linux/arm64".into()), Version(41)).expect("fine");
    assert_eq!(with.platform.as_deref(), Some("linux/arm64"));
    let (without, _) = spec(CreateBody::default(), Some("linux/arm64".into()), Version(40)).expect("fine");
    assert_eq!(without.platform, None);
}

#[test]
fn rule_13_mounts_of_old_clients() {
    let body = json!({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": true,
        "BindOptions": {"CreateMountpoint": true, "NonRecursive": true}}]}});
    let bind = |version| match &spec_of(body.clone(), version).host.mounts[0].kind {
        MountKind::Bind(options) => options.clone(),
        other => panic!("{other:?}"),
    };
    assert!(!bind(41).create_mountpoint);
    assert!(bind(42).create_mountpoint);
    assert!(!bind(39).non_recursive);
    assert!(bind(43).read_only_non_recursive);
    assert!(!bind(44).read_only_non_recursive);
    let misplaced =
        json!({"HostConfig": {"Mounts": [{"Type": "tmpfs", "Target": "/b", "VolumeOptions": {}}]}});
    assert_eq!(refusal(misplaced.clone(), 42), "VolumeOptions must not be specified on mount type \"tmpfs\"");
    assert!(convert(misplaced, 41).is_ok());
    let subpath = json!({"HostConfig": {"Mounts": [{"Type": "volume", "Target": "/b", "VolumeOptions": {"Subpath": "x"}}]}});
    assert_eq!(refusal(subpath.clone(), 44), "VolumeOptions.Subpath needs API v1.45 or newer");
    assert!(convert(subpath, 45).is_ok());
    let image = json!({"HostConfig": {"Mounts": [{"Type": "image", "Source": "i", "Target": "/b"}]}});
    assert!(refusal(image.clone(), 47).contains("needs API v1.48"));
    assert!(convert(image, 48).is_ok());
}

#[test]
fn rule_13_networks_of_old_clients() {
    let body = json!({"NetworkingConfig": {"EndpointsConfig": {"a": {"GwPriority": 5}, "b": null}}});
    assert!(
        refusal(body.clone(), 43).starts_with("Container cannot be created with multiple network endpoints")
    );
    assert_eq!(spec_of(body.clone(), 47).networks["a"].gateway_priority, 0);
    assert_eq!(spec_of(body, 48).networks["a"].gateway_priority, 5);
    let health = json!({"Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 5_000_000}});
    assert_eq!(spec_of(health.clone(), 43).process.healthcheck.expect("a check").start_interval, 0);
    assert_eq!(spec_of(health, 44).process.healthcheck.expect("a check").start_interval, 5_000_000);
}

#[test]
fn rule_13_the_mac_address_of_the_container_goes_to_its_first_endpoint() {
    let body = json!({"MacAddress": "02:42:00:00:00:01"});
    for version in [43, 44, 51] {
        let (spec, warnings) = convert(body.clone(), version).expect("fine");
        assert_eq!(spec.networks["bridge"].mac_address.as_deref(), Some("02:42:00:00:00:01"));
        assert_eq!(warnings.len(), usize::from(version >= 44));
    }
    let both = json!({"MacAddress": "02:42:00:00:00:01",
        "NetworkingConfig": {"EndpointsConfig": {"bridge": {"MacAddress": "02:42:00:00:00:02"}}}});
    assert!(refusal(both.clone(), 44).contains("must match"));
    assert!(convert(both, 43).is_ok());
    assert!(
        refusal(json!({"MacAddress": "x", "HostConfig": {"NetworkMode": "host"}}), 51)
            .contains("mac-address")
    );
}

#[test]
fn report_13_what_composes_old_and_new_send() {
    let spec = spec_of(json!({"Entrypoint": [], "Cmd": "one word", "Healthcheck": {"Test": ["NONE"]}}), 51);
    assert_eq!(spec.process.entrypoint, Some(Vec::new()));
    assert_eq!(spec.process.cmd, Some(vec!["one word".into()]));
    assert_eq!(spec.process.healthcheck.expect("a check").test, HealthTest::None);
    let spec =
        spec_of(json!({"HostConfig": {"Binds": ["/a/:/data/:rw"], "RestartPolicy": {"Name": "always"}}}), 51);
    assert_eq!((spec.host.binds[0].source.as_str(), spec.host.binds[0].target.as_str()), ("/a", "/data"));
    assert_eq!(spec.host.restart.kind, RestartKind::Always);
    let ports =
        json!({"HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": ""}], "81/tcp": null}}});
    let spec = spec_of(ports, 51);
    assert_eq!(spec.host.port_bindings.len(), 2);
    assert!(spec.host.port_bindings.iter().all(|binding| binding.host_port.is_none()));
}

#[test]
fn bad_values_are_refused_and_named() {
    for (body, words) in [
        (json!({"HostConfig": {"Binds": ["relative:/a:ro:x"]}}), "invalid volume specification"),
        (json!({"HostConfig": {"Binds": ["/a:/"]}}), "destination can't be '/'"),
        (json!({"HostConfig": {"Binds": ["../up:/a"]}}), "invalid characters"),
        (json!({"HostConfig": {"IpcMode": "odd"}}), "invalid IPC mode"),
        (json!({"HostConfig": {"RestartPolicy": {"Name": "odd"}}}), "unknown policy 'odd'"),
        (json!({"HostConfig": {"Ulimits": [{"Name": "odd"}]}}), "invalid ulimit type: odd"),
        (
            json!({"HostConfig": {"Devices": [{"PathOnHost": "/dev/x", "CgroupPermissions": "q"}]}}),
            "device mode",
        ),
        (json!({"HostConfig": {"Mounts": [{"Type": "odd", "Target": "/a"}]}}), "mount type unknown"),
        (json!({"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/a", "Target": "a"}]}}), "absolute"),
        (json!({"HostConfig": {"PortBindings": {"x/tcp": []}}}), "invalid port specification"),
        (json!({"ExposedPorts": {"0/tcp": {}}}), "invalid port specification"),
        (json!({"Healthcheck": {"Test": ["ODD"]}}), "Unknown healthcheck type"),
        (
            json!({"NetworkingConfig": {"EndpointsConfig": {"a": {"IPAMConfig": {"IPv4Address": "x"}}}}}),
            "valid IP",
        ),
        (json!({"HostConfig": {"Capabilities": ["ALL"]}}), "Capabilities"),
        (json!({"Tty": "yes"}), "Tty"),
        (json!({"HostConfig": {"Memory": "1g"}}), "HostConfig.Memory"),
    ] {
        let text = refusal(body.clone(), 51);
        assert!(text.contains(words), "{body}: {text}");
    }
}

#[test]
fn every_field_of_the_host_that_is_honoured_changes_the_specification() {
    let plain = spec_of(json!({"HostConfig": {}}), 51);
    let words = json!(["x"]);
    let map = json!({"x": "y"});
    for name in json::names::<crate::containers::wire::HostConfig>() {
        let value = match *name {
            // Refused, each by a test of its own.
            "Isolation" | "Cgroup" | "KernelMemoryTCP" | "CpuCount" | "CpuPercent" | "IOMaximumIOps"
            | "IOMaximumBandwidth" | "Capabilities" => continue,
            "Binds" => json!(["/a:/b"]),
            "LogConfig" => json!({"Type": "none"}),
            "NetworkMode" | "PidMode" | "IpcMode" | "UTSMode" | "UsernsMode" | "CgroupnsMode" => {
                json!("host")
            }
            "PortBindings" => json!({"80": []}),
            "RestartPolicy" => json!({"Name": "always"}),
            "ConsoleSize" => json!([1, 2]),
            "Annotations" | "StorageOpt" | "Tmpfs" | "Sysctls" => map.clone(),
            "BlkioWeightDevice" => json!([{"Path": "/dev/a", "Weight": 10}]),
            "BlkioDeviceReadBps" | "BlkioDeviceWriteBps" | "BlkioDeviceReadIOps" | "BlkioDeviceWriteIOps" => {
                json!([{"Path": "/dev/a", "Rate": 10}])
            }
            "Devices" => json!([{"PathOnHost": "/dev/a"}]),
            "DeviceRequests" => json!([{"Count": -1}]),
            "Ulimits" => json!([{"Name": "nofile", "Hard": 1, "Soft": 1}]),
            "Mounts" => json!([{"Type": "tmpfs", "Target": "/t"}]),
            "ContainerIDFile" | "VolumeDriver" | "Runtime" | "CgroupParent" | "CpusetCpus" | "CpusetMems" => {
                json!("x")
            }
            "AutoRemove" | "Privileged" | "PublishAllPorts" | "ReadonlyRootfs" | "OomKillDisable"
            | "Init" => {
                json!(true)
            }
            "VolumesFrom" | "CapAdd" | "CapDrop" | "Dns" | "DnsOptions" | "DnsSearch" | "ExtraHosts"
            | "GroupAdd" | "Links" | "SecurityOpt" | "DeviceCgroupRules" | "MaskedPaths"
            | "ReadonlyPaths" => words.clone(),
            _ => json!(20),
        };
        let changed = spec_of(json!({"HostConfig": {*name: value}}), 51);
        assert_ne!(changed, plain, "{name} is read and changes nothing");
    }
}

#[test]
fn every_field_of_the_configuration_changes_the_specification() {
    let plain = spec_of(json!({}), 51);
    for name in json::names::<crate::containers::wire::Config>() {
        let value = match *name {
            "AttachStdin" | "AttachStdout" | "AttachStderr" | "Tty" | "OpenStdin" | "StdinOnce"
            | "ArgsEscaped" | "NetworkDisabled" => json!(true),
            "ExposedPorts" => json!({"80/tcp": {}}),
            "Volumes" => json!({"/data": {}}),
            "Env" | "Cmd" | "Entrypoint" | "OnBuild" | "Shell" => json!(["x"]),
            "Healthcheck" => json!({"Test": ["NONE"]}),
            "Labels" => json!({"a": "b"}),
            "StopTimeout" => json!(3),
            _ => json!("x"),
        };
        let changed = spec_of(json!({*name: value}), 51);
        assert_ne!(changed, plain, "{name} is read and changes nothing");
    }
}
