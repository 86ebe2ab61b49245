//! What Docker gives a container by default, for assembling a specification.

pub mod seccomp;

use oci_spec::runtime::{LinuxDeviceCgroup, Mount, Spec};
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The capabilities of a container that asks for none in particular.
pub const CAPABILITIES: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

/// Paths that are hidden in a container that is not privileged.
pub const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Paths that are read-only in a container that is not privileged.
pub const READONLY_PATHS: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The search path of an image that has none.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// All paths to be hidden on this host: [`MASKED_PATHS`] and the thermal counters of each processor, which tell
/// what neighbours do.
pub fn masked_paths() -> Vec<String> {
    let mut paths: Vec<String> = MASKED_PATHS.iter().map(ToString::to_string).collect();
    let processors = std::fs::read_dir("/sys/devices/system/cpu").into_iter().flatten().flatten();
    let mut counters: Vec<String> = processors
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix("cpu")?;
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            let path = entry.path().join("thermal_throttle");
            (is_number && path.exists()).then(|| path.to_string_lossy().into_owned())
        })
        .collect();
    counters.sort();
    paths.append(&mut counters);
    paths
}

/// The mounts of every container, with a shared memory of `shm_bytes`.
///
/// # Errors
/// None in practice: the list is fixed.
pub fn mounts(shm_bytes: u64) -> Result<Vec<Mount>> {
    parse(json!([
        { "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] },
        { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
          "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
        { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
          "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
        { "destination": "/sys", "type": "sysfs", "source": "sysfs",
          "options": ["nosuid", "noexec", "nodev", "ro"] },
        { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
          "options": ["ro", "nosuid", "noexec", "nodev"] },
        { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
          "options": ["nosuid", "noexec", "nodev"] },
        { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
          "options": ["nosuid", "noexec", "nodev", "mode=1777", format!("size={shm_bytes}")] },
    ]))
}

/// The rules on device nodes: all may be made, the usual ones may be used. The runtime adds what belongs to a
/// terminal by itself.
///
/// # Errors
/// None in practice: the list is fixed.
pub fn device_rules() -> Result<Vec<LinuxDeviceCgroup>> {
    let usual = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1)];
    let mut rules = vec![
        json!({ "allow": false, "access": "rwm" }),
        json!({ "allow": true, "type": "c", "access": "m" }),
        json!({ "allow": true, "type": "b", "access": "m" }),
    ];
    rules.extend(usual.map(|(major, minor)| {
        json!({ "allow": true, "type": "c", "major": major, "minor": minor, "access": "rwm" })
    }));
    parse(Value::from(rules))
}

/// A rule that allows everything, for a privileged container.
///
/// # Errors
/// None in practice: the list is fixed.
pub fn privileged_device_rules() -> Result<Vec<LinuxDeviceCgroup>> {
    parse(json!([{ "allow": true, "access": "rwm" }]))
}

/// The specification of a container that nobody asked anything special of: everything but what is run and where
/// its files are. It has all namespaces but that of users, and the default system call policy.
///
/// # Errors
/// None in practice: the values are fixed.
pub fn spec() -> Result<Spec> {
    let namespaces: Vec<Value> =
        ["mount", "network", "uts", "pid", "ipc", "cgroup"].map(|kind| json!({ "type": kind })).into();
    let mut spec: Spec = parse(json!({
        "ociVersion": "1.2.0",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": ["sh"],
            "env": [format!("PATH={PATH}")],
            "cwd": "/",
            "capabilities": {
                "bounding": CAPABILITIES, "effective": CAPABILITIES, "permitted": CAPABILITIES,
            },
        },
        "root": { "path": "rootfs" },
        "linux": {
            "namespaces": namespaces,
            "maskedPaths": masked_paths(),
            "readonlyPaths": READONLY_PATHS,
        },
    }))?;
    spec.set_mounts(Some(mounts(64 << 20)?));
    if let Some(linux) = spec.linux_mut() {
        let mut resources = oci_spec::runtime::LinuxResources::default();
        resources.set_devices(Some(device_rules()?));
        linux.set_resources(Some(resources));
        linux.set_seccomp(Some(seccomp::policy(CAPABILITIES)?));
    }
    Ok(spec)
}

/// A specification to start from: a shell on the terminal.
///
/// # Errors
/// None in practice: the values are fixed.
pub fn example_spec() -> Result<Spec> {
    let mut spec = spec()?;
    if let Some(process) = spec.process_mut() {
        process.set_terminal(Some(true));
    }
    spec.set_hostname(Some("sampan".into()));
    Ok(spec)
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Error::Invalid(format!("the defaults of containers have a defect: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{CompileContext, compile};
    use crate::plan::RootMount;

    #[test]
    fn the_default_specification_compiles() {
        let mut context = CompileContext::for_bundle("test", "/");
        context.root = RootMount::Bind { source: "/".into(), readonly: false };
        context.cgroup_parent = "docker".into();
        let plan = compile(&spec().unwrap(), &context).unwrap();
        assert_eq!(plan.cgroup.path, "docker/test");
        let sets = plan.process.capabilities.unwrap();
        assert_eq!((sets.inheritable, sets.ambient), (0, 0));
        assert_eq!(sets.bounding, 0xa804_25fb & sampan_sys::capability::bounding());
        assert!(plan.masked_paths.contains(&"/proc/kcore".to_owned()));
        assert!(plan.process.seccomp.is_some());
        assert_eq!(plan.devices.len(), 6);
    }
}
