//! Elastic Load Balancing: load balancers, target groups, listeners, and the health of targets.

use serde_json::{Map, Value, json};

use crate::balancer::target_group;
use crate::balancer_host;
use crate::clock;
use crate::cloud::Cloud;
use crate::state::Region;
use crate::wire::members::{list, needed, number, short, tag_list, tags, text_or, texts};
use crate::wire::{Answered, Call, Failure};

/// Kind of thing, its ARN's member, its name's member, the list of the answer, its refusal.
type Kind = (&'static str, &'static str, &'static str, &'static str, &'static str);
const BALANCER: Kind =
    ("balancer", "LoadBalancerArn", "LoadBalancerName", "LoadBalancers", "LoadBalancerNotFound");
const GROUP: Kind =
    ("target-group", "TargetGroupArn", "TargetGroupName", "TargetGroups", "TargetGroupNotFound");
const LISTENER: Kind = ("listener", "ListenerArn", "-", "Listeners", "ListenerNotFound");

/// Answers a call; a load balancer's address comes before it and goes after it.
pub(crate) async fn answer_with_host(cloud: &Cloud, call: &Call) -> Answered {
    let (mut address, mut gone) = (None, None);
    match call.operation.as_str() {
        "CreateLoadBalancer" => {
            let name = needed(&call.input, "Name")?;
            // An engine that has no place for it: loopback will do.
            address = balancer_host::address(cloud, &call.region, name).await.ok();
        }
        // …:loadbalancer/net/NAME/ID
        "DeleteLoadBalancer" => gone = needed(&call.input, "LoadBalancerArn")?.rsplit('/').nth(1),
        _ => {}
    }
    let answered = answer(cloud, call, address);
    if let (Ok(_), Some(name)) = (&answered, gone)
        && let Err(error) = balancer_host::remove(cloud, &call.region, name).await
    {
        tracing::warn!(%error, "a load balancer's container stays");
    }
    answered
}

fn answer(cloud: &Cloud, call: &Call, address: Option<String>) -> Answered {
    let input = &call.input;
    // The regions share the addresses.
    let mut used = Vec::new();
    for region in cloud.store.names() {
        cloud
            .store
            .look(&region, |region| used.extend(region.all("balancer").map(|one| one["DNSName"].clone())));
    }
    cloud.store.change(&call.region, |region| match call.operation.as_str() {
        "CreateLoadBalancer" => create_balancer(cloud, region, input, &used, address),
        "CreateTargetGroup" => create_group(cloud, region, input),
        "CreateListener" => create_listener(region, input),
        "DescribeLoadBalancers" => describe(region, input, BALANCER),
        "DescribeTargetGroups" => describe(region, input, GROUP),
        "DescribeListeners" => describe(region, input, LISTENER),
        "DeleteLoadBalancer" => {
            let arn = needed(input, "LoadBalancerArn")?;
            region.forget("balancer", arn);
            region.tags.remove(arn);
            if let Some(listeners) = region.things.get_mut("listener") {
                listeners.retain(|_, listener| listener["LoadBalancerArn"] != arn);
            }
            Ok(Value::Null)
        }
        "DeleteTargetGroup" => {
            let arn = needed(input, "TargetGroupArn")?;
            if region.all("listener").any(|one| target_group(one) == Some(arn)) {
                let said = format!("Target group '{arn}' is currently in use by a listener or a rule");
                return Err(Failure::new("ResourceInUse", said));
            }
            region.forget("target-group", arn);
            region.forget("target-group-attributes", arn);
            region.targets.remove(arn);
            region.tags.remove(arn);
            Ok(Value::Null)
        }
        "DeleteListener" => {
            let arn = needed(input, "ListenerArn")?;
            region.tags.remove(arn);
            region.forget("listener", arn).ok_or_else(|| missing(LISTENER))?;
            Ok(Value::Null)
        }
        "ModifyTargetGroupAttributes" => {
            let arn = needed(input, "TargetGroupArn")?;
            region.thing("target-group", arn).ok_or_else(|| missing(GROUP))?;
            let mut kept = region.thing("target-group-attributes", arn).cloned().unwrap_or_else(|| json!({}));
            for one in list(input, "Attributes") {
                kept[text_or(one, "Key", "-")] = one["Value"].clone();
            }
            region.keep("target-group-attributes", arn, kept.clone());
            Ok(json!({ "Attributes": tag_list(Some(&tags(&kept)), "Key", "Value") }))
        }
        "ModifyTargetGroup" => modify(region, input, GROUP),
        "ModifyListener" => modify(region, input, LISTENER),
        "DescribeTargetHealth" => health(region, input),
        "AddTags" => {
            texts(input, "ResourceArns").iter().for_each(|arn| region.tag(arn, tags(&input["Tags"])));
            Ok(Value::Null)
        }
        "DescribeTags" => {
            let one = |arn: &&str| json!({ "ResourceArn": arn, "Tags": tag_list(region.tags.get(*arn), "Key", "Value") });
            Ok(json!({ "TagDescriptions": texts(input, "ResourceArns").iter().map(one).collect::<Vec<_>>() }))
        }
        _ => Err(Failure::unknown(call)),
    })
}

fn missing(kind: Kind) -> Failure {
    Failure::new(kind.4, "One or more of those named were not found")
}

fn describe(region: &Region, input: &Value, (kind, arn, name, many, refusal): Kind) -> Answered {
    let (arns, names) = (texts(input, &format!("{arn}s")), texts(input, "Names"));
    let of = input["LoadBalancerArn"].as_str();
    let is_asked = |one: &&Value| {
        let group_of = || {
            list(one, "LoadBalancerArns").iter().any(|arn| arn.as_str() == of)
                || one["LoadBalancerArn"].as_str() == of
        };
        (arns.is_empty() || arns.contains(&text_or(one, arn, "")))
            && (names.is_empty() || names.contains(&text_or(one, name, "")))
            && (of.is_none() || group_of())
    };
    let found: Vec<&Value> = region.all(kind).filter(is_asked).collect();
    if found.len() < arns.len().max(names.len()) {
        return Err(Failure::new(refusal, "One or more of those named were not found"));
    }
    Ok(json!({ many: found }))
}

fn create_balancer(
    cloud: &Cloud,
    region: &mut Region,
    input: &Value,
    used: &[Value],
    address: Option<String>,
) -> Answered {
    let name = needed(input, "Name")?;
    if let Some(there) = region.all("balancer").find(|one| one["LoadBalancerName"] == name) {
        return Ok(json!({ "LoadBalancers": [there] }));
    }
    let [a, b] = cloud.balancers.network;
    let free = || {
        let all = (2..255).map(|last| format!("127.{a}.{b}.{last}"));
        all.into_iter().find(|address| !used.iter().any(|taken| taken == address.as_str()))
    };
    let address = address.or_else(free);
    let address = address.ok_or_else(|| Failure::new("TooManyLoadBalancers", "No address is left"))?;
    let kind = text_or(input, "Type", "application");
    let short_kind = if kind == "network" { "net" } else { "app" };
    let id = clock::random(16);
    let arn =
        cloud.arn("elasticloadbalancing", &region.name, &format!("loadbalancer/{short_kind}/{name}/{id}"));
    let balancer = json!({ "LoadBalancerArn": arn, "DNSName": address, "CanonicalHostedZoneId": "Z00000000CLOUDSIM",
        "CreatedTime": clock::iso(clock::now()), "LoadBalancerName": name, "Scheme": text_or(input, "Scheme", "internet-facing"),
        "VpcId": "vpc-0c10d51000000001", "State": { "Code": "active" }, "Type": kind, "IpAddressType": "ipv4",
        "SecurityGroups": input["SecurityGroups"] });
    region.keep("balancer", &arn, balancer.clone());
    region.tag(&arn, tags(&input["Tags"]));
    Ok(json!({ "LoadBalancers": [balancer] }))
}

fn create_group(cloud: &Cloud, region: &mut Region, input: &Value) -> Answered {
    let name = needed(input, "Name")?;
    if region.all("target-group").any(|one| one["TargetGroupName"] == name) {
        let said = format!("A target group with the same name '{name}' exists, but with different settings");
        return Err(Failure::new("DuplicateTargetGroupName", said));
    }
    let arn =
        cloud.arn("elasticloadbalancing", &region.name, &format!("targetgroup/{name}/{}", clock::random(16)));
    let mut group = Map::new();
    for (member, or) in [("Protocol", "TCP"), ("TargetType", "instance"), ("HealthCheckPort", "traffic-port")]
    {
        group.insert(member.into(), text_or(input, member, or).into());
    }
    let probes = if matches!(text_or(input, "Protocol", "TCP"), "HTTP" | "HTTPS") { "HTTP" } else { "TCP" };
    group.insert("HealthCheckProtocol".into(), text_or(input, "HealthCheckProtocol", probes).into());
    let numbers = [
        ("Port", 80),
        ("HealthCheckIntervalSeconds", 30),
        ("HealthCheckTimeoutSeconds", 10),
        ("HealthyThresholdCount", 5),
        ("UnhealthyThresholdCount", 2),
    ];
    for (member, or) in numbers {
        group.insert(member.into(), number(&input[member]).unwrap_or(or).into());
    }
    for member in ["VpcId", "HealthCheckPath"] {
        group.insert(member.into(), input[member].clone());
    }
    group.insert("TargetGroupArn".into(), arn.as_str().into());
    group.insert("TargetGroupName".into(), name.into());
    group.insert("LoadBalancerArns".into(), json!([]));
    region.keep("target-group", &arn, group.clone().into());
    region.tag(&arn, tags(&input["Tags"]));
    Ok(json!({ "TargetGroups": [group] }))
}

fn create_listener(region: &mut Region, input: &Value) -> Answered {
    let balancer = needed(input, "LoadBalancerArn")?;
    region.thing("balancer", balancer).ok_or_else(|| missing(BALANCER))?;
    let port = number(&input["Port"]).ok_or_else(|| Failure::new("ValidationError", "Port is missing"))?;
    if region.all("listener").any(|one| one["LoadBalancerArn"] == balancer && one["Port"] == port) {
        return Err(Failure::new(
            "DuplicateListener",
            "A listener already exists on this port for this load balancer",
        ));
    }
    let arn = format!("{}/{}", balancer.replacen(":loadbalancer/", ":listener/", 1), clock::random(16));
    let listener = json!({ "ListenerArn": arn, "LoadBalancerArn": balancer, "Port": port, "Protocol": input["Protocol"],
        "DefaultActions": input["DefaultActions"] });
    let group = target_group(&listener).unwrap_or_default().to_owned();
    let mut kept = region.thing("target-group", &group).cloned().ok_or_else(|| missing(GROUP))?;
    kept["LoadBalancerArns"] = json!([balancer]);
    region.keep("target-group", &group, kept);
    region.keep("listener", &arn, listener.clone());
    region.tag(&arn, tags(&input["Tags"]));
    Ok(json!({ "Listeners": [listener] }))
}

fn health(region: &Region, input: &Value) -> Answered {
    let group = needed(input, "TargetGroupArn")?;
    region.thing("target-group", group).ok_or_else(|| missing(GROUP))?;
    let one = |(place, target): (&String, &crate::state::Target)| {
        let (id, port) = place.rsplit_once(':').unwrap_or((short(place), "0"));
        let reason = match target.state.as_str() {
            "initial" => json!("Elb.RegistrationInProgress"),
            "unhealthy" => json!("Target.FailedHealthChecks"),
            "draining" => json!("Target.DeregistrationInProgress"),
            _ => Value::Null,
        };
        json!({ "Target": { "Id": id, "Port": port }, "HealthCheckPort": port,
            "TargetHealth": { "State": target.state, "Reason": reason } })
    };
    let targets = region.targets.get(group).into_iter().flatten().map(one).collect::<Vec<_>>();
    Ok(json!({ "TargetHealthDescriptions": targets }))
}

/// Changes the members that are given; numbers arrive as text.
fn modify(region: &mut Region, input: &Value, kind: Kind) -> Answered {
    let (name, member, _, many, _) = kind;
    let arn = needed(input, member)?;
    let mut kept = region.thing(name, arn).cloned().ok_or_else(|| missing(kind))?;
    for (member, value) in input.as_object().into_iter().flatten() {
        if !matches!(member.as_str(), "Action" | "Version") {
            kept[member] = number(value).map_or_else(|| value.clone(), Value::from);
        }
    }
    region.keep(name, arn, kept.clone());
    Ok(json!({ many: [kept] }))
}
