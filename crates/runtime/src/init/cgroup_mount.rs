//! The container's own cgroups at `/sys/fs/cgroup`, as the host has them: v2, or one mount per v1 hierarchy.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use sampan_sys::mount::attribute;

use super::destination::{self, Missing};
use super::rootfs::root_of;
use super::{InitContext, detached};
use crate::cgroup::{MountedHierarchy, host_is_unified, mounted_v1};
use crate::error::{During, Result};
use crate::plan::{AttributeChange, FilesystemMount, Mount, NamespaceKind};

pub(super) fn mount(context: &InitContext, mount: &Mount) -> Result<()> {
    let place = destination::find_or_make(root_of(context)?, &mount.destination, Missing::Directory)?;
    if host_is_unified() {
        let unified =
            FilesystemMount { kind: "cgroup2".into(), source: "cgroup".into(), options: Vec::new() };
        let made = match detached::filesystem(&unified, mount.attributes.set, &[]) {
            Ok(made) => made,
            // A user namespace that does not own the cgroup namespace cannot mount it anew.
            Err(_) => {
                let copy = detached::bind(Path::new("/sys/fs/cgroup"), true)?;
                detached::change(copy.as_fd(), true, mount.attributes)
                    .during(|| "set the attributes of the cgroup mount")?;
                copy
            }
        };
        return detached::attach(made.as_fd(), place.fd.as_fd()).during(|| "attach the cgroup mount");
    }
    mount_v1(context, mount, place.fd.as_fd())
}

fn mount_v1(context: &InitContext, mount: &Mount, place: BorrowedFd<'_>) -> Result<()> {
    let writable = mount.attributes.set & !attribute::READ_ONLY;
    let base = FilesystemMount {
        kind: "tmpfs".into(),
        source: "cgroup".into(),
        options: vec!["mode=755".into(), "size=64k".into()],
    };
    let base = detached::filesystem(&base, writable, &[]).during(|| "mount a tmpfs for the cgroups")?;
    detached::attach(base.as_fd(), place).during(|| "attach the tmpfs for the cgroups")?;
    let own_namespace = context.plan.has(NamespaceKind::Cgroup);
    let own_paths = if own_namespace { String::new() } else { own_cgroups() };
    for hierarchy in mounted_v1() {
        rustix::fs::mkdirat(&base, hierarchy.name(), rustix::fs::Mode::from_raw_mode(0o755))
            .during(|| format!("make a directory for the cgroups of {}", hierarchy.name()))?;
        let place = destination::find_without_links(base.as_fd(), hierarchy.name())
            .during(|| "open a directory for the cgroups")?;
        let made = if own_namespace {
            let options = hierarchy.mount_options();
            let kind = FilesystemMount { kind: "cgroup".into(), source: "cgroup".into(), options };
            detached::filesystem(&kind, mount.attributes.set, &[])
                .during(|| format!("mount the cgroups of {}", hierarchy.name()))?
        } else {
            let path = hierarchy.root.join(own_path(&own_paths, &hierarchy));
            let copy = detached::bind(&path, true)?;
            detached::change(copy.as_fd(), true, mount.attributes)
                .during(|| "set the attributes of the cgroup mount")?;
            copy
        };
        detached::attach(made.as_fd(), place.as_fd())
            .during(|| format!("attach the cgroups of {}", hierarchy.name()))?;
        // Programs look for `cpu` where the hierarchy is `cpu,cpuacct`.
        for controller in hierarchy.controllers.iter().filter(|name| *name != hierarchy.name()) {
            if !controller.starts_with("name=") {
                let _ = rustix::fs::symlinkat(hierarchy.name(), &base, controller.as_str());
            }
        }
    }
    let read_only = AttributeChange { set: mount.attributes.set & attribute::READ_ONLY, clear: 0 };
    detached::change(base.as_fd(), false, read_only).during(|| "make the cgroups read-only")
}

fn own_cgroups() -> String {
    std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default()
}

/// This process's directory in a hierarchy, from lines such as `4:memory:/docker/x`.
fn own_path(lines: &str, hierarchy: &MountedHierarchy) -> String {
    let controllers = hierarchy.controllers.join(",");
    lines
        .lines()
        .filter_map(|line| line.split_once(':')?.1.split_once(':'))
        .find(|(names, _)| *names == controllers)
        .map(|(_, path)| path.trim_start_matches('/').to_owned())
        .unwrap_or_default()
}
