//! Namespaces, user mappings, clock offsets and kernel parameters of a specification.

use oci_spec::runtime::{Linux, LinuxIdMapping, LinuxNamespaceType};

use crate::error::{Error, Result};
use crate::plan::{IdMapping, Namespace, NamespaceKind, UserMappings};

pub(super) fn compile(linux: &Linux) -> Result<Vec<Namespace>> {
    let mut found: Vec<Namespace> = Vec::new();
    for namespace in linux.namespaces().iter().flatten() {
        let kind = match namespace.typ() {
            LinuxNamespaceType::Mount => NamespaceKind::Mount,
            LinuxNamespaceType::Cgroup => NamespaceKind::Cgroup,
            LinuxNamespaceType::Uts => NamespaceKind::Uts,
            LinuxNamespaceType::Ipc => NamespaceKind::Ipc,
            LinuxNamespaceType::User => NamespaceKind::User,
            LinuxNamespaceType::Pid => NamespaceKind::Pid,
            LinuxNamespaceType::Network => NamespaceKind::Network,
            LinuxNamespaceType::Time => NamespaceKind::Time,
        };
        if found.iter().any(|known| known.kind == kind) {
            return Err(Error::Invalid(format!("linux.namespaces holds {} twice", namespace.typ())));
        }
        let path = namespace.path().clone().filter(|path| !path.as_os_str().is_empty());
        if path.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(Error::Invalid("linux.namespaces: a path must be absolute".into()));
        }
        found.push(Namespace { kind, path });
    }
    Ok(found)
}

pub(super) fn mappings(linux: &Linux) -> Result<Option<UserMappings>> {
    let own = linux.namespaces().iter().flatten().any(|namespace| {
        namespace.typ() == LinuxNamespaceType::User
            && namespace.path().as_ref().is_none_or(|path| path.as_os_str().is_empty())
    });
    let mappings = UserMappings {
        users: ranges(linux.uid_mappings().as_deref()),
        groups: ranges(linux.gid_mappings().as_deref()),
    };
    let given = !mappings.users.is_empty() || !mappings.groups.is_empty();
    match (own, given) {
        (true, true) => Ok(Some(mappings)),
        (true, false) => Err(Error::Invalid(
            "linux.uidMappings and linux.gidMappings are needed for a new user namespace".into(),
        )),
        (false, true) if !joins_users(linux) => Err(Error::Invalid(
            "linux.uidMappings and linux.gidMappings need a user namespace in linux.namespaces".into(),
        )),
        _ => Ok(None),
    }
}

fn joins_users(linux: &Linux) -> bool {
    linux.namespaces().iter().flatten().any(|namespace| namespace.typ() == LinuxNamespaceType::User)
}

pub(super) fn ranges(list: Option<&[LinuxIdMapping]>) -> Vec<IdMapping> {
    list.into_iter()
        .flatten()
        .map(|range| IdMapping { inside: range.container_id(), outside: range.host_id(), size: range.size() })
        .collect()
}

pub(super) fn time_offsets(linux: &Linux) -> Result<Vec<(String, i64, u32)>> {
    let mut offsets = Vec::new();
    for (clock, offset) in linux.time_offsets().iter().flatten() {
        if !matches!(clock.as_str(), "monotonic" | "boottime") {
            return Err(Error::Invalid(format!("linux.timeOffsets: there is no clock {clock:?}")));
        }
        offsets.push((clock.clone(), offset.secs().unwrap_or(0), offset.nanosecs().unwrap_or(0)));
    }
    let own = linux
        .namespaces()
        .iter()
        .flatten()
        .any(|namespace| namespace.typ() == LinuxNamespaceType::Time && namespace.path().is_none());
    if !offsets.is_empty() && !own {
        return Err(Error::Invalid("linux.timeOffsets need a new time namespace".into()));
    }
    Ok(offsets)
}

/// Parameters that belong to the IPC namespace.
const IPC: [&str; 10] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "fs.mqueue",
    "kernel.sem_next_id",
];

/// Only parameters of the container's own namespaces may be set: all others are the host's.
pub(super) fn sysctls(linux: &Linux, namespaces: &[Namespace]) -> Result<Vec<(String, String)>> {
    let own = |kind| namespaces.iter().any(|namespace| namespace.kind == kind);
    let mut found = Vec::new();
    for (name, value) in linux.sysctl().iter().flatten() {
        // A name may be written with dots, or with slashes where a part has a dot in it (an interface).
        let path = normalize(name);
        let dotted = path.replace('/', ".");
        let (allowed, needed) = if IPC.contains(&dotted.as_str()) || dotted.starts_with("fs.mqueue.") {
            (own(NamespaceKind::Ipc), "an IPC namespace")
        } else if path.starts_with("net/") {
            (own(NamespaceKind::Network), "a network namespace")
        } else if dotted == "kernel.domainname" {
            (own(NamespaceKind::Uts), "a UTS namespace")
        } else if dotted == "kernel.hostname" {
            return Err(Error::Invalid(
                "linux.sysctl: kernel.hostname conflicts with the field hostname; use that".into(),
            ));
        } else if path.starts_with("user/") {
            (own(NamespaceKind::User), "a user namespace")
        } else {
            return Err(Error::Invalid(format!(
                "linux.sysctl: {name:?} is not in a separate kernel namespace, it would change the host"
            )));
        };
        if !allowed {
            return Err(Error::Invalid(format!(
                "linux.sysctl: {name:?} is not allowed without {needed} of the container's own"
            )));
        }
        found.push((path, value.clone()));
    }
    found.sort();
    Ok(found)
}

/// The path below /proc/sys. The first separator decides whether dots or slashes separate (sysctl.d(5)).
fn normalize(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(position) if name.as_bytes()[position] == b'.' => name
            .chars()
            .map(|letter| match letter {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_become_paths() {
        assert_eq!(normalize("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
        assert_eq!(normalize("net/ipv4/conf/eth0.1/forwarding"), "net/ipv4/conf/eth0.1/forwarding");
        assert_eq!(normalize("net.ipv4.conf.eth0/1.forwarding"), "net/ipv4/conf/eth0.1/forwarding");
    }
}
