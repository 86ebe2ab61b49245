//! Options of the local driver: what is mounted at a volume's directory while somebody uses it (`type`, `o`, `device`,
//! as mount(8) takes them).

use crate::error::{Result, StorageError};
use rustix::mount::MountFlags;
use std::collections::BTreeMap;

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MountOptions {
    /// File system, or `none` for a bind.
    pub(super) kind: String,
    /// What it is mounted from.
    pub(super) device: String,
    /// Flags for the kernel.
    pub(super) flags: MountFlags,
    /// What the file system itself reads.
    pub(super) data: Vec<String>,
}

/// Reads the options, which may be none.
///
/// # Errors
/// `InvalidArgument` in Docker's words: an unknown option, or one without those that it needs.
pub(super) fn parse(options: &BTreeMap<String, String>) -> Result<Option<MountOptions>> {
    let invalid = |message: String| Err(StorageError::Invalid(message));
    for name in options.keys() {
        match name.as_str() {
            "type" | "o" | "device" => {}
            "size" => return invalid("quota size requested but no quota support".to_owned()),
            _ => return invalid(format!("invalid option: {name:?}")),
        }
    }
    let value = |name: &str| options.get(name).map(String::as_str).unwrap_or_default();
    let (kind, device) = (value("type"), value("device"));
    if options.values().all(String::is_empty) {
        return Ok(None);
    }
    for (name, given) in [("device", device), ("type", kind)] {
        if given.is_empty() {
            return invalid(format!("missing required option: {name:?}"));
        }
    }
    let mut flags = MountFlags::empty();
    let mut data = Vec::new();
    for word in value("o").split(',').filter(|word| !word.is_empty()) {
        match flag(word) {
            Some((flag, true)) => flags |= flag,
            Some((flag, false)) => flags &= !flag,
            None => data.push(word.to_owned()),
        }
    }
    if kind.starts_with("nfs") {
        data = data.into_iter().map(with_address).collect::<Result<_>>()?;
    }
    Ok(Some(MountOptions { kind: kind.to_owned(), device: device.to_owned(), flags, data }))
}

/// The kernel's NFS client takes an address, not a name (nfs(5)).
fn with_address(word: String) -> Result<String> {
    let Some(host) = word.strip_prefix("addr=") else { return Ok(word) };
    let found = sampan_host_names::resolve(host)
        .map_err(|error| StorageError::Invalid(format!("cannot use {word:?}: {error}")))?;
    Ok(found.first().map_or(word.clone(), |address| format!("addr={address}")))
}

/// A word of mount(8) that is a flag of mount(2), and whether it sets it.
fn flag(word: &str) -> Option<(MountFlags, bool)> {
    Some(match word {
        "defaults" => (MountFlags::empty(), true),
        "bind" => (MountFlags::BIND, true),
        "rbind" => (MountFlags::BIND | MountFlags::REC, true),
        "ro" => (MountFlags::RDONLY, true),
        "rw" => (MountFlags::RDONLY, false),
        "nosuid" => (MountFlags::NOSUID, true),
        "suid" => (MountFlags::NOSUID, false),
        "nodev" => (MountFlags::NODEV, true),
        "dev" => (MountFlags::NODEV, false),
        "noexec" => (MountFlags::NOEXEC, true),
        "exec" => (MountFlags::NOEXEC, false),
        "sync" => (MountFlags::SYNCHRONOUS, true),
        "async" => (MountFlags::SYNCHRONOUS, false),
        "dirsync" => (MountFlags::DIRSYNC, true),
        "noatime" => (MountFlags::NOATIME, true),
        "atime" => (MountFlags::NOATIME, false),
        "nodiratime" => (MountFlags::NODIRATIME, true),
        "diratime" => (MountFlags::NODIRATIME, false),
        "relatime" => (MountFlags::RELATIME, true),
        "norelatime" => (MountFlags::RELATIME, false),
        "strictatime" => (MountFlags::STRICTATIME, true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[(&str, &str)]) -> Result<Option<MountOptions>> {
        parse(&options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn options_are_those_of_mount() {
        assert_eq!(read(&[]).unwrap(), None);
        let found = read(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=10m,uid=1000,ro,rw,nosuid")]);
        let found = found.unwrap().unwrap();
        assert_eq!(found.flags, MountFlags::NOSUID);
        assert_eq!(found.data, ["size=10m", "uid=1000"]);
        let nfs = read(&[("type", "nfs"), ("device", ":/x"), ("o", "addr=127.0.0.1,rw")]).unwrap().unwrap();
        assert_eq!(nfs.data, ["addr=127.0.0.1"]);
    }

    #[test]
    fn what_is_missing_or_strange_is_said_as_docker_says_it() {
        for (options, said) in [
            (vec![("foo", "x")], "invalid option: \"foo\""),
            (vec![("type", "tmpfs")], "missing required option: \"device\""),
            (vec![("device", "/x")], "missing required option: \"type\""),
            (vec![("o", "bind")], "missing required option: \"device\""),
            (vec![("size", "1g")], "quota size requested but no quota support"),
        ] {
            assert_eq!(read(&options).unwrap_err().to_string(), said);
        }
    }
}
