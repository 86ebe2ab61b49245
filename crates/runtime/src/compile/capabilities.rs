//! Capabilities by name.

use std::collections::HashSet;

use oci_spec::runtime::{Capability, LinuxCapabilities};

use crate::error::{Error, Result};
use crate::plan::Capabilities;

/// The names of capabilities(7) without `CAP_`; the position is the number.
pub const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The number of a capability, with or without `CAP_`, in any case.
pub fn number(name: &str) -> Option<u32> {
    let upper = name.to_ascii_uppercase();
    let plain = upper.strip_prefix("CAP_").unwrap_or(&upper);
    CAPABILITIES.iter().position(|known| *known == plain).map(|position| position as u32)
}

/// The mask of several capabilities.
///
/// # Errors
/// A name is none.
pub fn mask<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<u64> {
    names.into_iter().try_fold(0, |mask, name| {
        let number =
            number(name).ok_or_else(|| Error::Invalid(format!("there is no capability {name:?}")))?;
        Ok(mask | 1 << number)
    })
}

/// The five sets. What this process does not have itself cannot be given and is left out, as runc does with
/// a warning; a kernel that does not know a capability is the same case.
pub(super) fn compile(sets: &LinuxCapabilities) -> Result<Capabilities> {
    let compile = |set: &Option<HashSet<Capability>>| match set {
        None => Ok(0),
        Some(set) => mask(set.iter().map(ToString::to_string).collect::<Vec<_>>().iter().map(String::as_str)),
    };
    let available = sampan_sys::capability::bounding();
    Ok(Capabilities {
        bounding: compile(sets.bounding())? & available,
        effective: compile(sets.effective())? & available,
        inheritable: compile(sets.inheritable())? & available,
        permitted: compile(sets.permitted())? & available,
        ambient: compile(sets.ambient())? & available,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_of_the_specification_has_its_number() {
        assert_eq!(number("CAP_SYS_ADMIN"), Some(21));
        assert_eq!(number("checkpoint_restore"), Some(40));
        assert_eq!(number("CAP_NONE"), None);
        assert_eq!(mask(["CHOWN", "CAP_KILL"]).unwrap(), 0x21);
    }
}
