//! What a host holds in the kernel and on disk, listed so that two moments can be compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Engine, Host};

/// Everything that an engine might leave behind, counted: mounts, network links, firewall elements, control
/// groups, processes, open descriptors of the daemon, folders of the data root. What an engine keeps ready for
/// the next container has names made by chance, so such names are counted by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects(BTreeMap<String, usize>);

impl Objects {
    pub(crate) fn of(host: &Host) -> Objects {
        let mut objects = BTreeMap::new();
        let mut add = |kind: &str, names: Vec<String>| {
            for name in names {
                *objects.entry(format!("{kind} {name}")).or_insert(0) += 1;
            }
        };
        add("mount", mounts(host));
        add("link", links(host));
        add("nft", firewall(host));
        // Groups that wait with an init for a container are kept ready: only their number counts.
        let groups = cgroups_of(host);
        add("cgroup", groups.iter().map(|path| by_kind(&path.display().to_string(), "parked-")).collect());
        add("process", host.processes().into_iter().map(|(_, name)| name).collect());
        add("descriptor", descriptors(host));
        add("folder", folders(host));
        Objects(objects)
    }

    /// What there is more of now than there was before.
    pub fn since(&self, before: &Objects) -> Vec<String> {
        let more = self.0.iter().filter(|(name, count)| **count > before.0.get(*name).copied().unwrap_or(0));
        more.map(|(name, count)| {
            format!("{name} × {count}, was {}", before.0.get(name).copied().unwrap_or(0))
        })
        .collect()
    }
}

fn mounts(host: &Host) -> Vec<String> {
    let text = read(&format!("/proc/{}/mountinfo", host.first_process()));
    text.lines().filter_map(|line| line.split(' ').nth(4)).map(String::from).collect()
}

fn links(host: &Host) -> Vec<String> {
    let instance = instance_of(host);
    let text = host.run(&["ip", "-o", "link"]).stdout;
    // "7: name@peer: <FLAGS> …": the number and the flags say nothing about a leak.
    let names =
        text.lines().filter_map(|line| line.split(": ").nth(1)).filter_map(|name| name.split('@').next());
    names.map(|name| by_kind(name, &instance)).collect()
}

/// The part of a name up to the instance id; what follows is chance.
fn by_kind(name: &str, instance: &str) -> String {
    match name.split_once(instance) {
        Some((kind, _)) if !instance.is_empty() => format!("{kind}{instance}…"),
        _ => name.into(),
    }
}

fn firewall(host: &Host) -> Vec<String> {
    let outcome = host.run(&["nft", "--stateless", "list", "ruleset"]);
    // Elements of one set share a line: one line for each.
    let text = outcome.ok().replace(", ", "\n").replace(['{', '}'], "\n");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()
}

/// The processes of a host, as this machine numbers them.
pub(crate) fn members(host: &Host) -> Vec<u32> {
    let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid_for_children")).ok();
    let own = namespace(host.first_process());
    let all = std::fs::read_dir("/proc").expect("proc is mounted").flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| own.is_some() && namespace(*pid) == own).collect()
}

/// The kinds of descriptors that the daemon holds: paths are told apart, sockets by their protocol.
fn descriptors(host: &Host) -> Vec<String> {
    let folder = format!("/proc/{}/fd", host.daemon_pid());
    let entries = std::fs::read_dir(folder).expect("the daemon runs").flatten();
    entries.filter_map(|entry| descriptor(&entry.path())).collect()
}

/// What one descriptor is; `None` when it was closed meanwhile. The attribute is sockfs's own (xattr(7) does
/// not list it; the kernel's net/socket.c does).
fn descriptor(path: &Path) -> Option<String> {
    let target = std::fs::read_link(path).ok()?;
    let kind = target.to_string_lossy().split([':', '[']).next().unwrap_or_default().to_owned();
    let mut protocol = [0_u8; 32];
    match rustix::fs::getxattr(path, "system.sockprotoname", &mut protocol[..]) {
        Ok(length) => {
            Some(format!("{kind} {}", String::from_utf8_lossy(&protocol[..length]).trim_end_matches('\0')))
        }
        Err(_) => Some(kind),
    }
}

fn folders(host: &Host) -> Vec<String> {
    let mut found = Vec::new();
    list_folders(&host.data_root(), 4, &mut found);
    found.into_iter().map(|path| path.display().to_string()).collect()
}

fn list_folders(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
            if depth > 1 {
                list_folders(&entry.path(), depth - 1, found);
            }
        }
    }
}

/// The control groups that belong to a host's engine, deepest first. Ours carry its instance id, in each
/// hierarchy of version 1 and in the one of version 2.
pub(crate) fn cgroups_of(host: &Host) -> Vec<PathBuf> {
    let instance = instance_of(host);
    let mut found = Vec::new();
    if instance.is_empty() || host.engine() != Engine::Sampan {
        return found;
    }
    let root = Path::new("/sys/fs/cgroup");
    let hierarchies = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    for hierarchy in hierarchies.chain([root.into()]) {
        for entry in std::fs::read_dir(hierarchy).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(&instance) {
                collect_groups(&entry.path(), &mut found);
            }
        }
    }
    found.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    found.dedup();
    found
}

fn collect_groups(folder: &Path, found: &mut Vec<PathBuf>) {
    if !folder.is_dir() {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect_groups(&entry.path(), found);
        }
    }
    found.push(folder.into());
}

/// The name under which this host's engine keeps its kernel objects.
fn instance_of(host: &Host) -> String {
    read(&host.data_root().join("instance").display().to_string()).trim().into()
}

/// Removes groups whose processes are ending.
pub(crate) fn remove_cgroups(groups: &[PathBuf]) {
    for group in groups {
        for _ in 0..100 {
            match std::fs::remove_dir(group) {
                Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                // Gone, or not ours to remove.
                _ => break,
            }
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
