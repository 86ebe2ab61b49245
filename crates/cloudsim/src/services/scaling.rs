//! Application Auto Scaling: targets and policies, which `scheduler/scaling.rs` acts on.

use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::wire::members::{needed, tags, texts};
use crate::wire::{Answered, Call, Failure};

/// Answers a call.
pub(crate) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let resource = input["ResourceId"].as_str().unwrap_or_default();
    let missing =
        || Failure::new("ObjectNotFoundException", format!("No scalable target found for {resource}"));
    let now = clock::seconds(clock::now());
    cloud.store.change(&call.region, |region| match call.operation.as_str() {
        "RegisterScalableTarget" => {
            let id = needed(input, "ResourceId")?;
            let arn = cloud.arn("application-autoscaling", &call.region, &format!("scalable-target/{}", clock::random(26)));
            let mut target = region.thing("scalable", id).cloned().unwrap_or_else(|| json!({ "CreationTime": now,
                "ScalableTargetARN": arn, "RoleARN": "arn:aws:iam::000000000000:role/cloudsim-autoscaling" }));
            for name in ["ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState"] {
                if !input[name].is_null() {
                    target[name] = input[name].clone();
                }
            }
            let arn = target["ScalableTargetARN"].clone();
            region.keep("scalable", id, target);
            region.tag(arn.as_str().unwrap_or_default(), tags(&input["Tags"]));
            Ok(json!({ "ScalableTargetARN": arn }))
        }
        "DescribeScalableTargets" => {
            let ids = texts(input, "ResourceIds");
            let is_asked = |one: &&Value| ids.is_empty() || one["ResourceId"].as_str().is_some_and(|id| ids.contains(&id));
            Ok(json!({ "ScalableTargets": region.all("scalable").filter(is_asked).collect::<Vec<_>>() }))
        }
        "DeregisterScalableTarget" => {
            region.forget("scalable", resource).ok_or_else(missing)?;
            if let Some(policies) = region.things.get_mut("scaling-policy") {
                policies.retain(|_, policy| policy["ResourceId"] != resource);
            }
            Ok(Value::Null)
        }
        "PutScalingPolicy" => {
            let name = needed(input, "PolicyName")?;
            region.thing("scalable", resource).ok_or_else(missing)?;
            let key = format!("{resource} {name}");
            let arn = cloud.arn("autoscaling", &call.region, &format!("scalingPolicy:{resource}:policyName/{name}"));
            let mut policy = input.clone();
            (policy["PolicyARN"], policy["CreationTime"], policy["Alarms"]) = (json!(arn), json!(now), json!([]));
            region.keep("scaling-policy", &key, policy);
            Ok(json!({ "PolicyARN": arn, "Alarms": [] }))
        }
        "DescribeScalingPolicies" => {
            let names = texts(input, "PolicyNames");
            let is_asked = |one: &&Value| {
                (resource.is_empty() || one["ResourceId"] == resource)
                    && (names.is_empty() || one["PolicyName"].as_str().is_some_and(|name| names.contains(&name)))
            };
            Ok(json!({ "ScalingPolicies": region.all("scaling-policy").filter(is_asked).collect::<Vec<_>>() }))
        }
        "DeleteScalingPolicy" => {
            let key = format!("{resource} {}", needed(input, "PolicyName")?);
            region.forget("scaling-policy", &key).ok_or_else(missing)?;
            Ok(Value::Null)
        }
        _ => Err(Failure::unknown(call)),
    })
}
