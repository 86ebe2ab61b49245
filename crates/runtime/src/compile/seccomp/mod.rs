//! From a system call policy to a filter, as runc and libseccomp understand the policy.
//!
//! A policy names system calls; a filter compares numbers. For each mode of the processor that the policy lists
//! (x86_64, x86, x32) the names become numbers, the numbers a sorted table of answers, and the table a binary
//! search in classic BPF. Calls newer than all that the policy names are answered with ENOSYS, as runc does, so
//! that programs fall back to older ones.

mod assembler;
mod policy;
mod table;

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompFilterFlag};

use crate::error::{Error, Result};
use crate::plan::{Seccomp, SeccompListener};

/// Actions of the specification that are understood.
pub const ACTIONS: [&str; 9] = [
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
];

/// Comparisons of arguments that are understood.
pub const OPERATORS: [&str; 7] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
];

/// Architectures whose system calls are known.
pub const ARCHITECTURES: [&str; 3] = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];

/// Flags of a filter that are understood.
pub const FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

const FLAG_LOG: u32 = 1 << 1;
const FLAG_SPEC_ALLOW: u32 = 1 << 2;
const FLAG_NEW_LISTENER: u32 = 1 << 3;
const FLAG_WAIT_KILLABLE: u32 = 1 << 5;

/// Compiles a policy; `None` when it filters nothing.
///
/// # Errors
/// The policy is wrong, or this machine's processor is not supported.
pub fn compile(policy: &LinuxSeccomp) -> Result<Option<Seccomp>> {
    if !cfg!(target_arch = "x86_64") {
        return Err(Error::Unsupported("linux.seccomp is supported on x86_64 only, so far".into()));
    }
    let rules = policy.syscalls().as_deref().unwrap_or_default();
    let notifies = rules.iter().any(|rule| rule.action() == LinuxSeccompAction::ScmpActNotify);
    let listener = listener(policy, notifies)?;
    let program = assembler::assemble(&policy::tables(policy)?);
    Ok(Some(Seccomp { program, flags: flags(policy, notifies)?, listener }))
}

fn flags(policy: &LinuxSeccomp, notifies: bool) -> Result<u32> {
    // Without a list of flags, speculation stays as fast as without a filter: runc's and libseccomp's default.
    let Some(given) = policy.flags() else {
        return Ok(FLAG_SPEC_ALLOW | if notifies { FLAG_NEW_LISTENER } else { 0 });
    };
    let mut flags = if notifies { FLAG_NEW_LISTENER } else { 0 };
    for flag in given {
        flags |= match flag {
            LinuxSeccompFilterFlag::SeccompFilterFlagLog => FLAG_LOG,
            // There is one thread when the filter is installed.
            LinuxSeccompFilterFlag::SeccompFilterFlagTsync => 0,
            LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => FLAG_SPEC_ALLOW,
            LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv if notifies => FLAG_WAIT_KILLABLE,
            LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => {
                return Err(Error::Invalid(
                    "linux.seccomp: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY"
                        .into(),
                ));
            }
        };
    }
    Ok(flags)
}

fn listener(policy: &LinuxSeccomp, notifies: bool) -> Result<Option<SeccompListener>> {
    if policy.default_action() == LinuxSeccompAction::ScmpActNotify {
        return Err(Error::Invalid("linux.seccomp: SCMP_ACT_NOTIFY cannot be the default action".into()));
    }
    let path = policy.listener_path().clone().filter(|path| !path.as_os_str().is_empty());
    let metadata = policy.listener_metadata().clone().unwrap_or_default();
    match (path, notifies) {
        (Some(path), true) => {
            // The init itself needs this call to hand the listener over.
            let asked = policy.syscalls().iter().flatten().any(|rule| {
                rule.action() == LinuxSeccompAction::ScmpActNotify
                    && rule.names().iter().any(|name| matches!(name.as_str(), "write" | "sendmsg"))
            });
            if asked {
                return Err(Error::Invalid(
                    "linux.seccomp: SCMP_ACT_NOTIFY cannot be used for write and sendmsg".into(),
                ));
            }
            Ok(Some(SeccompListener { path, metadata }))
        }
        (None, true) => Err(Error::Invalid("linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath".into())),
        (Some(_), false) => {
            Err(Error::Invalid("linux.seccomp: listenerPath is of no use without SCMP_ACT_NOTIFY".into()))
        }
        (None, false) if !metadata.is_empty() => {
            Err(Error::Invalid("linux.seccomp: listenerMetadata is of no use without listenerPath".into()))
        }
        (None, false) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
