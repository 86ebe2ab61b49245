//! Figures.

use crate::client::{Api, Client};
use sampan_provider::Result;
use serde_json::{Value, json};

const CLOUDWATCH: Api =
    Api { json: "1.0", ..Api::json("monitoring", "monitoring", "GraniteServiceVersion20100801") };

impl Client {
    /// The newest CPU and memory use of a service, in percent of what it may have, with its second since 1970.
    pub(crate) async fn use_of(
        &self,
        cluster: &str,
        service: &str,
        now: i64,
    ) -> Result<[Option<(f64, i64)>; 2]> {
        let query = |id: &str, metric: &str| {
            json!({ "Id": id, "MetricStat": { "Period": 60, "Stat": "Average", "Metric": {
                "Namespace": "AWS/ECS", "MetricName": metric, "Dimensions": [
                    { "Name": "ClusterName", "Value": cluster }, { "Name": "ServiceName", "Value": service }] } } })
        };
        let queries = [query("cpu", "CPUUtilization"), query("memory", "MemoryUtilization")];
        let body = json!({ "StartTime": now - 900, "EndTime": now, "MetricDataQueries": queries });
        let answer = self.json(CLOUDWATCH, "GetMetricData", &body).await?;
        let newest = |id: &str| {
            let result = answer["MetricDataResults"].as_array()?.iter().find(|result| result["Id"] == *id)?;
            let values = result["Values"].as_array()?;
            let times = result["Timestamps"].as_array()?;
            let pairs =
                times.iter().zip(values).filter_map(|(at, value)| Some((value.as_f64()?, second(at)?)));
            pairs.max_by_key(|(_, at)| *at)
        };
        Ok([newest("cpu"), newest("memory")])
    }
}

/// Seconds since 1970, as a number or a date.
#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 are far below")]
fn second(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => Some(text.parse::<jiff::Timestamp>().ok()?.as_second()),
        other => Some(other.as_f64()? as i64),
    }
}
