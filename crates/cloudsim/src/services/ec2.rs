//! EC2: a default network with three subnets, and security groups that are only remembered.

use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::wire::members::{list, needed, tag_list, tags, text_or, texts};
use crate::wire::{Answered, Call, Failure};

const VPC: &str = "vpc-0c10d51000000001";
const DEFAULT_GROUP: &str = "sg-0c10d51000000001";

fn subnets(region: &str) -> Vec<Value> {
    let one = |(number, zone): (usize, &str)| {
        json!({ "subnetId": format!("subnet-0c10d5100000000{number}"), "vpcId": VPC, "state": "available",
            "cidrBlock": format!("172.31.{}.0/20", number * 16), "availabilityZone": format!("{region}{zone}"),
            "defaultForAz": true, "mapPublicIpOnLaunch": true, "availableIpAddressCount": 4091, "tagSet": [] })
    };
    ["a", "b", "c"].into_iter().enumerate().map(one).collect()
}

/// Whether a thing is what the call's filters and ids ask for.
fn is_asked(input: &Value, thing: &Value, ids: &str, id: &str) -> bool {
    let wanted = texts(input, ids);
    let has = |name: &str, values: &[&str]| {
        let member = match name {
            "vpc-id" => "vpcId",
            "isDefault" | "is-default" => "isDefault",
            "group-name" => "groupName",
            "group-id" => "groupId",
            "subnet-id" => "subnetId",
            "default-for-az" | "defaultForAz" => "defaultForAz",
            "availability-zone" => "availabilityZone",
            "resource-id" => "resourceId",
            "key" => "key",
            "value" => "value",
            "resource-type" => "resourceType",
            _ => name,
        };
        if let Some(key) = name.strip_prefix("tag:") {
            let tags = list(thing, "tagSet");
            return tags.iter().any(|tag| tag["key"] == key && values.contains(&text_or(tag, "value", "")));
        }
        let text = thing[member].as_str().map_or_else(|| thing[member].to_string(), str::to_owned);
        values.contains(&text.as_str())
    };
    let id = thing[id].as_str().unwrap_or_default();
    (wanted.is_empty() || wanted.contains(&id))
        && list(input, "Filter")
            .iter()
            .all(|filter| has(text_or(filter, "Name", ""), &texts(filter, "Value")))
}

fn group(cloud: &Cloud, id: &str, name: &str, about: &str) -> Value {
    json!({ "groupId": id, "groupName": name, "groupDescription": about, "vpcId": VPC,
        "ownerId": cloud.keys.account, "ipPermissions": [], "ipPermissionsEgress": [] })
}

