//! EFS: file systems and mount targets that are only remembered; an access point is a volume of the engine.

use std::sync::Arc;

use hyper::Method;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::scheduler::volume_name;
use crate::wire::members::{tag_list, tags, text_or};
use crate::wire::{Answered, Call, Failure};

/// What a path and method mean, and the input with what they say.
pub(crate) fn route(head: &Parts, body: &[u8]) -> Option<(String, Value)> {
    let mut parts = head.uri.path().trim_matches('/').split('/').skip(1);
    let (kind, id) = (parts.next()?, parts.next());
    let mut input: Value = if body.is_empty() { json!({}) } else { serde_json::from_slice(body).ok()? };
    for (name, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        input[name.as_ref()] = value.as_ref().into();
    }
    let (noun, member) = match kind {
        "file-systems" => ("FileSystem", "FileSystemId"),
        "mount-targets" => ("MountTarget", "MountTargetId"),
        "access-points" => ("AccessPoint", "AccessPointId"),
        "resource-tags" => ("Resource", "ResourceId"),
        _ => return None,
    };
    if let Some(id) = id {
        input[member] = id.into();
    }
    let operation = match (&head.method, kind) {
        (&Method::POST, "resource-tags") => "TagResource".into(),
        (&Method::GET, "resource-tags") => "ListTagsForResource".into(),
        (&Method::POST, _) => format!("Create{noun}"),
        (&Method::GET, _) => format!("Describe{noun}s"),
        (&Method::DELETE, _) => format!("Delete{noun}"),
        _ => return None,
    };
    Some((operation, input))
}

/// The status of a success.
pub(crate) fn status(operation: &str) -> u16 {
    match operation {
        "CreateFileSystem" => 201,
        _ if operation.starts_with("Delete") => 204,
        _ => 200,
    }
}

/// The kind of thing, the member that is its id, the beginning of its ids, the list of the answer, its refusal.
fn kind(operation: &str) -> Option<(&'static str, &'static str, &'static str, &'static str, &'static str)> {
    Some(match () {
        () if operation.contains("FileSystem") => {
            ("file-system", "FileSystemId", "fs-", "FileSystems", "FileSystemNotFound")
        }
        () if operation.contains("MountTarget") => {
            ("mount-target", "MountTargetId", "fsmt-", "MountTargets", "MountTargetNotFound")
        }
        () if operation.contains("AccessPoint") => {
            ("access-point", "AccessPointId", "fsap-", "AccessPoints", "AccessPointNotFound")
        }
        () => return None,
    })
}

/// Answers a call.
pub(crate) async fn answer(cloud: &Arc<Cloud>, call: &Call) -> Answered {
    let (input, region) = (&call.input, call.region.as_str());
    if let "TagResource" | "ListTagsForResource" = call.operation.as_str() {
        let id = text_or(input, "ResourceId", "");
        return cloud.store.change(region, |region| {
            region.tag(id, tags(&input["Tags"]));
            Ok(json!({ "Tags": tag_list(region.tags.get(id), "Key", "Value") }))
        });
    }
    let (kind, member, prefix, many, refusal) =
        kind(&call.operation).ok_or_else(|| Failure::unknown(call))?;
    let missing = |id: &str| Failure::new(refusal, format!("'{id}' does not exist.")).with_status(404);
    let asked = input[member].as_str();
    if call.operation.starts_with("Describe") {
        return cloud.store.look(region, |region| {
            let system = input["FileSystemId"].as_str();
            let token = input["CreationToken"].as_str();
            let is_asked = |one: &&Value| {
                asked.is_none_or(|id| one[member] == id)
                    && system.is_none_or(|id| one["FileSystemId"] == id)
                    && token.is_none_or(|token| one["CreationToken"] == token)
            };
            let tagged = |one: &Value| {
                let mut one = one.clone();
                one["Tags"] = tag_list(region.tags.get(text_or(&one, member, "")), "Key", "Value");
                one
            };
            let found: Vec<Value> = region.all(kind).filter(is_asked).map(tagged).collect();
            if let (Some(id), true) = (asked, found.is_empty()) {
                return Err(missing(id));
            }
            Ok(json!({ many: found }))
        });
    }
    if call.operation.starts_with("Create") {
        return create(cloud, call, kind, member, prefix);
    }
    let id = asked.unwrap_or_default();
    cloud.store.change(region, |region| {
        let in_use = |kind: &str| region.all(kind).any(|one| one["FileSystemId"] == id);
        if kind == "file-system" && (in_use("mount-target") || in_use("access-point")) {
            let said = format!("file system '{id}' has mount targets or access points");
            return Err(Failure::new("FileSystemInUse", said).with_status(409));
        }
        region.tags.remove(id);
        region.forget(kind, id).ok_or_else(|| missing(id))
    })?;
    if kind != "mount-target" {
        // A volume that a task still uses stays until `destroy`; on AWS its data would be gone as well.
        let path = format!("/volumes/{}", volume_name(region, id));
        if let Err(error) = cloud.engine.forget(&path).await {
            tracing::warn!(%error, id, "a volume stays");
        }
    }
    Ok(Value::Null)
}

fn create(cloud: &Cloud, call: &Call, kind: &str, member: &str, prefix: &str) -> Answered {
    let (input, region) = (&call.input, call.region.as_str());
    let id = format!("{prefix}{}", clock::random(17));
    let token = text_or(input, "CreationToken", text_or(input, "ClientToken", ""));
    let mut thing = json!({ member: id, "LifeCycleState": "available", "OwnerId": cloud.keys.account,
        "FileSystemId": if kind == "file-system" { id.as_str() } else { text_or(input, "FileSystemId", "") } });
    let noun = if kind == "access-point" { "AccessPointArn" } else { "FileSystemArn" };
    match kind {
        "mount-target" => {
            thing["SubnetId"] = input["SubnetId"].clone();
            thing["IpAddress"] = "172.31.0.10".into();
        }
        _ => thing[noun] = cloud.arn("elasticfilesystem", region, &format!("{kind}/{id}")).into(),
    }
    match kind {
        "file-system" => {
            thing["CreationToken"] = token.into();
            thing["CreationTime"] = clock::seconds(clock::now()).into();
            thing["NumberOfMountTargets"] = 0.into();
            thing["SizeInBytes"] = json!({ "Value": 6144 });
            thing["PerformanceMode"] = text_or(input, "PerformanceMode", "generalPurpose").into();
            thing["Encrypted"] = input["Encrypted"].as_bool().unwrap_or(false).into();
        }
        "access-point" => {
            for name in ["ClientToken", "PosixUser", "RootDirectory"] {
                if !input[name].is_null() {
                    thing[name] = input[name].clone();
                }
            }
        }
        _ => {}
    }
    cloud.store.change(region, |region| {
        let system = text_or(input, "FileSystemId", "");
        if kind != "file-system" && region.thing("file-system", system).is_none() {
            return Err(
                Failure::new("FileSystemNotFound", format!("'{system}' does not exist.")).with_status(404)
            );
        }
        let same = |one: &&Value| one["CreationToken"] == token || one["ClientToken"] == token;
        if !token.is_empty() && region.all(kind).any(|one| same(&one)) {
            let code =
                if kind == "file-system" { "FileSystemAlreadyExists" } else { "AccessPointAlreadyExists" };
            return Err(Failure::new(code, format!("'{token}' exists already.")).with_status(409));
        }
        let given = tags(&input["Tags"]);
        thing["Tags"] = tag_list(Some(&given), "Key", "Value");
        region.tag(&id, given);
        region.keep(kind, &id, thing.clone());
        Ok(thing.clone())
    })
}
