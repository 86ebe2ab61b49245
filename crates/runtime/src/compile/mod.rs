//! From an OCI specification to a plan: everything is checked and resolved here, before any process exists.

mod capabilities;
mod cgroups;
mod mounts;
mod namespaces;
mod process;
pub mod seccomp;

use std::path::{Path, PathBuf};

use oci_spec::runtime::{Hook as SpecHook, Linux, LinuxDeviceType, Spec};

use crate::error::{Error, Result};
use crate::plan::{
    CgroupPlan, Device, DeviceKind, DeviceRule, Hook, HookState, Hooks, Limits, MountSource, NamespaceKind,
    Plan, Propagation, Root, RootMount,
};

pub use capabilities::{CAPABILITIES, mask as capability_mask, number as capability_number};
pub use cgroups::limits;
pub use mounts::MOUNT_OPTIONS;
pub use process::compile as compile_process;

/// What the specification does not say.
#[derive(Debug, Clone)]
pub struct CompileContext {
    /// The container's id.
    pub id: String,
    /// The bundle: relative paths of the specification start here.
    pub bundle: PathBuf,
    /// The parent directory of the container's cgroups when the specification names none, as in `docker`.
    pub cgroup_parent: String,
    /// The root file system.
    pub root: RootMount,
    /// The user in Docker's syntax, looked up inside the container; `None` takes the specification's numbers.
    pub user: Option<String>,
    /// Supplementary groups by name or number, with `user`.
    pub groups: Vec<String>,
    /// Whether HOME is set from the user's entry when the environment has none.
    pub set_home: bool,
    /// Whether a missing working directory is made, as Docker and runc do.
    pub create_cwd: bool,
    /// Whether pivot_root(2) is used.
    pub pivot: bool,
    /// Whether the container gets a session keyring of its own.
    pub new_keyring: bool,
}

impl CompileContext {
    /// The context of a plain OCI bundle.
    pub fn for_bundle(id: impl Into<String>, bundle: impl Into<PathBuf>) -> Self {
        Self {
            id: id.into(),
            bundle: bundle.into(),
            cgroup_parent: String::new(),
            root: RootMount::Spec,
            user: None,
            groups: Vec::new(),
            set_home: true,
            create_cwd: true,
            pivot: true,
            new_keyring: true,
        }
    }
}

/// Compiles a specification.
///
/// # Errors
/// The specification is wrong ([`Error::Invalid`]) or asks for what cannot be done ([`Error::Unsupported`]);
/// the sentence names the field.
pub fn compile(spec: &Spec, context: &CompileContext) -> Result<Plan> {
    check_version(spec.version())?;
    let linux = spec.linux().clone().unwrap_or_else(empty_linux);
    refuse_unknown(spec, &linux)?;
    let namespaces = namespaces::compile(&linux)?;
    let spec_process =
        spec.process().as_ref().ok_or_else(|| Error::Invalid("the specification has no process".into()))?;
    let process = process::compile(spec_process, linux.seccomp().as_ref(), context)?;
    let mounts = mounts::compile(spec, context)?;
    let own_dev = !mounts.iter().any(|mount| {
        mount.destination.trim_end_matches('/') == "/dev" && matches!(mount.source, MountSource::Bind { .. })
    });
    let plan = Plan {
        id: context.id.clone(),
        user_mappings: namespaces::mappings(&linux)?,
        time_offsets: namespaces::time_offsets(&linux)?,
        root: root(spec, &linux, context)?,
        devices: if own_dev { devices(&linux)? } else { Vec::new() },
        links: if own_dev { links() } else { Vec::new() },
        mounts,
        masked_paths: linux.masked_paths().clone().unwrap_or_default(),
        readonly_paths: linux.readonly_paths().clone().unwrap_or_default(),
        sysctls: namespaces::sysctls(&linux, &namespaces)?,
        hostname: spec.hostname().clone(),
        domainname: spec.domainname().clone(),
        personality: linux
            .personality()
            .as_ref()
            .map(|personality| match personality.domain() {
                oci_spec::runtime::LinuxPersonalityDomain::PerLinux => Ok(0),
                oci_spec::runtime::LinuxPersonalityDomain::PerLinux32 => Ok(8),
            })
            .transpose()?,
        process,
        cgroup: CgroupPlan { path: cgroup_path(&linux, context)?, limits: container_limits(&linux)? },
        hooks: hooks(spec, context)?,
        namespaces,
    };
    check_names(&plan)?;
    Ok(plan)
}

/// The specification's own default for `linux` holds namespaces; a missing one means none.
fn empty_linux() -> Linux {
    serde_json::from_str("{}").unwrap_or_default()
}

/// Versions 1.x and the pre-releases of it are understood.
fn check_version(version: &str) -> Result<()> {
    if version.is_empty() {
        return Err(Error::Invalid("the specification has no ociVersion".into()));
    }
    let numbers: Vec<&str> = version.split(['-', '+']).next().unwrap_or("").split('.').collect();
    let valid = numbers.len() == 3
        && numbers.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !valid {
        return Err(Error::Invalid(format!("ociVersion {version:?} is no semantic version")));
    }
    if numbers[0] != "1" {
        return Err(Error::Invalid(format!("ociVersion {version} is not supported, only 1.x is")));
    }
    Ok(())
}

