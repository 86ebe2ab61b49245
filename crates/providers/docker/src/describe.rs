//! What an engine says of services.

use crate::engine::{
    BEFORE, COMING, Docker, FINGERPRINT, IMAGE, NUMBER, REVISION, SERVICE, label, name_of, number, text,
};
use sampan_provider::{Address, Failure, Instance, Result, Service, State};
use serde_json::Value;
use std::collections::BTreeMap;

/// The containers of one service.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// Replicas, by number.
    pub(crate) now: Vec<Value>,
    /// Ones that are to take a place.
    pub(crate) coming: Vec<Value>,
    /// Ones that had one.
    pub(crate) before: Vec<Value>,
}

impl Members {
    pub(crate) fn of(containers: Vec<Value>) -> Self {
        let mut members = Self::default();
        for container in containers {
            let name = name_of(&container);
            let kind = match () {
                () if name.ends_with(COMING) => &mut members.coming,
                () if name.ends_with(BEFORE) => &mut members.before,
                () => &mut members.now,
            };
            kind.push(container);
        }
        members.now.sort_by_key(replica);
        members
    }
}

/// Which replica a container is, from 1.
pub(crate) fn replica(container: &Value) -> u32 {
    // Replicas that Sampan made there have a number of their own, and the labels of the first one.
    let numbers = [label(container, "sampan.replica.number"), label(container, NUMBER)];
    numbers.into_iter().find_map(|number| number.parse().ok()).unwrap_or(1)
}

/// The containers that run and, by their health check, answer.
pub(crate) fn is_ready(container: &Value) -> bool {
    // `Up 5 seconds (health: starting)`, `Up 5 seconds (unhealthy)`
    let status = text(container, "/Status");
    text(container, "/State") == "running"
        && !status.contains("(unhealthy)")
        && !status.contains("(health: starting)")
}

impl Docker {
    /// The containers of a service. One that is not ours is a service of one.
    pub(crate) async fn members(&self, name: &str) -> Result<Members> {
        let members = Members::of(self.containers(&[format!("{SERVICE}={name}")]).await?);
        if !members.now.is_empty() || !members.coming.is_empty() || !members.before.is_empty() {
            return Ok(members);
        }
        let all = self.containers(&[]).await?;
        let found = all.into_iter().filter(|one| name_of(one) == name);
        Ok(Members { now: found.collect(), ..Members::default() })
    }

    /// The same; none is a failure.
    pub(crate) async fn there(&self, name: &str) -> Result<Members> {
        let members = self.members(name).await?;
        if members.now.is_empty() && members.coming.is_empty() {
            return Err(Failure::NotFound(format!("there is no {name} at {}", self.client.address())));
        }
        Ok(members)
    }

    pub(crate) async fn describe_it(&self, name: &str) -> Result<Service> {
        let members = self.there(name).await?;
        Ok(self.service(name, &members))
    }

    pub(crate) async fn list_them(&self) -> Result<Vec<Service>> {
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for container in self.containers(&[]).await? {
            let owner =
                [label(&container, SERVICE), label(&container, "sampan.replica.of"), name_of(&container)];
            let owner = owner.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned();
            groups.entry(owner).or_default().push(container);
        }
        let services = groups.into_iter().map(|(name, all)| self.service(&name, &Members::of(all)));
        Ok(services.collect())
    }

    fn service(&self, name: &str, members: &Members) -> Service {
        let count = |wanted: &dyn Fn(&Value) -> bool| members.now.iter().filter(|one| wanted(one)).count();
        let (wanted, ready) = (members.now.len(), count(&is_ready));
        let running = count(&|one| text(one, "/State") == "running");
        let state = match () {
            () if !members.coming.is_empty() => State::Updating,
            () if ready == wanted && wanted > 0 => State::Running,
            () if running == 0 && count(&|one| text(one, "/State") == "restarting") == 0 => State::Stopped,
            () if count(&|one| text(one, "/Status").contains("(unhealthy)")) > 0 => State::Failed,
            () => State::Starting,
        };
        let first = members.now.first().or_else(|| members.coming.first());
        let first = first.unwrap_or(&Value::Null);
        let image = [label(first, IMAGE), text(first, "/Image")].into_iter().find(|name| !name.is_empty());
        let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Service {
            name: name.to_owned(),
            id: text(first, "/Id").to_owned(),
            image: image.unwrap_or_default().to_owned(),
            fingerprint: label(first, FINGERPRINT).to_owned(),
            revision: label(first, REVISION).parse().unwrap_or(0),
            state,
            note: text(first, "/Status").to_owned(),
            wanted: whole(wanted),
            ready: whole(ready),
            addresses: self.addresses(&members.now),
            created: number(first, "/Created").and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0)
                * 1_000_000_000,
            ..Service::default()
        }
    }

    fn addresses(&self, containers: &[Value]) -> Vec<Address> {
        let mut all = Vec::new();
        for port in containers.iter().filter_map(|one| one.get("Ports")).filter_map(Value::as_array).flatten()
        {
            let short = |pointer: &str| number(port, pointer).and_then(|port| u16::try_from(port).ok());
            let (Some(outside), Some(inside)) = (short("/PublicPort"), short("/PrivatePort")) else {
                continue;
            };
            let host = match text(port, "/IP") {
                "" | "0.0.0.0" | "::" => self.host(),
                own => own.to_owned(),
            };
            let address = Address {
                host,
                port: outside,
                container_port: inside,
                protocol: text(port, "/Type").to_owned(),
            };
            if !all.contains(&address) {
                all.push(address);
            }
        }
        all
    }

    pub(crate) async fn instances_of(&self, name: &str) -> Result<Vec<Instance>> {
        let members = self.there(name).await?;
        let all = members.now.iter().chain(&members.coming);
        Ok(all
            .map(|one| Instance {
                id: text(one, "/Id").to_owned(),
                name: name_of(one).to_owned(),
                state: text(one, "/State").to_owned(),
                ready: is_ready(one),
                revision: label(one, REVISION).parse().unwrap_or(0),
                started: 0,
            })
            .collect())
    }
}
