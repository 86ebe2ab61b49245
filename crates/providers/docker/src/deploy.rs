//! Making a service what it is to be. Every step looks first at what is there, so that a deployment that was broken off
//! anywhere is finished by the next.

use crate::body::{ENDPOINTS, body};
use crate::describe::{Members, replica};
use crate::engine::{BEFORE, COMING, Docker, FINGERPRINT, MANAGED, REVISION, SERVICE, label, name_of, text};
use crate::losses::stop_first;
use sampan_engine_client::Query;
use sampan_provider::{Failure, Result, Service, Specification, Volume};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// One without a health check counts as ready after this.
const READY_AFTER: Duration = Duration::from_secs(5);
/// One with a health check gives up after this.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at a container that is not ready yet.
const PAUSE: Duration = Duration::from_millis(200);

/// The name of a replica.
pub(crate) fn replica_name(service: &str, number: u32) -> String {
    if number == 1 { service.to_owned() } else { format!("{service}-{number}") }
}

fn labels(service: &str) -> Value {
    json!({MANAGED: "1", SERVICE: service})
}

impl Docker {
    pub(crate) async fn deploy_it(&self, specification: &Specification) -> Result<Service> {
        let name = &specification.name;
        self.ask_own().await?;
        self.finish_renames(name).await?;
        let members = self.members(name).await?;
        if members.now.iter().any(|one| label(one, SERVICE).is_empty()) {
            return Err(Failure::AlreadyExists(format!(
                "{} has a container {name} that was not deployed by Sampan: rename or remove it there",
                self.client.address()
            )));
        }
        self.prepare(specification).await?;
        if specification.replicas == 0 {
            return self.lay_down(specification, &members).await;
        }
        let fingerprint = specification.fingerprint();
        let newest = members
            .now
            .iter()
            .chain(&members.before)
            .filter_map(|one| label(one, REVISION).parse::<u64>().ok())
            .max();
        let revision = newest.unwrap_or(0) + 1;
        // Replicas behind one port are the engine's own affair where it is Sampan.
        let own_scale = self.is_own() && specification.replicas > 1;
        let direct = if own_scale { 1 } else { specification.replicas.max(1) };
        let replicated = members.now.iter().any(|one| replica(one) > 1);
        let changes = members.now.iter().any(|one| label(one, FINGERPRINT) != fingerprint);
        if self.is_own() && replicated && changes {
            self.scale_it(name, 1).await?;
        }
        for number in 1..=direct {
            let there = members.now.iter().find(|one| replica(one) == number);
            match there {
                Some(one) if label(one, FINGERPRINT) == fingerprint => {
                    self.act(text(one, "/Id"), "start").await?
                }
                there => self.replace(specification, number, revision, there).await?,
            }
        }
        if self.is_own() {
            if own_scale || replicated {
                self.scale_it(name, specification.replicas.max(1)).await?;
            }
        } else {
            for extra in members.now.iter().filter(|one| replica(one) > direct) {
                self.act(text(extra, "/Id"), "stop").await?;
                self.remove_container(text(extra, "/Id"), true).await?;
            }
        }
        self.describe_it(name).await
    }

    /// Makes it and does not start it: a stopped one is made anew when it is another one, with nothing kept of it.
    async fn lay_down(&self, specification: &Specification, members: &Members) -> Result<Service> {
        let name = &specification.name;
        let (coming, fingerprint) = (format!("{name}{COMING}"), specification.fingerprint());
        let there = members.now.iter().find(|one| replica(one) == 1);
        if there.is_none_or(|one| label(one, FINGERPRINT) != fingerprint) {
            self.remove_container(&coming, true).await?;
            let query = Query::path("/containers/create", &[]).with("name", &coming);
            let made = self.post(query, Some(&body(specification, 1, 1))).await?;
            for one in &members.now {
                self.act(text(one, "/Id"), "stop").await?;
                self.remove_container(text(one, "/Id"), true).await?;
            }
            self.rename(text(&made, "/Id"), name).await?;
        } else {
            self.each(members, "stop").await?;
        }
        self.describe_it(name).await
    }

