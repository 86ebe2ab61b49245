//! Secrets: values of variables, and how nodes read the registry.

use super::container::{is_secret, variables};
use super::object;
use crate::names::{self, ROLE};
use crate::settings::Settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sampan_provider::Specification;
use serde_json::{Map, Value, json};
use std::fmt;

/// How one registry is logged in to.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// Host and port.
    pub(crate) host: String,
    /// User.
    pub(crate) user: String,
    /// A secret: never logged.
    pub(crate) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("host", &self.host).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The values of one specification's secret variables; `None` when it has none. It is never changed: the next
/// specification has one of its own.
pub(crate) fn environment(specification: &Specification, settings: &Settings) -> Option<Value> {
    let data: Map<String, Value> = variables(specification)
        .into_iter()
        .filter(|(name, _)| is_secret(specification, name))
        .map(|(name, value)| (name.to_owned(), json!(STANDARD.encode(value))))
        .collect();
    if data.is_empty() {
        return None;
    }
    let called = names::environment_secret(&specification.name, &specification.fingerprint());
    let mut made = object("v1", "Secret", &called, &specification.name, settings);
    made["metadata"]["labels"][ROLE] = json!("environment");
    made["type"] = json!("Opaque");
    made["immutable"] = json!(true);
    made["data"] = Value::Object(data);
    Some(made)
}

/// With what nodes read the registry.
pub(crate) fn pull(login: &Login, service: &str, settings: &Settings) -> Value {
    let auth = STANDARD.encode(format!("{}:{}", login.user, login.password));
    let config = json!({ "auths": { login.host.as_str(): {
        "username": login.user, "password": login.password, "auth": auth } } });
    let mut made = object("v1", "Secret", &names::pull_secret(service), service, settings);
    made["metadata"]["labels"][ROLE] = json!("pull");
    made["type"] = json!("kubernetes.io/dockerconfigjson");
    made["data"] = json!({ ".dockerconfigjson": STANDARD.encode(config.to_string()) });
    made
}
