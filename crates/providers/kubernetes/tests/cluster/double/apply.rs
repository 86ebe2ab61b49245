//! Patches: server-side apply, merge patches and JSON patches.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret, Service};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// What is wrong with an object: a field that its kind does not have, or of another type.
pub(super) fn validate(object: &Value) -> Result<(), String> {
    fn check<T: Serialize + DeserializeOwned>(object: &Value) -> Result<(), String> {
        let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
        let known = serde_json::to_value(typed).unwrap();
        if known == *object { Ok(()) } else { Err("unknown fields".to_owned()) }
    }
    match object["kind"].as_str() {
        Some("Deployment") => check::<Deployment>(object),
        Some("Service") => check::<Service>(object),
        Some("Secret") => check::<Secret>(object),
        Some("PersistentVolumeClaim") => check::<PersistentVolumeClaim>(object),
        Some("HorizontalPodAutoscaler") => check::<HorizontalPodAutoscaler>(object),
        other => Err(format!("unknown kind {other:?}")),
    }
}

/// What an object is after its manager applied something: its fields that are gone are removed, the others stay.
pub(super) fn applied(live: Option<&Value>, before: Option<&Value>, now: &Value) -> Value {
    let mut live = live.cloned().unwrap_or_else(|| json!({}));
    if let Some(before) = before {
        forget(&mut live, before, now);
    }
    lay(&mut live, now);
    live
}

/// Lists of objects with a name are maps by name; all others are one value.
fn is_by_name(value: &Value) -> bool {
    value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["name"].is_string()))
}

fn of_name<'a>(list: &'a mut Value, name: &Value) -> Option<&'a mut Value> {
    list.as_array_mut()?.iter_mut().find(|one| one["name"] == *name)
}

fn forget(live: &mut Value, before: &Value, now: &Value) {
    if let (Value::Object(live), Value::Object(before)) = (&mut *live, before) {
        for (key, old) in before {
            match now.get(key) {
                None => drop(live.remove(key)),
                Some(new) => {
                    if let Some(live) = live.get_mut(key) {
                        forget(live, old, new);
                    }
                }
            }
        }
    } else if is_by_name(before) && is_by_name(now) {
        for old in before.as_array().unwrap() {
            let new = now.as_array().unwrap().iter().find(|one| one["name"] == old["name"]);
            match new {
                None => live.as_array_mut().unwrap().retain(|one| one["name"] != old["name"]),
                Some(new) => {
                    if let Some(live) = of_name(live, &old["name"]) {
                        forget(live, old, new);
                    }
                }
            }
        }
    }
}

fn lay(live: &mut Value, now: &Value) {
    match now {
        Value::Object(fields) => {
            if !live.is_object() {
                *live = Value::Object(Map::new());
            }
            for (key, value) in fields {
                lay(&mut live[key], value);
            }
        }
        Value::Array(items) if is_by_name(now) && is_by_name(live) => {
            for item in items {
                match of_name(live, &item["name"]) {
                    Some(there) => lay(there, item),
                    None => live.as_array_mut().unwrap().push(item.clone()),
                }
            }
        }
        other => *live = other.clone(),
    }
}

/// RFC 7396.
pub(super) fn merge(live: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else { return *live = patch.clone() };
    if !live.is_object() {
        *live = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            live.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut live[key], value);
        }
    }
}

/// The part of RFC 6902 that kubectl uses: `add` and `replace` of a field.
pub(super) fn json_patch(live: &mut Value, patch: &Value) {
    for one in patch.as_array().unwrap() {
        let (parent, field) = one["path"].as_str().unwrap().rsplit_once('/').unwrap();
        live.pointer_mut(parent).unwrap()[field] = one["value"].clone();
    }
}

/// What a server fills in.
pub(super) fn fill_in(plural: &str, object: &mut Value) {
    if plural == "deployments" {
        let container = &mut object["spec"]["template"]["spec"]["containers"][0];
        if container["terminationMessagePath"].is_null() {
            container["terminationMessagePath"] = json!("/dev/termination-log");
        }
        if object["spec"]["template"]["spec"]["restartPolicy"].is_null() {
            object["spec"]["template"]["spec"]["restartPolicy"] = json!("Always");
        }
    }
    if plural == "services" && object["spec"]["clusterIP"].is_null() {
        object["spec"]["clusterIP"] = json!("10.96.0.10");
        if object["spec"]["type"] == "LoadBalancer" {
            object["status"] = json!({ "loadBalancer": { "ingress": [ { "ip": "192.0.2.1" } ] } });
        }
    }
}
