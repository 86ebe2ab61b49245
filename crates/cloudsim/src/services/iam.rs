//! STS and IAM: who calls, and roles that are only remembered.

use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::wire::members::{needed, tag_list, tags, text_or};
use crate::wire::{Answered, Call, Failure};

fn missing(name: &str) -> Failure {
    Failure::new("NoSuchEntity", format!("The role with name {name} cannot be found.")).with_status(404)
}

/// Answers a call. Roles belong to no region.
pub(crate) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let account = &cloud.keys.account;
    if call.operation == "GetCallerIdentity" {
        let arn = format!("arn:aws:iam::{account}:user/cloudsim");
        return Ok(json!({ "Arn": arn, "UserId": cloud.keys.id, "Account": account }));
    }
    let name = needed(input, "RoleName")?;
    let arn = format!("arn:aws:iam::{account}:role/{name}");
    cloud.store.change("global", |region| {
        let role = region.thing("role", name).cloned();
        if call.operation != "CreateRole" && role.is_none() {
            return Err(missing(name));
        }
        let mut role = role.unwrap_or_default();
        let policy = input["PolicyArn"].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "GetRole" => {
                role["Tags"] = tag_list(region.tags.get(&arn), "Key", "Value");
                Ok(json!({ "Role": role }))
            }
            "CreateRole" => {
                if !role.is_null() {
                    let said = format!("Role with name {name} already exists.");
                    return Err(Failure::new("EntityAlreadyExists", said).with_status(409));
                }
                let role = json!({ "Path": text_or(input, "Path", "/"), "RoleName": name, "Arn": arn,
                    "RoleId": format!("AROA{}", clock::random(17).to_uppercase()), "CreateDate": clock::iso(clock::now()),
                    "AssumeRolePolicyDocument": input["AssumeRolePolicyDocument"], "Description": input["Description"] });
                region.keep("role", name, role.clone());
                region.tag(&arn, tags(&input["Tags"]));
                Ok(json!({ "Role": role }))
            }
            "AttachRolePolicy" => {
                let attached = json!({ "PolicyName": crate::wire::members::short(policy), "PolicyArn": policy });
                region.keep(&format!("policies of {name}"), policy, attached);
                Ok(Value::Null)
            }
            "DetachRolePolicy" => {
                region.forget(&format!("policies of {name}"), policy);
                Ok(Value::Null)
            }
            "ListAttachedRolePolicies" => {
                let all: Vec<Value> = region.all(&format!("policies of {name}")).cloned().collect();
                Ok(json!({ "AttachedPolicies": all, "IsTruncated": false }))
            }
            "ListRoleTags" => {
                Ok(json!({ "Tags": tag_list(region.tags.get(&arn), "Key", "Value"), "IsTruncated": false }))
            }
            "TagRole" => {
                region.tag(&arn, tags(&input["Tags"]));
                Ok(Value::Null)
            }
            "DeleteRole" => {
                if region.all(&format!("policies of {name}")).next().is_some() {
                    let said = "Cannot delete entity, must detach all policies first.";
                    return Err(Failure::new("DeleteConflict", said).with_status(409));
                }
                region.forget("role", name);
                region.tags.remove(&arn);
                Ok(Value::Null)
            }
            _ => Err(Failure::unknown(call)),
        }
    })
}
