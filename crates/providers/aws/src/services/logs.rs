//! What containers print.

use super::{gone, made, tags, text};
use crate::client::{Api, Client};
use sampan_provider::Result;
use serde_json::{Map, Value, json};

const LOGS: Api = Api::json("logs", "logs", "Logs_20140328");

impl Client {
    /// Makes a group of logs unless it is there.
    pub(crate) async fn ensure_log_group(&self, name: &str, service: &str) -> Result<()> {
        let tags: Map<String, Value> =
            tags(service).into_iter().map(|(name, value)| (name, value.into())).collect();
        made(self.json(LOGS, "CreateLogGroup", &json!({ "logGroupName": name, "tags": tags })).await)
    }

    /// The names of groups that begin so.
    pub(crate) async fn log_groups(&self, prefix: &str) -> Result<Vec<String>> {
        let body = json!({ "logGroupNamePrefix": prefix });
        let found = self.pages(LOGS, "DescribeLogGroups", body, "logGroups", "nextToken").await?;
        Ok(found.iter().map(|group| text(group, "logGroupName")).collect())
    }

    /// Tags of a group.
    pub(crate) async fn log_group_service(&self, name: &str) -> Result<Option<String>> {
        let answer = self.json(LOGS, "ListTagsLogGroup", &json!({ "logGroupName": name })).await?;
        let ours = answer["tags"]["sampan.managed"].is_string();
        Ok(ours.then(|| text(&answer["tags"], "sampan.service")))
    }

    /// One page of events: its events, and the token of the next one.
    pub(crate) async fn log_events(&self, body: &Value) -> Result<(Vec<Value>, Option<String>)> {
        let mut answer = self.json(LOGS, "FilterLogEvents", body).await?;
        let events = answer["events"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok((events, answer["nextToken"].as_str().map(str::to_owned)))
    }

    /// Removes a group with what is in it.
    pub(crate) async fn delete_log_group(&self, name: &str) -> Result<()> {
        gone(self.json(LOGS, "DeleteLogGroup", &json!({ "logGroupName": name })).await)
    }
}
