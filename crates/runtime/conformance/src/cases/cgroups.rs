//! config-linux.md: control groups.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{case, facts};
use crate::bench::Trial;
use crate::bundle::{ask, drop_field};
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const PATH: &str = "config-linux.md: Cgroups path";
const DEVICES: &str = "config-linux.md: Allowed device list";
const MEMORY: &str = "config-linux.md: Memory";
const CPU: &str = "config-linux.md: CPU";
const PIDS: &str = "config-linux.md: PIDs";
const BLOCK: &str = "config-linux.md: Block IO";

fn unified() -> bool {
    std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// The container's directory of a controller.
fn directory(trial: &Trial<'_>, controller: &str) -> PathBuf {
    let root = PathBuf::from("/sys/fs/cgroup");
    let root = if unified() { root } else { root.join(controller) };
    root.join(trial.cgroups.trim_start_matches('/'))
}

/// Reads a file of the container's cgroup; the names are (controller, v1, v2).
fn read(trial: &Trial<'_>, file: (&str, &str, &str)) -> Result<String, String> {
    let path = directory(trial, file.0).join(if unified() { file.2 } else { file.1 });
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

/// Creates a container with these resources and reads one value back.
fn value(trial: &Trial<'_>, resources: Value, file: (&str, &str, &str), v1: &str, v2: &str) -> Outcome {
    let mut spec = trial.spec();
    let own = spec["linux"]["resources"].as_object_mut();
    if let (Some(own), Value::Object(more)) = (own, resources) {
        own.extend(more);
    }
    trial.create(&spec)?;
    let wanted = if unified() { v2 } else { v1 };
    equal(file.1, &json!(read(trial, file)?), &json!(wanted))
}

fn limit(
    name: &str,
    section: &'static str,
    must: &str,
    check: fn(&Trial<'_>) -> Outcome,
    mutation: fn(&mut Value),
) -> Case {
    case(name, section, must, Check::Trial(check), Mutation::Edit(mutation))
}

fn no_memory(spec: &mut Value) {
    drop_field(spec, "/linux/resources", "memory");
}

fn no_cpu(spec: &mut Value) {
    drop_field(spec, "/linux/resources", "cpu");
}

#[expect(clippy::too_many_lines, reason = "a list, one entry after the other")]
fn limits() -> Vec<Case> {
    vec![
        limit(
            "memory-limit",
            MEMORY,
            "limit memory",
            |trial| {
                let file = ("memory", "memory.limit_in_bytes", "memory.max");
                value(trial, json!({ "memory": { "limit": 67_108_864 } }), file, "67108864", "67108864")
            },
            no_memory,
        ),
        limit(
            "memory-reservation",
            MEMORY,
            "set the soft limit of memory",
            |trial| {
                let file = ("memory", "memory.soft_limit_in_bytes", "memory.low");
                value(trial, json!({ "memory": { "reservation": 33_554_432 } }), file, "33554432", "33554432")
            },
            no_memory,
        ),
        limit(
            "memory-swap",
            MEMORY,
            "limit memory and swap together",
            |trial| {
                let file = ("memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
                let memory = json!({ "memory": { "limit": 67_108_864, "swap": 134_217_728 } });
                value(trial, memory, file, "134217728", "67108864")
            },
            no_memory,
        ),
        limit(
            "cpu-shares",
            CPU,
            "set the relative weight",
            |trial| {
                trial.create(&{
                    let mut spec = trial.spec();
                    spec["linux"]["resources"]["cpu"] = json!({ "shares": 512 });
                    spec
                })?;
                let found = read(trial, ("cpu", "cpu.shares", "cpu.weight"))?;
                // Two ways of turning shares into a weight are in use.
                let right =
                    if unified() { matches!(found.as_str(), "20" | "59" | "60") } else { found == "512" };
                require(right, || format!("the weight is {found}"))
            },
            no_cpu,
        ),
        limit(
            "cpu-quota",
            CPU,
            "limit the time per period",
            |trial| {
                let file = ("cpu", "cpu.cfs_quota_us", "cpu.max");
                let cpu = json!({ "cpu": { "quota": 40_000, "period": 80_000 } });
                value(trial, cpu, file, "40000", "40000 80000")
            },
            no_cpu,
        ),
        limit(
            "cpu-period",
            CPU,
            "set the length of the period",
            |trial| {
                let file = ("cpu", "cpu.cfs_period_us", "cpu.max");
                let cpu = json!({ "cpu": { "quota": 40_000, "period": 80_000 } });
                value(trial, cpu, file, "80000", "40000 80000")
            },
            no_cpu,
        ),
        limit(
            "cpu-set",
            CPU,
            "confine the container to processors",
            |trial| {
                let file = ("cpuset", "cpuset.cpus", "cpuset.cpus");
                value(trial, json!({ "cpu": { "cpus": "0" } }), file, "0", "0")
            },
            no_cpu,
        ),
        limit(
            "pids-limit",
            PIDS,
            "limit the number of processes",
            |trial| {
                let file = ("pids", "pids.max", "pids.max");
                value(trial, json!({ "pids": { "limit": 55 } }), file, "55", "55")
            },
            |spec| drop_field(spec, "/linux/resources", "pids"),
        ),
        limit(
            "block-io-throttle",
            BLOCK,
            "limit what is read from a block device",
            |trial| {
                // The device that holds the root file system of this machine, or the first there is.
                let device = block_device().ok_or("this machine has no block device")?;
                let (major, minor) = device.split_once(':').unwrap_or_default();
                let number = |text: &str| text.parse::<i64>().unwrap_or(0);
                let rate = json!([{ "major": number(major), "minor": number(minor), "rate": 1_048_576 }]);
                let mut spec = trial.spec();
                spec["linux"]["resources"]["blockIO"] = json!({ "throttleReadBpsDevice": rate });
                trial.create(&spec)?;
                let found = read(trial, ("blkio", "blkio.throttle.read_bps_device", "io.max"))?;
                require(found.contains(&device) && found.contains("1048576"), || {
                    format!("the limits are {found:?}")
                })
            },
            |spec| drop_field(spec, "/linux/resources", "blockIO"),
        ),
    ]
}

/// The numbers of a whole disk, as `major:minor`.
fn block_device() -> Option<String> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir("/sys/block").ok()?.flatten().map(|entry| entry.path()).collect();
    names.sort_by_key(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram"), name)
    });
    let text = std::fs::read_to_string(names.first()?.join("dev")).ok()?;
    Some(text.trim().to_owned())
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(
            "cgroups-path",
            PATH,
            "take an absolute path as relative to the mount point of the cgroups",
            Check::Trial(|trial| {
                trial.create(&trial.spec())?;
                let pid = trial.state()?["pid"].to_string();
                for controller in ["memory", "pids", "cpu"] {
                    let procs = read(trial, (controller, "cgroup.procs", "cgroup.procs"))?;
                    require(procs.lines().any(|line| line == pid), || {
                        format!("{pid} is not in the {controller} cgroup, {procs:?} are")
                    })?;
                }
                Ok(())
            }),
            Mutation::Edit(|spec| {
                let path = spec["linux"]["cgroupsPath"].as_str().unwrap_or_default().to_owned();
                spec["linux"]["cgroupsPath"] = json!(format!("{path}-other"));
            }),
        ),
        case(
            "cgroups-path-consistent",
            PATH,
            "attach to the same place for the same path",
            Check::Trial(|trial| {
                let mut seen = Vec::new();
                for _ in 0..2 {
                    let mut spec = trial.spec();
                    without_cgroup_namespace(&mut spec);
                    seen.push(trial.report(&spec)?["cgroups"].clone());
                }
                equal("the second place", &seen[1], &seen[0])?;
                let inside = seen[0].as_str().unwrap_or_default().contains(trial.cgroups.as_str());
                require(inside, || format!("the place is {}", seen[0]))
            }),
            Mutation::Edit(|spec| drop_field(spec, "/linux", "cgroupsPath")),
        ),
        facts(
            "devices-allowed-list",
            DEVICES,
            "apply the rules on devices in the listed order",
            |spec| {
                spec["linux"]["resources"]["devices"] = json!([
                    { "allow": false, "access": "rwm" },
                    { "allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw" },
                    { "allow": false, "type": "c", "major": 10, "minor": 229, "access": "w" },
                ]);
                ask(spec, &["mknod=/dev/one:c:10:229", "mknod=/dev/other:b:7:0"]);
            },
            |report| {
                let one = &report["mknod=/dev/one:c:10:229"];
                require(one["read"] != json!(1), || "a device that is allowed cannot be read".into())?;
                equal("writing what is denied", &one["write"], &json!(1))?;
                equal("reading what is denied", &report["mknod=/dev/other:b:7:0"]["read"], &json!(1))
            },
            |spec| spec["linux"]["resources"]["devices"] = json!([{ "allow": true, "access": "rwm" }]),
        ),
        facts(
            "devices-default-allowed",
            DEVICES,
            "let the container use the devices that it supplies",
            |spec| ask(spec, &["open=/dev/null", "open=/dev/zero", "open=/dev/urandom", "write=/dev/null"]),
            |report| {
                for request in ["open=/dev/null", "open=/dev/zero", "open=/dev/urandom", "write=/dev/null"] {
                    equal(request, &report[request], &json!("ok"))?;
                }
                Ok(())
            },
            |spec| {
                spec["mounts"][1]["options"] = json!(["nosuid", "nodev", "mode=755"]);
            },
        ),
    ];
    cases.extend(limits());
    cases
}

fn without_cgroup_namespace(spec: &mut Value) {
    crate::bundle::without_namespace(spec, "cgroup");
}
