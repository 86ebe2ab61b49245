//! Capabilities, masks, the system call filter and other walls.

use crate::Engine;
use crate::containers::ContainerRecord;
use crate::error::Error;
use sampan_error::Result;
use sampan_runtime::plan::Seccomp;
use sampan_runtime::{compile, defaults};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Compiled filters by the capabilities that shape them: compiling one takes longer than a start.
#[derive(Default)]
pub(crate) struct SeccompCache {
    by_capabilities: Mutex<HashMap<Vec<String>, Arc<Seccomp>>>,
}

/// The words of a security option, split at the first `=` (or `:`, as old clients wrote).
fn split(option: &str) -> (&str, &str) {
    option.split_once(['=', ':']).unwrap_or((option, ""))
}

/// Checks the security options of a new container.
///
/// # Errors
/// An option that is not known or not possible here, by name.
pub(crate) fn check(record_options: &[String]) -> Result<(), Error> {
    for option in record_options {
        match split(option) {
            ("seccomp" | "apparmor", value) if !value.is_empty() => {}
            // SELinux labels have no effect where SELinux is not active; `disable` is always fine.
            ("label", "disable") => {}
            ("label", _) => {
                return Err(Error::NotImplemented(format!(
                    "security option {option:?} needs SELinux, which this engine does not set up"
                )));
            }
            ("no-new-privileges", "" | "true" | "false")
            | ("systempaths", "unconfined")
            | ("writable-cgroups", _) => {}
            _ => return Err(Error::Invalid(format!("invalid --security-opt: {option:?}"))),
        }
    }
    Ok(())
}

fn option<'a>(record: &'a ContainerRecord, name: &str) -> Option<&'a str> {
    record
        .spec
        .host
        .security_options
        .iter()
        .map(|it| split(it))
        .filter(|(key, _)| *key == name)
        .map(|(_, it)| it)
        .next_back()
}

pub(super) fn no_new_privileges(engine: &Engine, record: &ContainerRecord) -> bool {
    match option(record, "no-new-privileges") {
        Some("" | "true") => true,
        Some(_) => false,
        None => engine.inner.config.no_new_privileges,
    }
}

pub(super) fn apparmor_profile(record: &ContainerRecord) -> Option<String> {
    option(record, "apparmor").filter(|it| !it.is_empty() && *it != "unconfined").map(str::to_owned)
}

/// The capabilities of a container, `CAP_…`, sorted.
pub(crate) fn capabilities(record: &ContainerRecord) -> Vec<String> {
    let host = &record.spec.host;
    let all = || compile::CAPABILITIES.iter().map(|name| format!("CAP_{name}")).collect::<Vec<String>>();
    if host.privileged {
        return all();
    }
    let named = |name: &String| {
        let upper = name.to_ascii_uppercase();
        if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") }
    };
    let has_all = |list: &[String]| list.iter().any(|it| it.eq_ignore_ascii_case("ALL"));
    let mut set: Vec<String> = if has_all(&host.cap_drop) {
        Vec::new()
    } else if has_all(&host.cap_add) {
        all()
    } else {
        defaults::CAPABILITIES.iter().map(|it| (*it).to_owned()).collect()
    };
    if has_all(&host.cap_add) && has_all(&host.cap_drop) {
        set = all();
    }
    let dropped: Vec<String> = host.cap_drop.iter().map(named).collect();
    set.retain(|it| !dropped.contains(it));
    for name in host.cap_add.iter().filter(|it| !it.eq_ignore_ascii_case("ALL")).map(named) {
        if !set.contains(&name) {
            set.push(name);
        }
    }
    set.sort();
    set
}

/// Checks the names of capabilities.
///
/// # Errors
/// A name that this kernel's headers do not know.
pub(crate) fn check_capabilities(names: &[String]) -> Result<(), Error> {
    for name in names {
        let upper = name.to_ascii_uppercase();
        let full = if upper.starts_with("CAP_") { upper.clone() } else { format!("CAP_{upper}") };
        if upper != "ALL" && compile::capability_number(&full).is_none() {
            return Err(Error::Invalid(format!("invalid capability: {full:?}")));
        }
    }
    Ok(())
}

fn unmasked(record: &ContainerRecord) -> bool {
    record.spec.host.privileged || option(record, "systempaths") == Some("unconfined")
}

pub(super) fn masked_paths(record: &ContainerRecord) -> Vec<String> {
    match &record.spec.host.masked_paths {
        Some(own) => own.clone(),
        None if unmasked(record) => Vec::new(),
        None => defaults::masked_paths(),
    }
}

pub(super) fn readonly_paths(record: &ContainerRecord) -> Vec<String> {
    match &record.spec.host.readonly_paths {
        Some(own) => own.clone(),
        None if unmasked(record) => Vec::new(),
        None => defaults::READONLY_PATHS.iter().map(|it| (*it).to_owned()).collect(),
    }
}

impl Engine {
    /// Compiles the filter of ordinary containers, so that the first one need not wait for it.
    pub(crate) fn warm_seccomp(&self) {
        // A failure comes up again, with its reason, at the first start.
        let _ = self.seccomp(&ContainerRecord::default());
    }

    /// The compiled system call filter of a container; `None` for privileged and unconfined ones.
    ///
    /// # Errors
    /// A policy of the user's own that cannot be read.
    pub(crate) fn seccomp(&self, record: &ContainerRecord) -> Result<Option<Seccomp>> {
        match option(record, "seccomp") {
            Some("unconfined") => return Ok(None),
            // A default of the engine that a caller may name.
            Some("builtin") | None => {}
            Some(text) => {
                let policy = super::seccomp_policy::read(text, &capabilities(record))?;
                return Ok(compile::seccomp::compile(&policy)?);
            }
        }
        if record.spec.host.privileged {
            return Ok(None);
        }
        let capabilities = capabilities(record);
        let cache = &self.inner.seccomp.by_capabilities;
        if let Some(known) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(&capabilities) {
            return Ok(Some((**known).clone()));
        }
        let policy = defaults::seccomp::policy(capabilities.iter().map(String::as_str))?;
        let Some(compiled) = compile::seccomp::compile(&policy)? else { return Ok(None) };
        let compiled = Arc::new(compiled);
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        // A handful of sets is all that one host uses; a flood of odd ones must not grow memory.
        if cache.len() > 64 {
            cache.clear();
        }
        cache.insert(capabilities, Arc::clone(&compiled));
        Ok(Some((*compiled).clone()))
    }
}
