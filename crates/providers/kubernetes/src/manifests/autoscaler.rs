//! Replicas by load.

use super::object;
use crate::names;
use crate::settings::Settings;
use sampan_provider::{AutoscalePolicy, Failure, Result};
use serde_json::{Value, json};

/// What Kubernetes aims at when nothing was said: percent of the CPUs.
const USUAL: f64 = 80.0;

/// The autoscaler of a service.
///
/// # Errors
/// Kubernetes does not scale so by itself.
pub(crate) fn autoscaler(name: &str, policy: &AutoscalePolicy, settings: &Settings) -> Result<Value> {
    if policy.requests.is_some() {
        return Err(Failure::unsupported(
            "scale by requests",
            "Kubernetes scales by CPU and memory: give `--cpu` or `--memory`",
        ));
    }
    if policy.least == 0 {
        return Err(Failure::invalid("least", "an autoscaler of Kubernetes keeps at least one replica"));
    }
    if policy.most < policy.least {
        return Err(Failure::invalid("most", "the most replicas are fewer than the least"));
    }
    let cpu = policy.cpu.or(if policy.memory.is_none() { Some(USUAL) } else { None });
    let metrics: Vec<Value> = [("cpu", cpu), ("memory", policy.memory)]
        .into_iter()
        .filter_map(|(of, goal)| Some(metric(of, goal?)))
        .collect();
    let called = names::object(name);
    let mut made = object("autoscaling/v2", "HorizontalPodAutoscaler", &called, name, settings);
    made["spec"] = json!({
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": called },
        "minReplicas": policy.least,
        "maxReplicas": policy.most,
        "metrics": metrics,
    });
    Ok(made)
}

/// Percent of what a replica asked for, a whole number above 0.
fn metric(of: &str, goal: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "between 1 and 1000")]
    let percent = goal.round().clamp(1.0, 1000.0) as i64;
    json!({ "type": "Resource", "resource": {
        "name": of, "target": { "type": "Utilization", "averageUtilization": percent } } })
}

#[cfg(test)]
mod tests {
    use super::autoscaler;
    use crate::settings::Settings;
    use sampan_provider::{AutoscalePolicy, Failure};

    #[test]
    fn a_policy_is_an_autoscaler() {
        let policy = AutoscalePolicy { least: 2, most: 5, memory: Some(70.4), ..AutoscalePolicy::default() };
        let made = autoscaler("web", &policy, &Settings::default()).unwrap();
        assert_eq!((&made["spec"]["minReplicas"], &made["spec"]["maxReplicas"]), (&2.into(), &5.into()));
        let metrics = made["spec"]["metrics"].as_array().unwrap();
        assert_eq!((metrics.len(), &metrics[0]["resource"]["target"]["averageUtilization"]), (1, &70.into()));
        let usual = AutoscalePolicy { least: 1, most: 3, ..AutoscalePolicy::default() };
        let made = autoscaler("web", &usual, &Settings::default()).unwrap();
        assert_eq!(made["spec"]["metrics"][0]["resource"]["name"], "cpu");
    }

    #[test]
    fn what_it_does_not_do_is_said() {
        let requests =
            AutoscalePolicy { least: 1, most: 3, requests: Some(100.0), ..AutoscalePolicy::default() };
        assert!(matches!(
            autoscaler("web", &requests, &Settings::default()),
            Err(Failure::Unsupported { .. })
        ));
        let none = AutoscalePolicy { least: 0, most: 3, ..AutoscalePolicy::default() };
        assert!(autoscaler("web", &none, &Settings::default()).is_err());
    }
}