fn refuse_unknown(spec: &Spec, linux: &Linux) -> Result<()> {
    let refuse = |field: &str| Err(Error::Unsupported(format!("{field} is not supported on this platform")));
    if spec.vm().is_some() {
        return refuse("vm");
    }
    if linux.intel_rdt().is_some() && !Path::new("/sys/fs/resctrl/schemata").exists() {
        return refuse("linux.intelRdt (no resctrl file system is mounted)");
    }
    if linux.intel_rdt().is_some() {
        return refuse("linux.intelRdt");
    }
    if linux.memory_policy().is_some() {
        return refuse("linux.memoryPolicy");
    }
    if linux.net_devices().as_ref().is_some_and(|devices| !devices.is_empty()) {
        return refuse("linux.netDevices");
    }
    if linux.mount_label().as_ref().is_some_and(|label| !label.is_empty()) {
        return refuse("linux.mountLabel (this host has no SELinux)");
    }
    Ok(())
}

fn check_names(plan: &Plan) -> Result<()> {
    let own_uts = plan.has(NamespaceKind::Uts);
    if plan.hostname.as_ref().is_some_and(|name| !name.is_empty()) && !own_uts {
        return Err(Error::Invalid("unable to set hostname without a private UTS namespace".into()));
    }
    if plan.domainname.as_ref().is_some_and(|name| !name.is_empty()) && !own_uts {
        return Err(Error::Invalid("unable to set domainname without a private UTS namespace".into()));
    }
    if !plan.has(NamespaceKind::Mount) {
        return Err(Error::Unsupported(
            "a container needs a mount namespace of its own (linux.namespaces has none)".into(),
        ));
    }
    Ok(())
}

fn root(spec: &Spec, linux: &Linux, context: &CompileContext) -> Result<Root> {
    let mut readonly = false;
    let mount = match &context.root {
        RootMount::Spec => {
            let root =
                spec.root().as_ref().ok_or_else(|| Error::Invalid("the specification has no root".into()))?;
            readonly = root.readonly().unwrap_or(false);
            let source = context.bundle.join(root.path());
            if !source.is_dir() {
                return Err(Error::Invalid(format!("root.path {} is no directory", source.display())));
            }
            RootMount::Bind { source, readonly: false }
        }
        other => {
            if let Some(root) = spec.root() {
                readonly = root.readonly().unwrap_or(false);
            }
            other.clone()
        }
    };
    let propagation = match linux.rootfs_propagation().as_deref() {
        None | Some("") => None,
        Some(name) => Some(propagation(name).ok_or_else(|| {
            Error::Invalid(format!(
                "linux.rootfsPropagation {name:?} is none of shared, slave, private, unbindable"
            ))
        })?),
    };
    Ok(Root { mount, readonly, propagation, pivot: context.pivot })
}

/// The propagation that a mount option names.
pub(crate) fn propagation(name: &str) -> Option<Propagation> {
    let (recursive, plain) = match name {
        "rshared" | "rslave" | "rprivate" | "runbindable" => (true, &name[1..]),
        _ => (false, name),
    };
    let flag = match plain {
        "shared" => Propagation::SHARED,
        "slave" => Propagation::SLAVE,
        "private" => Propagation::PRIVATE,
        "unbindable" => Propagation::UNBINDABLE,
        _ => return None,
    };
    Some(Propagation { flag, recursive })
}

/// The devices that every container has (config-linux.md, "Default Devices").
const DEFAULT_DEVICES: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

fn devices(linux: &Linux) -> Result<Vec<Device>> {
    let mut devices: Vec<Device> = Vec::new();
    for device in linux.devices().iter().flatten() {
        let path = device.path().to_string_lossy().into_owned();
        if !path.starts_with('/') {
            return Err(Error::Invalid(format!("linux.devices: {path} is no absolute path")));
        }
        let kind = match device.typ() {
            LinuxDeviceType::B => DeviceKind::Block,
            LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
            LinuxDeviceType::P => DeviceKind::Fifo,
            LinuxDeviceType::A => {
                return Err(Error::Invalid(format!("linux.devices: {path} has no kind of device")));
            }
        };
        let number = |value: i64| {
            u32::try_from(value)
                .map_err(|_| Error::Invalid(format!("linux.devices: {path} has a number out of range")))
        };
        let (major, minor) = match kind {
            DeviceKind::Fifo => (0, 0),
            _ => (number(device.major())?, number(device.minor())?),
        };
        devices.retain(|known| known.path != path);
        devices.push(Device {
            path,
            kind,
            major,
            minor,
            mode: device.file_mode().unwrap_or(0o666) & 0o7777,
            uid: device.uid().unwrap_or(0),
            gid: device.gid().unwrap_or(0),
        });
    }
    for (path, major, minor) in DEFAULT_DEVICES {
        if !devices.iter().any(|device| device.path == path) {
            let path = path.to_owned();
            let kind = DeviceKind::Character;
            devices.push(Device { path, kind, major, minor, mode: 0o666, uid: 0, gid: 0 });
        }
    }
    Ok(devices)
}

