//! Target tracking, as Application Auto Scaling does it: enough tasks that each uses about what its policy says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::clock;
use crate::cloud::Cloud;
use crate::services::monitoring::used;
use crate::state::Region;
use crate::wire::members::number;

/// Between two looks at what tasks use.
const PERIOD: Duration = Duration::from_secs(15);
/// A difference of less than this part of the target changes nothing.
const TOLERANCE: f64 = 0.1;
/// Seconds after a change in which no more tasks are taken away; AWS's own figure, when the policy has none.
const COOLDOWN: i64 = 300;

/// A policy on a service.
#[derive(Debug, Clone, Default, PartialEq)]
struct Policy {
    cluster: String,
    service: String,
    metric: &'static str,
    target: f64,
    least: usize,
    most: usize,
    cooldown: i64,
}

/// Runs until the simulation ends.
pub(crate) async fn run(cloud: Arc<Cloud>) {
    let scaling = async {
        // When the tasks of a service last changed.
        let mut changed: HashMap<String, Instant> = HashMap::new();
        loop {
            tokio::time::sleep(PERIOD).await;
            for region in cloud.store.names() {
                for policy in cloud.store.look(&region, policies) {
                    look(&cloud, &region, &policy, &mut changed).await;
                }
            }
        }
    };
    cloud.end.run_until_cancelled(scaling).await;
}

async fn look(cloud: &Cloud, region: &str, policy: &Policy, changed: &mut HashMap<String, Instant>) {
    let Some(value) = used(cloud, region, &policy.cluster, &policy.service, policy.metric).await else {
        return;
    };
    let key = format!("{region}/{}/{}", policy.cluster, policy.service);
    let since =
        changed.get(&key).map_or(i64::MAX, |at| i64::try_from(at.elapsed().as_secs()).unwrap_or(i64::MAX));
    let did = cloud.store.change(region, |state| {
        let (of_service, of_cluster) = (format!("/{}", policy.service), format!("/{}", policy.cluster));
        let mut services = state.services.values_mut();
        let service =
            services.find(|one| one.arn.ends_with(&of_service) && one.cluster.ends_with(&of_cluster))?;
        let wanted = decide(service.desired, value, policy, since)?;
        let said = format!(
            "has changed its desired count to {wanted}: {} is {value:.0} % of {:.0} %",
            policy.metric, policy.target
        );
        service.desired = wanted;
        service.say(clock::now(), &said);
        Some(())
    });
    if did.is_some() {
        changed.insert(key, Instant::now());
        cloud.wake.notify_one();
    }
}

/// How many tasks there should be; `None` when it is right as it is. More come at once, fewer after the cooldown.
fn decide(now: usize, value: f64, policy: &Policy, since_change: i64) -> Option<usize> {
    if now == 0 {
        return None;
    }
    let ratio = value / policy.target;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "few tasks"
    )]
    let enough = ((now as f64 * ratio).ceil().max(1.0) as usize).clamp(policy.least, policy.most);
    let is_near = (ratio - 1.0).abs() < TOLERANCE && (policy.least..=policy.most).contains(&now);
    (!is_near && enough != now && (enough > now || since_change >= policy.cooldown)).then_some(enough)
}

/// The policies of a region that track what is measured here.
fn policies(region: &Region) -> Vec<Policy> {
    let one = |policy: &Value| {
        let resource = policy["ResourceId"].as_str()?;
        let (cluster, service) = resource.strip_prefix("service/")?.split_once('/')?;
        let tracking = &policy["TargetTrackingScalingPolicyConfiguration"];
        let metric = match tracking["PredefinedMetricSpecification"]["PredefinedMetricType"].as_str()? {
            "ECSServiceAverageCPUUtilization" => "CPUUtilization",
            "ECSServiceAverageMemoryUtilization" => "MemoryUtilization",
            _ => return None,
        };
        let bounds = region.thing("scalable", resource)?;
        let bound = |name: &str| number(&bounds[name]).and_then(|value| usize::try_from(value).ok());
        Some(Policy {
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            metric,
            target: tracking["TargetValue"].as_f64().filter(|target| *target > 0.0)?,
            least: bound("MinCapacity")?,
            most: bound("MaxCapacity")?,
            cooldown: number(&tracking["ScaleInCooldown"]).unwrap_or(COOLDOWN),
        })
    };
    region.all("scaling-policy").filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Policy, decide};

    #[test]
    fn more_at_once_and_fewer_later_within_the_bounds() {
        let policy = Policy { target: 50.0, least: 1, most: 4, cooldown: 300, ..Policy::default() };
        assert_eq!(decide(1, 100.0, &policy, 0), Some(2));
        assert_eq!(decide(1, 1000.0, &policy, 0), Some(4), "never more than the most");
        assert_eq!(decide(2, 53.0, &policy, 900), None, "near enough");
        assert_eq!(decide(4, 10.0, &policy, 100), None, "too early");
        assert_eq!(decide(4, 10.0, &policy, 300), Some(1));
        assert_eq!(decide(0, 0.0, &policy, 900), None, "what was stopped stays so");
        assert_eq!(decide(6, 50.0, &policy, 900), Some(4), "the bounds count though the load is right");
    }
}
