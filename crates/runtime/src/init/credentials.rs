//! Steps that give the process its user, its groups and its capabilities.

use rustix::fs::{FileType, fchown, fstat, major, minor};

use super::identity;
use super::process::ProcessContext;
use crate::error::{During, Error, Result};
use crate::plan::User;

/// Looks the user up, and completes the environment with HOME as runc does.
pub(super) fn find_user(context: &mut ProcessContext) -> Result<()> {
    context.identity = identity::resolve(&context.process.user)?;
    let wanted = !matches!(context.process.user, User::Docker { set_home: false, .. });
    let env = &mut context.process.env;
    let has_home = env.iter().any(|entry| entry.strip_prefix("HOME=").is_some_and(|home| !home.is_empty()));
    if wanted && !has_home {
        env.retain(|entry| !entry.starts_with("HOME="));
        env.push(format!("HOME={}", context.identity.home));
    }
    Ok(())
}

/// The program may open its own standard descriptors again through /dev/stdout and the like, which needs to
/// be their owner.
pub(super) fn give_stdio(context: &mut ProcessContext) -> Result<()> {
    use rustix::fs::{Gid, Uid};
    use rustix::stdio::{stderr, stdin, stdout};
    for fd in [stdin(), stdout(), stderr()] {
        let Ok(status) = fstat(fd) else { continue };
        let device = status.st_rdev;
        let character = FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice;
        if status.st_uid == context.identity.uid || (character && (major(device), minor(device)) == (1, 3)) {
            continue;
        }
        // Keep the group: for a terminal it is `tty`. Owners that are not mapped, read-only file systems and
        // sockets refuse; the program then simply cannot open them anew.
        let _ = fchown(fd, Some(Uid::from_raw(context.identity.uid)), None::<Gid>);
    }
    Ok(())
}

pub(super) fn limit_bounding(context: &mut ProcessContext) -> Result<()> {
    match &context.process.capabilities {
        None => Ok(()),
        Some(sets) => sampan_sys::capability::limit_bounding(sets.bounding)
            .during(|| "limit the bounding set of capabilities"),
    }
}

pub(super) fn become_user(context: &mut ProcessContext) -> Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // From here on the container's processes have the same rights as this one. Until its program runs none of
    // them may trace it or look at its descriptors (CVE-2016-9962); the execve takes this back.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).during(|| "keep other processes out of this one")?;
    let identity = &context.identity;
    let keep = context.process.capabilities.is_some();
    if keep {
        sampan_sys::capability::keep_across_user_change(true).during(|| "keep capabilities")?;
    }
    sampan_sys::credentials::set_groups(&identity.groups)
        .or_else(|error| {
            // A user namespace without permission for setgroups(2), and nothing to set.
            if identity.groups.is_empty() && error.raw_os_error() == Some(1) { Ok(()) } else { Err(error) }
        })
        .during(|| format!("set the supplementary groups {:?}", identity.groups))?;
    sampan_sys::credentials::set_group(identity.gid).during(|| format!("become group {}", identity.gid))?;
    sampan_sys::credentials::set_user(identity.uid).during(|| format!("become user {}", identity.uid))?;
    if let Some(umask) = identity.umask {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask & 0o777));
    }
    let Some(sets) = &context.process.capabilities else { return Ok(()) };
    sampan_sys::capability::set(sets.effective, sets.permitted, sets.inheritable)
        .during(|| "set the capabilities")?;
    sampan_sys::capability::keep_across_user_change(false).during(|| "keep capabilities")?;
    sampan_sys::capability::set_ambient(sets.ambient).map_err(|error| {
        Error::system("set the ambient capabilities (each must be permitted and inheritable too)", error)
    })
}
