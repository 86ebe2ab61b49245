//! Which namespaces a container has for itself, and which it joins.

use super::Surroundings;
use crate::containers::ContainerRecord;
use crate::spec::{CgroupNamespace, IpcMode, NetworkMode, PidMode, UtsMode};
use serde_json::{Value, json};

pub(super) fn specification(record: &ContainerRecord, around: &Surroundings) -> Value {
    let host = &record.spec.host;
    let new = |kind: &str| json!({ "type": kind });
    let joined = |kind: &str, file: &str, pid: Option<u32>| match pid {
        Some(pid) => json!({ "type": kind, "path": format!("/proc/{pid}/ns/{file}") }),
        None => json!({ "type": kind }),
    };
    let mut list = vec![new("mount")];
    if host.uts == UtsMode::Private {
        list.push(new("uts"));
    }
    match &host.network_mode {
        NetworkMode::Host => {}
        NetworkMode::Container(_) => list.push(joined("network", "net", around.network_of)),
        _ => list.push(new("network")),
    }
    match &host.ipc {
        IpcMode::Host => {}
        IpcMode::Container(_) => list.push(joined("ipc", "ipc", around.ipc_of)),
        _ => list.push(new("ipc")),
    }
    match &host.pid {
        PidMode::Host => {}
        PidMode::Container(_) => list.push(joined("pid", "pid", around.pid_of)),
        PidMode::Private => list.push(new("pid")),
    }
    if own_cgroup_namespace(record) {
        list.push(new("cgroup"));
    }
    Value::Array(list)
}

/// Docker's default: private on cgroup v2, the host's on v1 and for privileged containers there.
pub(super) fn own_cgroup_namespace(record: &ContainerRecord) -> bool {
    match record.spec.host.cgroup_namespace {
        CgroupNamespace::Private => true,
        CgroupNamespace::Host => false,
        CgroupNamespace::Default => sampan_runtime::cgroup::host_is_unified() && !record.spec.host.privileged,
    }
}
