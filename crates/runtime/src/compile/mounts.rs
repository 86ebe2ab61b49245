//! Mounts of a specification: each option is an attribute, a propagation, or the file system's own.

use oci_spec::runtime::{Mount as SpecMount, Spec};
use sampan_sys::mount::attribute;

use super::{CompileContext, namespaces, propagation};
use crate::error::{Error, Result};
use crate::plan::{AttributeChange, FilesystemMount, IdMap, Mount, MountSource, UserMappings};

pub(super) fn compile(spec: &Spec, context: &CompileContext) -> Result<Vec<Mount>> {
    spec.mounts().iter().flatten().map(|mount| one(mount, spec, context)).collect()
}

/// What the options of a mount say.
#[derive(Default)]
struct Options {
    bind: Option<bool>,
    attributes: AttributeChange,
    recursive: AttributeChange,
    propagation: Vec<crate::plan::Propagation>,
    idmap: Option<bool>,
    copy_up: bool,
    rest: Vec<String>,
}

fn one(mount: &SpecMount, spec: &Spec, context: &CompileContext) -> Result<Mount> {
    let destination = mount.destination().to_string_lossy();
    let destination =
        if destination.starts_with('/') { destination.into_owned() } else { format!("/{destination}") };
    if destination.split('/').all(|part| matches!(part, "" | ".")) {
        return Err(Error::Invalid("mounts: nothing can be mounted on / of the container".into()));
    }
    let kind = mount.typ().clone().unwrap_or_default();
    let options = parse(mount.options().as_deref().unwrap_or_default(), kind.as_str())?;
    let is_bind = options.bind.is_some() || kind == "bind";
    let source = if is_bind {
        let source = mount
            .source()
            .as_ref()
            .ok_or_else(|| Error::Invalid(format!("mounts: the bind mount {destination} has no source")))?;
        let path = if source.is_absolute() { source.clone() } else { context.bundle.join(source) };
        MountSource::Bind { path, recursive: options.bind.unwrap_or(false) }
    } else if kind == "cgroup" || kind == "cgroup2" {
        MountSource::Cgroup
    } else if kind.is_empty() {
        return Err(Error::Invalid(format!("mounts: {destination} has neither a type nor the option bind")));
    } else {
        let source =
            mount.source().as_ref().map_or_else(|| kind.clone(), |path| path.to_string_lossy().into());
        MountSource::Filesystem(FilesystemMount { kind, source, options: options.rest.clone() })
    };
    let idmap = idmap(mount, &options, spec, is_bind, &destination)?;
    Ok(Mount {
        destination,
        source,
        attributes: options.attributes,
        recursive_attributes: options.recursive,
        propagation: options.propagation,
        idmap,
        copy_up: options.copy_up,
    })
}

fn idmap(
    mount: &SpecMount,
    options: &Options,
    spec: &Spec,
    is_bind: bool,
    destination: &str,
) -> Result<Option<IdMap>> {
    let mappings = UserMappings {
        users: namespaces::ranges(mount.uid_mappings().as_deref()),
        groups: namespaces::ranges(mount.gid_mappings().as_deref()),
    };
    let given = !mappings.users.is_empty() || !mappings.groups.is_empty();
    if !given && options.idmap.is_none() {
        return Ok(None);
    }
    if !is_bind {
        return Err(Error::Invalid(format!(
            "mounts: {destination} is id-mapped, which only bind mounts can be"
        )));
    }
    if mappings.users.is_empty() != mappings.groups.is_empty() {
        return Err(Error::Invalid(format!(
            "mounts: {destination} needs both uidMappings and gidMappings, or neither"
        )));
    }
    let own_users = spec.linux().as_ref().is_some_and(|linux| linux.uid_mappings().is_some());
    if !given && !own_users {
        return Err(Error::Invalid(format!(
            "mounts: {destination} is id-mapped without mappings of its own or of a user namespace"
        )));
    }
    Ok(Some(IdMap { mappings, recursive: options.idmap.unwrap_or(false) }))
}

