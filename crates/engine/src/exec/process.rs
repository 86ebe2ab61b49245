//! The process of an exec session: the container's own rights, with what the caller says.

use crate::Engine;
use crate::containers::container::Live;
use crate::containers::{ContainerRecord, ExecOptions};
use crate::oci::Surroundings;
use sampan_error::Result;
use sampan_runtime::plan::{Capabilities, Process, Terminal, User};

/// Every capability that a set of 64 bits can name; the kernel ignores those it does not know at its borders.
fn all_capabilities() -> Capabilities {
    let all = (1_u64 << sampan_runtime::compile::CAPABILITIES.len()) - 1;
    Capabilities { bounding: all, effective: all, inheritable: 0, permitted: all, ambient: 0 }
}

/// The plan of a session's process.
///
/// # Errors
/// The container's own plan cannot be made again after a restart of the daemon.
pub(super) fn plan(
    engine: &Engine,
    record: &ContainerRecord,
    live: &Live,
    options: &ExecOptions,
) -> Result<Process> {
    let mut process = match live.process.get() {
        Some(process) => process.clone(),
        None => {
            let plan = engine.plan(record, &Surroundings::default())?;
            live.process.get_or_init(|| plan.process).clone()
        }
    };
    process.args.clone_from(&options.cmd);
    process.env = crate::oci::environment(record);
    if options.tty && !record.spec.process.tty {
        process.env.push("TERM=xterm".to_owned());
    }
    crate::oci::overlay(&mut process.env, &options.env);
    if !options.working_dir.is_empty() {
        process.cwd.clone_from(&options.working_dir);
    }
    process.create_cwd = false;
    if !options.user.is_empty()
        && let User::Docker { user, groups, .. } = &mut process.user
    {
        user.clone_from(&options.user);
        groups.clone_from(&record.spec.host.group_add);
    }
    if options.privileged {
        process.capabilities = Some(all_capabilities());
        process.seccomp = None;
    }
    process.terminal = options.tty.then(|| match options.console_size {
        Some((rows, columns)) => Terminal { rows, columns },
        None => Terminal::default(),
    });
    Ok(process)
}
