//! A policy of the user's own (`--security-opt seccomp=FILE`): Docker's form of it, whose rules may depend
//! on the container's capabilities, the architecture and the kernel, made into the specification's form.

use crate::error::Error;
use oci_spec::runtime::LinuxSeccomp;
use sampan_error::Result;
use serde_json::{Map, Value};

/// The specification's policy for a container with these capabilities (`CAP_…`).
///
/// # Errors
/// The text is no JSON, or no policy.
pub(super) fn read(text: &str, capabilities: &[String]) -> Result<LinuxSeccomp> {
    let refused = |reason: &dyn std::fmt::Display| {
        Error::Invalid(format!("decoding the seccomp profile failed: {reason}"))
    };
    let mut policy: Value = serde_json::from_str(text).map_err(|error| refused(&error))?;
    let map = policy.as_object_mut().ok_or_else(|| refused(&"it is no JSON object"))?;
    architectures(map);
    if let Some(Value::Array(rules)) = map.get_mut("syscalls") {
        rules.retain(|rule| applies(rule, capabilities));
        for rule in rules {
            plain(rule);
        }
    }
    Ok(serde_json::from_value(policy).map_err(|error| refused(&error))?)
}

/// `archMap` gives the architectures of this machine and those below it.
fn architectures(map: &mut Map<String, Value>) {
    let own = match std::env::consts::ARCH {
        "aarch64" => "SCMP_ARCH_AARCH64",
        _ => "SCMP_ARCH_X86_64",
    };
    let Some(Value::Array(list)) = map.remove("archMap") else { return };
    for entry in list.iter().filter(|entry| entry["architecture"] == own) {
        let mut all = vec![entry["architecture"].clone()];
        all.extend(entry["subArchitectures"].as_array().cloned().unwrap_or_default());
        map.insert("architectures".into(), Value::Array(all));
    }
}

fn strings<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    value[name].as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Whether a rule's conditions hold for this container.
fn applies(rule: &Value, capabilities: &[String]) -> bool {
    let held = |name: &&str| capabilities.iter().any(|it| it == name);
    let arch = crate::images::docker_architecture();
    let (includes, excludes) = (&rule["includes"], &rule["excludes"]);
    let wanted_arches = strings(includes, "arches");
    let recent = includes["minKernel"].as_str().is_none_or(kernel_is_at_least);
    strings(includes, "caps").iter().all(held)
        && !strings(excludes, "caps").iter().any(held)
        && (wanted_arches.is_empty() || wanted_arches.contains(&arch))
        && !strings(excludes, "arches").contains(&arch)
        && recent
        && !excludes["minKernel"].as_str().is_some_and(kernel_is_at_least)
}

/// Leaves only what the specification knows; an old `name` becomes `names`.
fn plain(rule: &mut Value) {
    let Some(map) = rule.as_object_mut() else { return };
    for extra in ["includes", "excludes", "comment"] {
        map.remove(extra);
    }
    if let Some(name) = map.remove("name").filter(|name| name.as_str().is_some_and(|name| !name.is_empty())) {
        map.insert("names".into(), Value::Array(vec![name]));
    }
    if map.get("args").is_some_and(Value::is_null) {
        map.remove("args");
    }
}

/// Whether this kernel is of that version (`4.8`) or newer.
fn kernel_is_at_least(wanted: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.split(['.', '-']).map_while(|part| part.parse().ok()).take(2).collect()
    };
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    numbers(release.trim()) >= numbers(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_decided_and_removed() {
        let text = r#"{"defaultAction":"SCMP_ACT_ERRNO",
            "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]}],
            "syscalls":[
              {"names":["read"],"action":"SCMP_ACT_ALLOW","args":null,"comment":"","includes":{"minKernel":"2.6"}},
              {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
              {"name":"write","action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]}}]}"#;
        let policy = read(text, &["CAP_CHOWN".to_owned()]).expect("a policy");
        let rules = policy.syscalls().clone().unwrap_or_default();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[1].names(), &["write".to_owned()]);
        assert!(read("[]", &[]).is_err());
        assert!(read("{", &[]).is_err());
    }
}
