//! User and group of this process. For single-threaded programs: the kernel keeps these per thread.

use std::io;

use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use rustix::{process::Gid, process::Uid};

/// Sets the real, effective and saved user.
///
/// # Errors
/// `EINVAL` for a number that is not mapped or is 4294967295, `EPERM`.
pub fn set_user(user: u32) -> io::Result<()> {
    let user = Uid::from_raw(valid(user)?);
    Ok(set_thread_res_uid(user, user, user)?)
}

/// Sets the real, effective and saved group.
///
/// # Errors
/// As [`set_user`].
pub fn set_group(group: u32) -> io::Result<()> {
    let group = Gid::from_raw(valid(group)?);
    Ok(set_thread_res_gid(group, group, group)?)
}

/// Sets the supplementary groups.
///
/// # Errors
/// As [`set_user`]; `EPERM` also where /proc/self/setgroups says "deny".
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    let groups =
        groups.iter().map(|group| Ok(Gid::from_raw(valid(*group)?))).collect::<io::Result<Vec<_>>>()?;
    Ok(set_thread_groups(&groups)?)
}

/// 4294967295 means "no change" to the kernel and would be a way to stay root.
fn valid(number: u32) -> io::Result<u32> {
    if number == u32::MAX { Err(io::Error::from_raw_os_error(libc::EINVAL)) } else { Ok(number) }
}