/// Answers a call.
pub(crate) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let region = &call.region;
    let only = |all: Vec<Value>, ids: &str, id: &str| -> Value {
        all.into_iter().filter(|one| is_asked(input, one, ids, id)).collect()
    };
    match call.operation.as_str() {
        "DescribeVpcs" => {
            let vpc = json!({ "vpcId": VPC, "state": "available", "cidrBlock": "172.31.0.0/16", "isDefault": true,
                "ownerId": cloud.keys.account, "instanceTenancy": "default", "tagSet": [] });
            Ok(json!({ "vpcSet": only(vec![vpc], "VpcId", "vpcId") }))
        }
        "DescribeSubnets" => Ok(json!({ "subnetSet": only(subnets(region), "SubnetId", "subnetId") })),
        "DescribeSecurityGroups" => cloud.store.look(region, |region| {
            let mut all = vec![group(cloud, DEFAULT_GROUP, "default", "default VPC security group")];
            all.extend(region.all("security-group").cloned().map(|mut one| {
                one["tagSet"] = tag_list(region.tags.get(text_or(&one, "groupId", "")), "key", "value");
                one
            }));
            let asked = texts(input, "GroupId");
            if let Some(id) = asked.iter().find(|id| !all.iter().any(|one| one["groupId"] == **id)) {
                return Err(no_group(id));
            }
            Ok(json!({ "securityGroupInfo": only(all, "GroupId", "groupId") }))
        }),
        "CreateSecurityGroup" => {
            let name = needed(input, "GroupName")?;
            let id = format!("sg-{}", clock::random(17));
            let made = group(cloud, &id, name, text_or(input, "GroupDescription", ""));
            cloud.store.change(region, |region| {
                if region.all("security-group").any(|one| one["groupName"] == name) {
                    let said = format!("The security group '{name}' already exists for VPC '{VPC}'");
                    return Err(Failure::new("InvalidGroup.Duplicate", said));
                }
                region.keep("security-group", &id, made);
                region.tag(&id, tags(&input["TagSpecification"][0]["Tag"]));
                Ok(json!({ "groupId": id, "tagSet": tag_list(region.tags.get(&id), "key", "value") }))
            })
        }
        "AuthorizeSecurityGroupIngress" => {
            let id = needed(input, "GroupId")?;
            cloud.store.change(region, |region| {
                let mut group = region.thing("security-group", id).cloned().ok_or_else(|| no_group(id))?;
                let fresh: Vec<Value> = list(input, "IpPermissions").iter().map(permission).collect();
                let rules = group["ipPermissions"].as_array_mut().map(std::mem::take).unwrap_or_default();
                if fresh.iter().any(|rule| rules.contains(rule)) {
                    return Err(Failure::new("InvalidPermission.Duplicate", "the specified rule already exists"));
                }
                group["ipPermissions"] = rules.into_iter().chain(fresh).collect();
                region.keep("security-group", id, group);
                Ok(json!({ "return": true }))
            })
        }
        "RevokeSecurityGroupIngress" => {
            let id = needed(input, "GroupId")?;
            cloud.store.change(region, |region| {
                let mut group = region.thing("security-group", id).cloned().ok_or_else(|| no_group(id))?;
                let gone: Vec<Value> = list(input, "IpPermissions").iter().map(permission).collect();
                if let Some(rules) = group["ipPermissions"].as_array_mut() {
                    rules.retain(|rule| !gone.contains(rule));
                }
                region.keep("security-group", id, group);
                Ok(json!({ "return": true }))
            })
        }
        "DeleteSecurityGroup" => {
            let id = needed(input, "GroupId")?;
            cloud.store.change(region, |region| {
                region.tags.remove(id);
                region.forget("security-group", id).ok_or_else(|| no_group(id))?;
                Ok(json!({ "return": true, "groupId": id }))
            })
        }
        "CreateTags" => cloud.store.change(region, |region| {
            texts(input, "ResourceId").iter().for_each(|id| region.tag(id, tags(&input["Tag"])));
            Ok(json!({ "return": true }))
        }),
        "DescribeTags" => cloud.store.look(region, |region| {
            let ids = region.tags.iter().filter(|(id, _)| id.starts_with("sg-"));
            let tag = |(id, tags): (&String, &crate::wire::members::Tags)| {
                let one = |(key, value): (&String, &String)| {
                    json!({ "resourceId": id, "resourceType": "security-group", "key": key, "value": value })
                };
                tags.iter().map(one).collect::<Vec<_>>()
            };
            Ok(json!({ "tagSet": only(ids.flat_map(tag).collect(), "-", "resourceId") }))
        }),
        _ => Err(Failure::unknown(call)),
    }
}

fn permission(rule: &Value) -> Value {
    let ranges: Vec<Value> =
        list(rule, "IpRanges").iter().map(|one| json!({ "cidrIp": one["CidrIp"] })).collect();
    let groups: Vec<Value> =
        list(rule, "Groups").iter().map(|one| json!({ "groupId": one["GroupId"] })).collect();
    json!({ "ipProtocol": rule["IpProtocol"], "fromPort": rule["FromPort"], "toPort": rule["ToPort"],
        "ipRanges": ranges, "groups": groups })
}

fn no_group(id: &str) -> Failure {
    Failure::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
}
