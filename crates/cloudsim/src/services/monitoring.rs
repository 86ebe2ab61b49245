//! CloudWatch: what tasks use at this moment, measured on their containers.

use hyper::Method;
use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::wire::members::{list, text_or};
use crate::wire::{Answered, Call, Failure};

/// Answers a call.
pub(crate) async fn answer(cloud: &Cloud, call: &Call) -> Answered {
    if call.operation != "GetMetricData" {
        return Err(Failure::unknown(call));
    }
    let mut results = Vec::new();
    for query in list(&call.input, "MetricDataQueries") {
        let metric = &query["MetricStat"]["Metric"];
        let value = match service_of(metric) {
            Some((cluster, service)) => {
                used(cloud, &call.region, &cluster, &service, text_or(metric, "MetricName", "")).await
            }
            None => None,
        };
        let times: Vec<Value> = value.iter().map(|_| json!(clock::seconds(clock::now()))).collect();
        results.push(json!({ "Id": query["Id"], "Label": metric["MetricName"], "StatusCode": "Complete",
            "Timestamps": times, "Values": value.into_iter().collect::<Vec<_>>() }));
    }
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
}

/// Cluster and service of a metric of ECS.
fn service_of(metric: &Value) -> Option<(String, String)> {
    let dimensions = list(metric, "Dimensions");
    let value = |name: &str| {
        dimensions
            .iter()
            .find(|one| one["Name"] == name)
            .and_then(|one| one["Value"].as_str())
            .map(str::to_owned)
    };
    (metric["Namespace"] == "AWS/ECS").then_some(())?;
    Some((value("ClusterName")?, value("ServiceName")?))
}

/// The mean of a metric over a service's running containers, percent of what they may have.
pub(crate) async fn used(
    cloud: &Cloud,
    region: &str,
    cluster: &str,
    service: &str,
    metric: &str,
) -> Option<f64> {
    let (of_service, of_cluster) = (format!("/{service}"), format!("/{cluster}/"));
    let containers: Vec<String> = cloud.store.look(region, |region| {
        let ours = region.tasks.values().filter(|task| {
            task.status == "RUNNING"
                && task
                    .service
                    .as_deref()
                    .is_some_and(|arn| arn.ends_with(&of_service) && arn.contains(&of_cluster))
        });
        ours.flat_map(|task| &task.containers).filter_map(|container| container.id.clone()).collect()
    });
    let mut values = Vec::new();
    for container in containers {
        let path = format!("/containers/{container}/stats?stream=false");
        // One that ended meanwhile uses nothing.
        let Ok(stats) = cloud.engine.call(Method::GET, &path, None).await else { continue };
        let seen = cloud.engine.inspect(&container).await.unwrap_or_default();
        values.extend(match metric {
            "CPUUtilization" => cpu(&stats, seen["HostConfig"]["NanoCpus"].as_f64().unwrap_or(0.0)),
            "MemoryUtilization" => memory(&stats),
            _ => None,
        });
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of containers")]
    let count = values.len() as f64;
    (count > 0.0).then(|| values.iter().sum::<f64>() / count)
}

fn cpu(stats: &Value, nano_cpus: f64) -> Option<f64> {
    let part = |name: &str, field: &str| stats[name]["cpu_usage"][field].as_f64();
    let system = |name: &str| stats[name]["system_cpu_usage"].as_f64();
    let spent = part("cpu_stats", "total_usage")? - part("precpu_stats", "total_usage")?;
    let time = system("cpu_stats")? - system("precpu_stats")?;
    let online = stats["cpu_stats"]["online_cpus"].as_f64().unwrap_or(1.0);
    let may = if nano_cpus > 0.0 { nano_cpus / 1e9 } else { online };
    (time > 0.0).then(|| spent / time * online / may * 100.0)
}

fn memory(stats: &Value) -> Option<f64> {
    let limit = stats["memory_stats"]["limit"].as_f64().filter(|limit| *limit > 0.0)?;
    Some(stats["memory_stats"]["usage"].as_f64()? / limit * 100.0)
}

#[cfg(test)]
mod tests {
    use super::{cpu, memory, service_of};
    use serde_json::json;

    #[test]
    fn percent_is_of_what_a_container_may_have() {
        let stats = json!({ "cpu_stats": { "cpu_usage": { "total_usage": 150 }, "system_cpu_usage": 2000, "online_cpus": 2 },
            "precpu_stats": { "cpu_usage": { "total_usage": 50 }, "system_cpu_usage": 1000 },
            "memory_stats": { "usage": 30, "limit": 120 } });
        // A tenth of two CPUs' time is a fifth of one CPU: 80 % of a quarter of a CPU.
        assert!((cpu(&stats, 0.25e9).unwrap() - 80.0).abs() < 1e-6);
        assert!((cpu(&stats, 0.0).unwrap() - 10.0).abs() < 1e-6);
        assert!((memory(&stats).unwrap() - 25.0).abs() < 1e-6);
        assert!(service_of(&json!({ "Namespace": "AWS/EC2" })).is_none());
    }
}