/// The links that every container has (runtime-linux.md, "Dev symbolic links").
fn links() -> Vec<(String, String)> {
    let mut links = vec![
        ("/proc/self/fd", "/dev/fd"),
        ("/proc/self/fd/0", "/dev/stdin"),
        ("/proc/self/fd/1", "/dev/stdout"),
        ("/proc/self/fd/2", "/dev/stderr"),
        ("pts/ptmx", "/dev/ptmx"),
    ];
    if Path::new("/proc/kcore").exists() {
        links.push(("/proc/kcore", "/dev/core"));
    }
    links.into_iter().map(|(target, path)| (target.to_owned(), path.to_owned())).collect()
}

/// The limits with the rules on devices made whole: nothing is allowed but what is asked for, and the devices
/// that every container has, as runc does it.
fn container_limits(linux: &Linux) -> Result<Limits> {
    let mut found = linux.resources().as_ref().map(limits).transpose()?.unwrap_or_default();
    let rule = |allow, kind, major, minor, access: [bool; 3]| DeviceRule {
        allow,
        kind,
        major,
        minor,
        read: access[0],
        write: access[1],
        mknod: access[2],
    };
    let mut rules = vec![rule(false, DeviceKind::All, None, None, [true; 3])];
    rules.extend(found.devices.take().unwrap_or_default());
    // After a last rule that allows everything, nothing needs to be added.
    let all = rules.last().is_some_and(|last| last.allow && last.kind == DeviceKind::All);
    if !all {
        for kind in [DeviceKind::Character, DeviceKind::Block] {
            rules.push(rule(true, kind, None, None, [false, false, true]));
        }
        let terminals = [(5, Some(1)), (5, Some(2)), (136, None)];
        let usual = DEFAULT_DEVICES.iter().map(|(_, major, minor)| (*major, Some(*minor)));
        for (major, minor) in usual.chain(terminals) {
            let wanted = rule(true, DeviceKind::Character, Some(major), minor, [true; 3]);
            if !rules.contains(&wanted) {
                rules.push(wanted);
            }
        }
    }
    found.devices = Some(rules);
    Ok(found)
}

fn cgroup_path(linux: &Linux, context: &CompileContext) -> Result<String> {
    let path = match linux.cgroups_path() {
        Some(path) => {
            let text = path.to_string_lossy();
            // systemd's form, slice:prefix:name, as engines pass it along with --systemd-cgroup.
            match text.split(':').collect::<Vec<_>>().as_slice() {
                [slice, prefix, name] => format!("{slice}/{prefix}-{name}.scope"),
                _ => text.into_owned(),
            }
        }
        None if context.cgroup_parent.is_empty() => context.id.clone(),
        None => format!("{}/{}", context.cgroup_parent, context.id),
    };
    let trimmed = path.trim_matches('/').to_owned();
    if trimmed.is_empty() || trimmed.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Error::Invalid(format!(
            "linux.cgroupsPath {path:?} is no path below the root of cgroups"
        )));
    }
    Ok(trimmed)
}

fn hooks(spec: &Spec, context: &CompileContext) -> Result<Hooks> {
    let mut annotations: Vec<(String, String)> =
        spec.annotations().iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    annotations.sort();
    if annotations.iter().any(|(name, _)| name.is_empty()) {
        return Err(Error::Invalid("annotations: a key must not be empty".into()));
    }
    let state = HookState {
        oci_version: spec.version().clone(),
        id: context.id.clone(),
        bundle: context.bundle.clone(),
        annotations,
    };
    let mut hooks = Hooks { state, ..Hooks::default() };
    if let Some(given) = spec.hooks() {
        let prestart = given.prestart();
        hooks.prestart = hook_list(prestart)?;
        hooks.create_runtime = hook_list(given.create_runtime())?;
        hooks.create_container = hook_list(given.create_container())?;
        hooks.start_container = hook_list(given.start_container())?;
        hooks.poststart = hook_list(given.poststart())?;
        hooks.poststop = hook_list(given.poststop())?;
    }
    Ok(hooks)
}

fn hook_list(list: &Option<Vec<SpecHook>>) -> Result<Vec<Hook>> {
    list.iter()
        .flatten()
        .map(|hook| {
            let path = hook.path();
            if !path.is_absolute() {
                return Err(Error::Invalid(format!("hooks: {} is no absolute path", path.display())));
            }
            let timeout = match hook.timeout() {
                None => None,
                Some(seconds) => {
                    Some(u32::try_from(seconds).ok().filter(|seconds| *seconds > 0).ok_or_else(|| {
                        Error::Invalid(format!("hooks: a timeout must be greater than zero, not {seconds}"))
                    })?)
                }
            };
            Ok(Hook {
                path: path.clone(),
                args: hook.args().clone().unwrap_or_default(),
                env: hook.env().clone().unwrap_or_default(),
                timeout,
            })
        })
        .collect()
}