/// The attribute behind an option: (bits, whether it sets them).
fn attribute_of(option: &str) -> Option<(u64, bool)> {
    Some(match option {
        "ro" => (attribute::READ_ONLY, true),
        "rw" => (attribute::READ_ONLY, false),
        "nosuid" => (attribute::NO_SUID, true),
        "suid" => (attribute::NO_SUID, false),
        "nodev" => (attribute::NO_DEVICES, true),
        "dev" => (attribute::NO_DEVICES, false),
        "noexec" => (attribute::NO_EXECUTE, true),
        "exec" => (attribute::NO_EXECUTE, false),
        "nodiratime" => (attribute::NO_DIRECTORY_ACCESS_TIME, true),
        "diratime" => (attribute::NO_DIRECTORY_ACCESS_TIME, false),
        "nosymfollow" => (attribute::NO_SYMLINK_FOLLOW, true),
        "symfollow" => (attribute::NO_SYMLINK_FOLLOW, false),
        "noatime" => (attribute::NO_ACCESS_TIME, true),
        "atime" => (attribute::NO_ACCESS_TIME, false),
        "strictatime" => (attribute::STRICT_ACCESS_TIME, true),
        "nostrictatime" => (attribute::STRICT_ACCESS_TIME, false),
        "relatime" | "norelatime" => (attribute::RELATIVE_ACCESS_TIME, true),
        _ => return None,
    })
}

/// The options that are understood for every type of mount, besides those of the file system itself.
pub const MOUNT_OPTIONS: &[&str] = &[
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "idmap",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
    "nolazytime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "rbind",
    "relatime",
    "remount",
    "ridmap",
    "ro",
    "rprivate",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "runbindable",
    "rw",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "tmpcopyup",
    "unbindable",
    "rnosuid",
];

/// The access time modes exclude each other: to set one, or to leave one, all their bits are cleared.
fn apply(change: &mut AttributeChange, option: &str, (bits, sets): (u64, bool)) {
    let access_time =
        matches!(option, "noatime" | "atime" | "strictatime" | "nostrictatime" | "relatime" | "norelatime");
    if access_time {
        change.clear |= attribute::ACCESS_TIME;
        change.set &= !attribute::ACCESS_TIME;
        change.set |= if sets { bits } else { 0 };
    } else if sets {
        change.set |= bits;
        change.clear &= !bits;
    } else {
        change.clear |= bits;
        change.set &= !bits;
    }
}

fn parse(list: &[String], kind: &str) -> Result<Options> {
    let mut options = Options::default();
    for option in list {
        let name = option.as_str();
        if let Some(found) = attribute_of(name) {
            apply(&mut options.attributes, name, found);
        } else if let Some(found) = propagation(name) {
            options.propagation.push(found);
        } else if let Some(plain) = name.strip_prefix('r')
            && let Some(found) = attribute_of(plain)
        {
            apply(&mut options.recursive, plain, found);
        } else {
            match name {
                "bind" => options.bind = Some(options.bind.unwrap_or(false)),
                "rbind" => options.bind = Some(true),
                "idmap" => options.idmap = Some(false),
                "ridmap" => options.idmap = Some(true),
                "tmpcopyup" => options.copy_up = kind == "tmpfs",
                // What the kernel does anyway, or what is of no effect on a new mount.
                "defaults" | "" | "async" | "noauto" | "auto" | "nouser" | "silent" | "loud" | "remount"
                | "iversion" | "noiversion" | "nomand" => {}
                "mand" | "sync" | "dirsync" | "lazytime" | "nolazytime" => {
                    options.rest.push(option.clone());
                }
                _ if name.contains('\0') => {
                    return Err(Error::Invalid("mounts: an option holds a zero byte".into()));
                }
                _ => options.rest.push(option.clone()),
            }
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(list: &[&str]) -> Options {
        parse(&list.iter().map(ToString::to_string).collect::<Vec<_>>(), "tmpfs").unwrap()
    }

    #[test]
    fn options_are_sorted_by_what_they_concern() {
        let options = parsed(&["nosuid", "ro", "rw", "size=64k", "rprivate", "rro", "mode=755", "noatime"]);
        assert_eq!(options.attributes.set, attribute::NO_SUID | attribute::NO_ACCESS_TIME);
        assert_eq!(options.attributes.clear, attribute::READ_ONLY | attribute::ACCESS_TIME);
        assert_eq!(options.recursive.set, attribute::READ_ONLY);
        assert_eq!(options.rest, ["size=64k", "mode=755"]);
        assert!(options.propagation[0].recursive);
        assert!(parsed(&["rbind"]).bind.unwrap());
        assert!(!parsed(&["bind"]).bind.unwrap());
    }
}
