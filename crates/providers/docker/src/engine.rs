//! An engine and what is known of it.

use crate::failure::failure;
use sampan_engine_client::{Address, Client, Query};
use sampan_provider::{Failure, Result};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Label: made by us.
pub(crate) const MANAGED: &str = "sampan.managed";
/// Label: the service that it is for.
pub(crate) const SERVICE: &str = "sampan.service";
/// Label: which replica.
pub(crate) const NUMBER: &str = "sampan.service.number";
/// Label: grows with each deployment.
pub(crate) const REVISION: &str = "sampan.service.revision";
/// Label: what it was made of.
pub(crate) const FINGERPRINT: &str = "sampan.service.fingerprint";
/// Label: the image as users write it.
pub(crate) const IMAGE: &str = "sampan.service.image";
/// Ends the name of a replica that is not there yet.
pub(crate) const COMING: &str = ".new";
/// Ends the name of a replica that was there before.
pub(crate) const BEFORE: &str = ".before";

/// A Docker engine.
pub(crate) struct Docker {
    pub(crate) client: Client,
    /// Where published ports are reached, when the user says so.
    published: Option<String>,
    /// It is Sampan; known once it was asked.
    own: OnceLock<bool>,
}

impl Docker {
    pub(crate) fn new(client: Client, published: Option<String>) -> Self {
        Self { client, published, own: OnceLock::new() }
    }

    /// Whether the engine is Sampan; plain Docker until it was asked.
    pub(crate) fn is_own(&self) -> bool {
        self.own.get().copied().unwrap_or(false)
    }

    /// Asks what the engine is.
    pub(crate) async fn version(&self) -> Result<Value> {
        let version = self.get(Query::path("/version", &[])).await?;
        let name = version.pointer("/Platform/Name").and_then(Value::as_str).unwrap_or_default();
        // Whoever came first knows the same.
        let _ = self.own.set(name.starts_with("Sampan"));
        Ok(version)
    }

    /// Whether the engine is Sampan, asking it if need be.
    pub(crate) async fn ask_own(&self) -> Result<bool> {
        if let Some(own) = self.own.get() {
            return Ok(*own);
        }
        self.version().await?;
        Ok(self.is_own())
    }

    /// Where its published ports are reached.
    pub(crate) fn host(&self) -> String {
        if let Some(address) = &self.published {
            return address.clone();
        }
        match self.client.address() {
            Address::Unix(_) => "127.0.0.1".to_owned(),
            Address::Tcp { host, .. } | Address::Ssh { host, .. } => host.clone(),
        }
    }

    pub(crate) async fn get(&self, query: Query) -> Result<Value> {
        self.client.get(query).await.map_err(failure)
    }

    pub(crate) async fn post(&self, query: Query, body: Option<&Value>) -> Result<Value> {
        self.client.post(query, body).await.map_err(failure)
    }

    /// Deletes; what is not there is deleted.
    pub(crate) async fn delete(&self, query: Query) -> Result<()> {
        match self.client.delete(query).await {
            Err(answer) if answer.status() == 404 => Ok(()),
            other => other.map(drop).map_err(failure),
        }
    }

    /// Does something with a container; what is done already is done.
    pub(crate) async fn act(&self, id: &str, verb: &str) -> Result<()> {
        match self.client.post(Query::path("/containers/{}/{}", &[id, verb]), None).await {
            Err(answer) if answer.status() == 304 => Ok(()),
            other => other.map(drop).map_err(failure),
        }
    }

    pub(crate) async fn rename(&self, id: &str, name: &str) -> Result<()> {
        self.post(Query::path("/containers/{}/rename", &[id]).with("name", name), None).await.map(drop)
    }

    /// Removes a container, running or not, with the volumes that it has for itself alone when asked.
    pub(crate) async fn remove_container(&self, id: &str, volumes: bool) -> Result<()> {
        let query = Query::path("/containers/{}", &[id]).with("force", "1");
        self.delete(if volumes { query.with("v", "1") } else { query }).await
    }

    /// One container; `None` when it is not there.
    pub(crate) async fn inspect(&self, id: &str) -> Result<Option<Value>> {
        match self.get(Query::path("/containers/{}/json", &[id])).await {
            Ok(found) => Ok(Some(found)),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// All containers with these labels, ended ones too.
    pub(crate) async fn containers(&self, labels: &[String]) -> Result<Vec<Value>> {
        let mut query = Query::path("/containers/json", &[]).with("all", "1");
        if !labels.is_empty() {
            query = query.with("filters", &json!({"label": labels}).to_string());
        }
        match self.get(query).await? {
            Value::Array(all) => Ok(all),
            _ => Err(Failure::Transport(format!("{} gave no list", self.client.address()))),
        }
    }
}

/// A text in an answer; empty when it is not there.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number in an answer.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

/// A label of a container in a list.
pub(crate) fn label<'a>(container: &'a Value, name: &str) -> &'a str {
    container.get("Labels").and_then(|labels| labels.get(name)).and_then(Value::as_str).unwrap_or_default()
}

/// The name of a container in a list, without the slash.
pub(crate) fn name_of(container: &Value) -> &str {
    text(container, "/Names/0").trim_start_matches('/')
}
