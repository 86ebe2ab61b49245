//! Device nodes of the host in a container, and the rules of the device cgroup.

use crate::containers::ContainerRecord;
use crate::error::Error;
use crate::spec::DeviceMapping;
use sampan_error::Result;
use serde_json::{Value, json};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Access to devices that every container has: to make any node, and to use the harmless ones
/// (null, zero, full, random, urandom, tty, console, terminals). OCI config-linux.md, "Default Devices".
const DEFAULT_RULES: &[(&str, Option<i64>, Option<i64>, &str)] = &[
    ("c", None, None, "m"),
    ("b", None, None, "m"),
    ("c", Some(1), Some(3), "rwm"),
    ("c", Some(1), Some(5), "rwm"),
    ("c", Some(1), Some(7), "rwm"),
    ("c", Some(1), Some(8), "rwm"),
    ("c", Some(1), Some(9), "rwm"),
    ("c", Some(5), Some(0), "rwm"),
    ("c", Some(5), Some(1), "rwm"),
    ("c", Some(5), Some(2), "rwm"),
    ("c", Some(136), None, "rwm"),
];

/// A node of the host.
struct Found {
    target: String,
    kind: &'static str,
    major: u32,
    minor: u32,
    mode: u32,
    uid: u32,
    gid: u32,
    permissions: String,
}

/// The nodes to make, beside the runtime's default set.
pub(super) fn nodes(record: &ContainerRecord) -> Result<Value> {
    let list = wanted(record)?
        .iter()
        .map(|node| {
            json!({
                "path": node.target, "type": node.kind, "major": node.major, "minor": node.minor,
                "fileMode": node.mode, "uid": node.uid, "gid": node.gid,
            })
        })
        .collect();
    Ok(Value::Array(list))
}

/// The rules of the device cgroup, in order.
pub(super) fn rules(record: &ContainerRecord) -> Result<Value> {
    if record.spec.host.privileged {
        return Ok(json!([{ "allow": true, "access": "rwm" }]));
    }
    let mut list = vec![json!({ "allow": false, "access": "rwm" })];
    list.extend(DEFAULT_RULES.iter().map(|(kind, major, minor, access)| rule(kind, *major, *minor, access)));
    for node in wanted(record)? {
        list.push(rule(node.kind, Some(node.major.into()), Some(node.minor.into()), &node.permissions));
    }
    for text in &record.spec.host.resources.device_cgroup_rules {
        list.push(parse_rule(text)?);
    }
    Ok(Value::Array(list))
}

fn rule(kind: &str, major: Option<i64>, minor: Option<i64>, access: &str) -> Value {
    let mut rule = json!({ "allow": true, "type": kind, "access": access });
    if let Some(major) = major {
        rule["major"] = major.into();
    }
    if let Some(minor) = minor {
        rule["minor"] = minor.into();
    }
    rule
}

/// `c 42:* rmw`.
fn parse_rule(text: &str) -> Result<Value> {
    let refused = || Error::Invalid(format!("invalid device cgroup rule format: '{text}'"));
    let words: Vec<&str> = text.split_whitespace().collect();
    let [kind, numbers, access] = words.as_slice() else { return Err(refused().into()) };
    let (major, minor) = numbers.split_once(':').ok_or_else(refused)?;
    let number = |part: &str| match part {
        "*" => Ok(None),
        digits => digits.parse::<i64>().map(Some).map_err(|_| refused()),
    };
    if !["a", "b", "c"].contains(kind) || access.is_empty() || access.bytes().any(|it| !b"rwm".contains(&it))
    {
        return Err(refused().into());
    }
    Ok(rule(kind, number(major)?, number(minor)?, access))
}

fn wanted(record: &ContainerRecord) -> Result<Vec<Found>> {
    let host = &record.spec.host;
    let mut found = Vec::new();
    if host.privileged {
        all_of_host(Path::new("/dev"), &mut found);
    }
    for mapping in &host.resources.devices {
        found.extend(mapped(mapping)?);
    }
    Ok(found)
}

/// A mapping is one node, or a directory with nodes.
fn mapped(mapping: &DeviceMapping) -> Result<Vec<Found>> {
    let path = Path::new(&mapping.host_path);
    let target = if mapping.container_path.is_empty() { &mapping.host_path } else { &mapping.container_path };
    let permissions = if mapping.permissions.is_empty() { "rwm" } else { &mapping.permissions };
    if let Some(node) = node(path, target.clone(), permissions) {
        return Ok(vec![node]);
    }
    let mut below = Vec::new();
    if path.is_dir() {
        all_of_host(path, &mut below);
        for node in &mut below {
            if let Ok(rest) = Path::new(&node.target).strip_prefix(path) {
                node.target = Path::new(target).join(rest).display().to_string();
                node.permissions = permissions.to_owned();
            }
        }
    }
    if below.is_empty() {
        let reason = if path.exists() { "not a device node" } else { "no such file or directory" };
        return Err(Error::Invalid(format!(
            "error gathering device information while adding custom device \"{}\": {reason}",
            mapping.host_path
        ))
        .into());
    }
    Ok(below)
}

fn node(path: &Path, target: String, permissions: &str) -> Option<Found> {
    let metadata = std::fs::metadata(path).ok()?;
    let kind = if metadata.file_type().is_char_device() {
        "c"
    } else if metadata.file_type().is_block_device() {
        "b"
    } else {
        return None;
    };
    Some(Found {
        target,
        kind,
        major: rustix::fs::major(metadata.rdev()),
        minor: rustix::fs::minor(metadata.rdev()),
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        permissions: permissions.to_owned(),
    })
}

/// All nodes below a directory, but terminals and what the container mounts for itself.
fn all_of_host(directory: &Path, found: &mut Vec<Found>) {
    const OWN: &[&str] = &["pts", "shm", "fd", "mqueue", "console", "ptmx", ".lxc", ".lxd-mounts", ".udev"];
    const DEFAULT: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let (path, name): (PathBuf, _) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let at_top = directory == Path::new("/dev");
        if OWN.contains(&&*name) || (at_top && DEFAULT.contains(&&*name)) {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => all_of_host(&path, found),
            Ok(kind) if kind.is_char_device() || kind.is_block_device() => {
                found.extend(node(&path, path.display().to_string(), "rwm"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_docker_writes_them() {
        let rule = parse_rule("c 42:* rmw").expect("a rule");
        assert_eq!(rule, json!({ "allow": true, "type": "c", "major": 42, "access": "rmw" }));
        for bad in ["c 42 rwm", "x 1:2 r", "c 1:2 q", "c a:b r", ""] {
            assert!(parse_rule(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_device_is_found_and_a_file_refused() {
        let null = DeviceMapping {
            host_path: "/dev/null".into(),
            container_path: "/dev/x".into(),
            permissions: "r".into(),
        };
        let found = mapped(&null).expect("found");
        assert_eq!((found[0].target.as_str(), found[0].major, found[0].minor), ("/dev/x", 1, 3));
        let missing = DeviceMapping {
            host_path: "/dev/nope".into(),
            container_path: String::new(),
            permissions: String::new(),
        };
        assert!(mapped(&missing).is_err());
    }
}