    /// Volumes and networks, marked as ours when they were not there.
    async fn prepare(&self, specification: &Specification) -> Result<()> {
        self.volumes_of(&specification.name, &specification.volumes).await?;
        let labels = labels(&specification.name);
        let endpoints = specification.setting(ENDPOINTS).and_then(Value::as_object);
        for network in endpoints.into_iter().flat_map(serde_json::Map::keys) {
            if matches!(network.as_str(), "bridge" | "host" | "none" | "default") {
                continue;
            }
            match self.get(Query::path("/networks/{}", &[network])).await {
                Err(Failure::NotFound(_)) => {
                    let wanted = json!({"Name": network, "Driver": "bridge", "Labels": labels});
                    self.post(Query::path("/networks/create", &[]), Some(&wanted)).await?;
                }
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// A service's volumes: those that are not there are made.
    pub(crate) async fn volumes_of(&self, service: &str, volumes: &[Volume]) -> Result<()> {
        for volume in volumes {
            match self.get(Query::path("/volumes/{}", &[&volume.name])).await {
                Err(Failure::NotFound(_)) => {
                    let wanted = json!({"Name": volume.name, "Labels": labels(service)});
                    self.post(Query::path("/volumes/create", &[]), Some(&wanted)).await?;
                }
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Puts a new replica in the place of what is there, which stays stopped as the one before.
    async fn replace(
        &self,
        specification: &Specification,
        number: u32,
        revision: u64,
        there: Option<&Value>,
    ) -> Result<()> {
        let name = replica_name(&specification.name, number);
        let (coming, before) = (format!("{name}{COMING}"), format!("{name}{BEFORE}"));
        self.remove_container(&coming, true).await?;
        let query = Query::path("/containers/create", &[]).with("name", &coming);
        let made = self.post(query, Some(&body(specification, number, revision))).await?;
        let id = text(&made, "/Id").to_owned();
        let old = there.map(|one| text(one, "/Id"));
        let stopped = stop_first(specification);
        if let Some(old) = old.filter(|_| stopped) {
            self.act(old, "stop").await?;
        }
        if let Err(failure) = self.start_and_wait(&id).await {
            self.remove_container(&id, true).await?;
            if let Some(old) = old.filter(|_| stopped) {
                self.act(old, "start").await?;
            }
            return Err(failure);
        }
        if let Some(old) = old {
            self.act(old, "stop").await?;
            self.remove_container(&before, true).await?;
            self.rename(old, &before).await?;
        }
        self.rename(&id, &name).await
    }

    /// Starts a container and waits until it is ready.
    async fn start_and_wait(&self, id: &str) -> Result<()> {
        self.act(id, "start").await?;
        let begun = Instant::now();
        loop {
            let Some(found) = self.inspect(id).await? else {
                return Err(Failure::RolloutFailed("the new container was removed".to_owned()));
            };
            let health = text(&found, "/State/Health/Status");
            let running = found.pointer("/State/Running").and_then(Value::as_bool).unwrap_or(false);
            match health {
                "healthy" => return Ok(()),
                "unhealthy" => {
                    return Err(Failure::RolloutFailed("the new container became unhealthy".to_owned()));
                }
                _ if !running => {
                    let code = found.pointer("/State/ExitCode").and_then(Value::as_i64).unwrap_or(-1);
                    return Err(Failure::RolloutFailed(format!(
                        "the new container ended with exit code {code}"
                    )));
                }
                "" | "none" if begun.elapsed() >= READY_AFTER => return Ok(()),
                _ if begun.elapsed() >= READY_WITHIN => {
                    return Err(Failure::RolloutFailed(
                        "the new container did not become healthy".to_owned(),
                    ));
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Finishes what was broken off between the renames of [`Self::replace`].
    async fn finish_renames(&self, service: &str) -> Result<()> {
        let members = self.members(service).await?;
        for coming in &members.coming {
            let name = name_of(coming).trim_end_matches(COMING).to_owned();
            let taken = members.now.iter().any(|one| name_of(one) == name);
            let replaced = members.before.iter().any(|one| name_of(one) == format!("{name}{BEFORE}"));
            if !taken && replaced {
                self.rename(text(coming, "/Id"), &name).await?;
            }
        }
        Ok(())
    }

    /// Changes places with what was there before.
    pub(crate) async fn roll_back_it(&self, service: &str) -> Result<Service> {
        self.finish_renames(service).await?;
        let members = self.members(service).await?;
        if members.before.is_empty() {
            return Err(Failure::Conflict(format!("there is nothing before {service} to go back to")));
        }
        for old in &members.before {
            let name = name_of(old).trim_end_matches(BEFORE).to_owned();
            let now = members.now.iter().find(|one| name_of(one) == name);
            if let Some(now) = now {
                self.act(text(now, "/Id"), "stop").await?;
                self.rename(text(now, "/Id"), &format!("{name}{COMING}")).await?;
            }
            self.rename(text(old, "/Id"), &name).await?;
            self.start_and_wait(text(old, "/Id")).await?;
            if let Some(now) = now {
                self.rename(text(now, "/Id"), &format!("{name}{BEFORE}")).await?;
            }
        }
        self.describe_it(service).await
    }

    /// So many replicas.
    pub(crate) async fn scale_it(&self, service: &str, replicas: u32) -> Result<()> {
        let members = self.members(service).await?;
        let Some(first) = members.now.first() else {
            return Err(Failure::NotFound(format!("there is no {service} at {}", self.client.address())));
        };
        if replicas == 0 {
            return self.each(&members, "stop").await;
        }
        if self.ask_own().await? {
            let query = Query::path("/sampan/containers/{}/scale", &[service]);
            return self.told(query, &json!({"Replicas": replicas})).await;
        }
        let fixed = first
            .get("Ports")
            .and_then(Value::as_array)
            .is_some_and(|ports| ports.iter().any(|port| port.get("PublicPort").is_some()));
        if fixed && replicas > 1 {
            return Err(Failure::unsupported(
                format!("more than one {service} behind a published port"),
                "a plain Docker engine gives a port to one container; run Sampan there",
            ));
        }
        self.plain_scale(service, &members, first, replicas).await
    }

    /// Copies of the first replica, without the engine's help.
    async fn plain_scale(
        &self,
        service: &str,
        members: &Members,
        first: &Value,
        replicas: u32,
    ) -> Result<()> {
        for extra in members.now.iter().filter(|one| replica(one) > replicas) {
            self.act(text(extra, "/Id"), "stop").await?;
            self.remove_container(text(extra, "/Id"), true).await?;
        }
        let Some(found) = self.inspect(text(first, "/Id")).await? else { return Ok(()) };
        for number in 2..=replicas {
            if members.now.iter().any(|one| replica(one) == number) {
                continue;
            }
            let name = replica_name(service, number);
            let mut wanted = found.get("Config").cloned().unwrap_or_default();
            wanted["HostConfig"] = found.get("HostConfig").cloned().unwrap_or_default();
            wanted["Image"] = found.get("Image").cloned().unwrap_or_default();
            wanted["Hostname"] = json!("");
            wanted["Labels"][crate::engine::NUMBER] = json!(number.to_string());
            let made =
                self.post(Query::path("/containers/create", &[]).with("name", &name), Some(&wanted)).await?;
            self.start_and_wait(text(&made, "/Id")).await?;
        }
        Ok(())
    }

    /// Does something with every replica.
    pub(crate) async fn each(&self, members: &Members, verb: &str) -> Result<()> {
        for one in &members.now {
            self.act(text(one, "/Id"), verb).await?;
        }
        Ok(())
    }
}
