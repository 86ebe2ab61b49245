//! Volumes: claims for those that last, folders in memory for the others.

use super::object;
use crate::names;
use crate::settings::Settings;
use sampan_provider::{Specification, Volume};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Docker's size of `/dev/shm`.
const SHARED_MEMORY: &str = "/dev/shm";

/// The claim of a volume. It is called as the volume, so that several containers can have it.
pub(crate) fn claim(volume: &Volume, service: &str, settings: &Settings) -> Value {
    let mut made = object("v1", "PersistentVolumeClaim", &names::object(&volume.name), service, settings);
    made["metadata"]["annotations"]["sampan.volume"] = json!(volume.name);
    made["spec"] = json!({
        "accessModes": [settings.access_mode],
        "resources": { "requests": { "storage": settings.volume_size } },
    });
    if let Some(class) = &settings.storage_class {
        made["spec"]["storageClassName"] = json!(class);
    }
    made
}

/// Folders in memory: path, and size in bytes where one was said.
fn in_memory(specification: &Specification) -> BTreeMap<String, Option<String>> {
    let mut all = BTreeMap::new();
    let folders = specification.setting("HostConfig.Tmpfs").and_then(Value::as_object);
    for (path, options) in folders.into_iter().flatten() {
        let options = options.as_str().unwrap_or_default();
        let size = options.split(',').find_map(|option| option.strip_prefix("size=")).and_then(size);
        all.insert(path.clone(), size);
    }
    if let Some(bytes) = specification.setting("HostConfig.ShmSize").and_then(Value::as_u64) {
        all.insert(SHARED_MEMORY.to_owned(), Some(bytes.to_string()));
    }
    all
}

/// The size of a tmpfs (`mount(8)`: bytes with `k`, `m` or `g`) as a quantity.
fn size(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches(['k', 'm', 'g']);
    let ending = match lower.get(number.len()..)? {
        "" => "",
        "k" => "Ki",
        "m" => "Mi",
        "g" => "Gi",
        _ => return None,
    };
    number.parse::<u64>().ok().map(|number| format!("{number}{ending}"))
}

/// The pod's volumes.
pub(super) fn of_pod(specification: &Specification) -> Vec<Value> {
    let mut claims: Vec<Value> = Vec::new();
    for volume in &specification.volumes {
        let claim = names::object(&volume.name);
        let one = json!({ "name": volume_name(&claim), "persistentVolumeClaim": { "claimName": claim } });
        if !claims.contains(&one) {
            claims.push(one);
        }
    }
    let folders = in_memory(specification).into_values().enumerate().map(|(number, size)| {
        let mut one = json!({ "name": memory_name(number), "emptyDir": { "medium": "Memory" } });
        if let Some(size) = size {
            one["emptyDir"]["sizeLimit"] = json!(size);
        }
        one
    });
    claims.extend(folders);
    claims
}

/// Where the container has them.
pub(super) fn of_container(specification: &Specification) -> Vec<Value> {
    let mut all: Vec<Value> = specification
        .volumes
        .iter()
        .map(|volume| {
            let mut one =
                json!({ "name": volume_name(&names::object(&volume.name)), "mountPath": volume.path });
            if volume.read_only {
                one["readOnly"] = json!(true);
            }
            one
        })
        .collect();
    let folders = in_memory(specification).into_keys().enumerate();
    all.extend(folders.map(|(number, path)| json!({ "name": memory_name(number), "mountPath": path })));
    all
}

/// What a claim is called in the pod: apart from the folders in memory, whatever the user calls it.
fn volume_name(claim: &str) -> String {
    format!("volume-{claim}")
}

fn memory_name(number: usize) -> String {
    format!("memory-{number}")
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_of_folders_in_memory() {
        for (text, quantity) in
            [("64m", Some("64Mi")), ("1G", Some("1Gi")), ("4096", Some("4096")), ("10%", None), ("", None)]
        {
            assert_eq!(size(text).as_deref(), quantity, "{text}");
        }
    }
}
