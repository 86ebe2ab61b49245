//! The provider: what a place for containers is asked, as calls to an API server.

mod deploy;
mod describe;
mod follow;
mod identity;
mod instances;
mod logs;
mod remove;
mod roll_back;
mod scale;
mod usage;

use crate::client::{Client, Kind};
use crate::registry::{self, Logins};
use crate::settings::Settings;
use crate::{losses, names};
use sampan_provider::{
    Answer, AutoscalePolicy, Capabilities, Failure, Identity, ImageRoute, Instance, LogLine, LogRequest,
    Loss, Provider, Resource, Result, Service, Sink, Specification, Target, Usage,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One namespace of one cluster.
pub(crate) struct Kubernetes {
    client: Client,
    settings: Settings,
    logins: Logins,
    target: String,
}

impl Kubernetes {
    /// Asks nobody yet.
    pub(crate) fn new(target: &Target, environment: &BTreeMap<String, String>) -> Result<Self> {
        Ok(Self {
            client: Client::new(target, environment)?,
            settings: Settings::of(target)?,
            logins: Logins::of(environment),
            target: target.name.clone(),
        })
    }

    /// The deployment, which must be ours.
    async fn ours(&self, name: &str) -> Result<Value> {
        let found = self.client.get(Kind::DEPLOYMENT, &names::object(name)).await?;
        found
            .filter(|found| is_of(found, name))
            .ok_or_else(|| Failure::NotFound(format!("there is no container {name} at {}", self.target)))
    }
}

/// Whether an object was made for a service.
fn is_of(object: &Value, service: &str) -> bool {
    object["metadata"]["labels"][names::MANAGED] == "1"
        && object["metadata"]["annotations"][names::NAME] == service
}

/// A field as text; empty without one.
fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A field as a number; 0 without one, as Kubernetes leaves zeroes out.
fn number(value: &Value, pointer: &str) -> u32 {
    value.pointer(pointer).and_then(Value::as_u64).and_then(|number| number.try_into().ok()).unwrap_or(0)
}

/// A time as nanoseconds since 1970; 0 without one.
fn nanoseconds(value: &Value, pointer: &str) -> i64 {
    let read = text(value, pointer).parse::<jiff::Timestamp>().ok();
    read.and_then(|at| i64::try_from(at.as_nanosecond()).ok()).unwrap_or(0)
}

/// The conditions of an object of one type.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let all = object["status"]["conditions"].as_array();
    all.into_iter().flatten().find(|condition| condition["type"] == kind)
}

impl Provider for Kubernetes {
    fn capabilities(&self) -> Capabilities {
        losses::ABLE
    }

    fn losses(&self, specification: &Specification) -> Vec<Loss> {
        losses::of(specification, &self.settings)
    }

    fn plan(&self, specification: &Specification, current: Option<&Service>) -> Vec<String> {
        deploy::sentences(specification, current, &self.settings)
    }

    fn documents(&self, specification: &Specification) -> Option<String> {
        Some(crate::yaml::documents(&crate::manifests::all(specification, &self.settings, None)))
    }

    fn identify(&self) -> Answer<'_, Identity> {
        Box::pin(self.identity())
    }

    fn image_route<'a>(&'a self, service: &'a str, _: &'a str, _: &'a [String]) -> Answer<'a, ImageRoute> {
        Box::pin(async move {
            Ok(ImageRoute::Registry(registry::access(service, &self.settings, &self.logins).await?))
        })
    }

    fn load_image<'a>(&'a self, _: &'a Path) -> Answer<'a, ()> {
        Box::pin(async { Err(Failure::unsupported("loading an image", registry::MISSING)) })
    }

    fn deploy<'a>(&'a self, specification: &'a Specification) -> Answer<'a, Service> {
        Box::pin(self.make(specification))
    }

    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(self.one(name))
    }

    fn list(&self) -> Answer<'_, Vec<Service>> {
        Box::pin(self.all())
    }

    fn instances<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Instance>> {
        Box::pin(self.copies(name))
    }

    fn logs<'a>(&'a self, name: &'a str, request: &'a LogRequest, lines: Sink<LogLine>) -> Answer<'a, ()> {
        Box::pin(self.output(name, request, lines))
    }

    fn usage<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Usage>> {
        Box::pin(self.figures(name))
    }

    fn scale<'a>(&'a self, name: &'a str, replicas: u32) -> Answer<'a, ()> {
        Box::pin(self.fix(name, replicas))
    }

    fn autoscale<'a>(&'a self, name: &'a str, policy: &'a AutoscalePolicy) -> Answer<'a, ()> {
        Box::pin(self.follow_load(name, policy))
    }

    fn roll_back<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(self.previous(name))
    }

    fn stop<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.halt(name))
    }

    fn start<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.resume(name))
    }

    fn remove<'a>(&'a self, name: &'a str, with_volumes: bool) -> Answer<'a, ()> {
        Box::pin(self.clear(name, with_volumes))
    }

    fn resources(&self) -> Answer<'_, Vec<Resource>> {
        Box::pin(self.everything())
    }
}
