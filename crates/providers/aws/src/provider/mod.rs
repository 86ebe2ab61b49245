//! The provider: what a place for containers is asked, as calls to AWS.

mod deploy;
mod describe;
mod grid;
mod logs;
mod losses;
mod names;
mod ports;
mod remove;
mod scale;
mod task_definition;

use crate::client::Client;
use crate::services::{tag_of, text};
use sampan_provider::{
    Answer, AutoscalePolicy, Capabilities, Failure, Identity, ImageRoute, Instance, LogLine, LogRequest,
    Loss, Provider, Resource, Result, Service, Sink, Specification, Target, Usage,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One account and region.
pub(crate) struct Aws {
    client: Client,
    target: Target,
}

impl Aws {
    /// Asks nobody yet.
    pub(crate) fn new(target: &Target, environment: &BTreeMap<String, String>) -> Result<Self> {
        Ok(Self { client: Client::new(target, environment)?, target: target.clone() })
    }

    fn cluster(&self) -> &str {
        self.target.option("cluster").unwrap_or("sampan")
    }

    /// The service as ECS has it, which must be ours.
    async fn ours(&self, name: &str) -> Result<Value> {
        let found = self.client.service(self.cluster(), &names::service(name)).await?;
        let found =
            found.filter(|service| tag_of(&service["tags"], "sampan.service").as_deref() == Some(name));
        found
            .ok_or_else(|| Failure::NotFound(format!("there is no container {name} at {}", self.target.name)))
    }

    async fn identity(&self) -> Result<Identity> {
        let caller = self.client.caller().await?;
        let known = |name: &str| caller.find(name).map(|node| node.own().to_owned()).unwrap_or_default();
        let mut missing = Vec::new();
        let vpc = self.target.option("vpc").unwrap_or_default();
        if self.target.option("subnets").is_none() && self.client.vpc(vpc).await?.is_none() {
            missing.push(format!(
                "there is no default network in {}: run `aws ec2 create-default-vpc`, or give the target the option \
                 `subnets`",
                self.client.region
            ));
        }
        Ok(Identity {
            account: known("Account"),
            principal: known("Arn"),
            product: "Amazon ECS on Fargate".to_owned(),
            missing,
        })
    }

    async fn figures(&self, name: &str) -> Result<Vec<Usage>> {
        let service = self.ours(name).await?;
        let now = jiff::Timestamp::now().as_second();
        let [cpu, memory] = self.client.use_of(self.cluster(), &text(&service, "serviceName"), now).await?;
        let newest = [cpu, memory].into_iter().flatten().map(|(_, at)| at).max();
        let Some(at) = newest else { return Ok(Vec::new()) };
        Ok(vec![Usage {
            name: name.to_owned(),
            cpu_percent: cpu.map(|(value, _)| value),
            cpu_of_limit: true,
            memory_percent: memory.map(|(value, _)| value),
            at: at.saturating_mul(1_000_000_000),
            ..Usage::default()
        }])
    }
}

impl Provider for Aws {
    fn capabilities(&self) -> Capabilities {
        losses::ABLE
    }

    fn losses(&self, specification: &Specification) -> Vec<Loss> {
        losses::of(specification)
    }

    fn plan(&self, specification: &Specification, current: Option<&Service>) -> Vec<String> {
        deploy::sentences(specification, current, self.cluster())
    }

    fn identify(&self) -> Answer<'_, Identity> {
        Box::pin(self.identity())
    }

    fn image_route<'a>(&'a self, service: &'a str, _: &'a str, _: &'a [String]) -> Answer<'a, ImageRoute> {
        Box::pin(async move {
            let access = self.client.ensure_repository(&names::repository(service), service).await?;
            Ok(ImageRoute::Registry(access))
        })
    }

    fn load_image<'a>(&'a self, _: &'a Path) -> Answer<'a, ()> {
        Box::pin(async {
            Err(Failure::unsupported("loading an image", "images go to AWS through its registry"))
        })
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
