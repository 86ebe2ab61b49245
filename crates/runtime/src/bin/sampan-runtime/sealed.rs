//! Running from a file that no container can overwrite (CVE-2019-5736).
//!
//! A container reaches the runtime's own file through /proc/PID/exe. So this program executes itself once more,
//! from a detached read-only mount of its file: whoever opens that for writing gets EROFS, and no path leads to
//! the mount by which it could be changed. Where mounts are not to be had, a sealed copy in memory does the same.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use rustix::fs::{CWD, Mode, OFlags, StatVfsMountFlags};
use rustix::mount::{OpenTreeFlags, open_tree};
use sampan_error::{Context, Result};
use sampan_sys::mount::{AttributeChange, attribute, set_attributes};

/// Executes this program anew from such a file, unless it runs from one.
pub(crate) fn ensure() -> Result<()> {
    let own = std::fs::File::open("/proc/self/exe").context("open this program")?;
    let read_only =
        rustix::fs::fstatvfs(&own).is_ok_and(|status| status.f_flag.contains(StatVfsMountFlags::RDONLY));
    if read_only || sampan_sys::memfd::is_sealed(&own) {
        return Ok(());
    }
    let copy = read_only_mount().or_else(|_| sealed_copy())?;
    let strings = |list: Vec<std::ffi::OsString>| -> Vec<CString> {
        list.into_iter().filter_map(|text| CString::new(text.into_vec()).ok()).collect()
    };
    let arguments = strings(std::env::args_os().collect());
    let environment = std::env::vars_os().map(|(name, value)| {
        let mut entry = name;
        entry.push("=");
        entry.push(value);
        entry
    });
    let environment = strings(environment.collect());
    let error = sampan_sys::process::execute_descriptor(copy.as_fd(), &arguments, &environment);
    Err(error).context("execute this program from a read-only file")
}

fn read_only_mount() -> std::io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, "/proc/self/exe", flags)?;
    let change = AttributeChange { set: attribute::READ_ONLY, ..AttributeChange::default() };
    set_attributes(mount.as_fd(), c"", false, &change)?;
    let path = sampan_sys::descriptor::proc_path(&mount);
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

fn sealed_copy() -> Result<OwnedFd> {
    let content = std::fs::read("/proc/self/exe").context("read this program")?;
    sampan_sys::memfd::sealed(c"sampan-runtime", &content).context("copy this program")
}
