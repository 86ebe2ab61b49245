//! What a container may do, as security contexts.

use sampan_provider::Specification;
use serde_json::{Map, Value, json};

/// User and group as numbers; names are for the image to know.
pub(crate) fn numbers(user: &str) -> (Option<i64>, Option<i64>) {
    let (user, group) = user.split_once(':').unwrap_or((user, ""));
    (user.parse().ok(), group.parse().ok())
}

fn list<'a>(specification: &'a Specification, name: &str) -> impl Iterator<Item = &'a str> {
    let all = specification.setting(name).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_str)
}

/// Names of capabilities, without `CAP_`.
fn capabilities(specification: &Specification, name: &str) -> Vec<String> {
    list(specification, name).map(|one| one.to_uppercase().trim_start_matches("CAP_").to_owned()).collect()
}

/// `name=value` or `name:value` of the security options.
fn option(specification: &Specification, wanted: &str) -> Option<String> {
    list(specification, "HostConfig.SecurityOpt").find_map(|text| {
        let (name, value) = text.split_once(['=', ':']).unwrap_or((text, ""));
        (name == wanted).then(|| value.to_owned())
    })
}

/// The container's.
pub(super) fn of_container(specification: &Specification) -> Map<String, Value> {
    let mut made = Map::new();
    let is = |name: &str| specification.setting(name) == Some(&Value::Bool(true));
    let mut set = |name: &str, value: Value| made.insert(name.to_owned(), value);
    let privileged = is("HostConfig.Privileged");
    if privileged {
        set("privileged", json!(true));
    }
    if is("HostConfig.ReadonlyRootfs") {
        set("readOnlyRootFilesystem", json!(true));
    }
    // `no-new-privileges`, `no-new-privileges:true`
    if option(specification, "no-new-privileges").is_some_and(|value| value != "false") && !privileged {
        set("allowPrivilegeEscalation", json!(false));
    }
    let mut changes = json!({});
    for (field, setting) in [("add", "HostConfig.CapAdd"), ("drop", "HostConfig.CapDrop")] {
        let names = capabilities(specification, setting);
        if !names.is_empty() {
            changes[field] = json!(names);
        }
    }
    if changes != json!({}) {
        set("capabilities", changes);
    }
    // The runtime's own filter, as every container has here.
    let unconfined = privileged || option(specification, "seccomp").as_deref() == Some("unconfined");
    set("seccompProfile", json!({ "type": if unconfined { "Unconfined" } else { "RuntimeDefault" } }));
    let (user, group) = numbers(&specification.user);
    if let Some(user) = user {
        set("runAsUser", json!(user));
    }
    if let Some(group) = group {
        set("runAsGroup", json!(group));
    }
    made
}

/// The pod's.
pub(super) fn of_pod(specification: &Specification) -> Map<String, Value> {
    let mut made = Map::new();
    let groups: Vec<i64> =
        list(specification, "HostConfig.GroupAdd").filter_map(|group| group.parse().ok()).collect();
    if !groups.is_empty() {
        made.insert("supplementalGroups".to_owned(), json!(groups));
    }
    let (user, group) = numbers(&specification.user);
    if let Some(group) = group.or(user).filter(|group| *group > 0 && !specification.volumes.is_empty()) {
        // New volumes belong to root there; here they belong to whom the image says.
        made.insert("fsGroup".to_owned(), json!(group));
        made.insert("fsGroupChangePolicy".to_owned(), json!("OnRootMismatch"));
    }
    let sysctls = specification.setting("HostConfig.Sysctls").and_then(Value::as_object);
    let sysctls: Vec<Value> = sysctls
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(json!({ "name": name, "value": value.as_str()? })))
        .collect();
    if !sysctls.is_empty() {
        made.insert("sysctls".to_owned(), json!(sysctls));
    }
    made
}
