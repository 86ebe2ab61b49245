//! The engine as a provider.

use crate::engine::{Docker, MANAGED, SERVICE, label, text};
use crate::losses::{capabilities, losses, stop_first};
use crate::seed::{SEED, service_of};
use sampan_engine_client::Query;
use sampan_provider::{
    Answer, AutoscalePolicy, Capabilities, Failure, Identity, ImageRoute, Instance, Lease, LogLine,
    LogRequest, Loss, Provider, Resource, Result, Seed, SeedRequest, Service, Sink, Specification, Usage,
};
use serde_json::{Value, json};
use std::path::Path;

impl Docker {
    async fn identify_it(&self) -> Result<Identity> {
        let version = self.version().await?;
        let product = match text(&version, "/Platform/Name") {
            "" => "Docker",
            name => name,
        };
        let information = self.get(Query::path("/info", &[])).await?;
        let mut missing = Vec::new();
        if text(&version, "/Os") != "linux" {
            missing.push(format!(
                "the engine runs on {}: only Linux containers are sent",
                text(&version, "/Os")
            ));
        }
        Ok(Identity {
            account: text(&information, "/Name").to_owned(),
            principal: self.client.address().to_string(),
            product: format!("{product} {} ({})", text(&version, "/Version"), text(&version, "/Arch")),
            missing,
        })
    }

    async fn autoscale_it(&self, name: &str, policy: &AutoscalePolicy) -> Result<()> {
        if !self.ask_own().await? {
            return Err(Failure::unsupported("automatic scale", "it needs Sampan at the other side"));
        }
        let mut wanted = json!({
            "Container": name, "Kind": "scale", "Min": policy.least, "Max": policy.most,
        });
        for (field, target) in [("cpu", policy.cpu), ("memory", policy.memory)] {
            if let Some(target) = target {
                wanted["Targets"][field] = json!(target);
            }
        }
        self.post(Query::path("/sampan/jobs", &[]), Some(&wanted)).await.map(drop)
    }

    async fn remove_it(&self, name: &str, with_volumes: bool) -> Result<()> {
        let members = self.members(name).await?;
        // The first one first: replicas that Sampan made there come again as long as it is there.
        for one in members.now.iter().chain(&members.coming).chain(&members.before) {
            match self.act(text(one, "/Id"), "stop").await {
                Err(Failure::NotFound(_)) => continue,
                other => other?,
            }
            match self.remove_container(text(one, "/Id"), true).await {
                // Somebody removes it already.
                Err(Failure::Conflict(_)) => {}
                other => other?,
            }
        }
        for one in self.containers(&[format!("{SEED}={name}")]).await? {
            self.remove_container(text(&one, "/Id"), false).await?;
        }
        let filters = json!({"label": [format!("{SERVICE}={name}")]}).to_string();
        if with_volumes {
            let volumes = self.get(Query::path("/volumes", &[]).with("filters", &filters)).await?;
            for volume in volumes.get("Volumes").and_then(Value::as_array).into_iter().flatten() {
                self.delete(Query::path("/volumes/{}", &[text(volume, "/Name")])).await?;
            }
        }
        let networks = self.get(Query::path("/networks", &[]).with("filters", &filters)).await?;
        for network in networks.as_array().into_iter().flatten() {
            // One that others use stays.
            let _ = self.delete(Query::path("/networks/{}", &[text(network, "/Id")])).await;
        }
        Ok(())
    }

    async fn lease_it(&self, lease: &Lease) -> Result<Lease> {
        if !self.ask_own().await? {
            return Err(Failure::unsupported(
                format!("taking {} over by itself", lease.name),
                "the other side has to be Sampan for that",
            ));
        }
        let body = json!({"Holder": lease.holder, "Seconds": lease.seconds});
        let given = self.post(Query::path("/sampan/leases/{}", &[&lease.name]), Some(&body)).await?;
        Ok(Lease {
            name: lease.name.clone(),
            holder: text(&given, "/Holder").to_owned(),
            epoch: crate::engine::number(&given, "/Epoch").unwrap_or(0),
            seconds: lease.seconds,
        })
    }

    async fn resources_of_all(&self) -> Result<Vec<Resource>> {
        let ours = format!("{MANAGED}=1");
        let filters = json!({"label": [&ours]}).to_string();
        let mut all = Vec::new();
        for one in self.containers(&[ours]).await? {
            let service = service_of(|name| label(&one, name).to_owned());
            all.push(resource("container", text(&one, "/Id"), &service));
        }
        let volumes = self.get(Query::path("/volumes", &[]).with("filters", &filters)).await?;
        for one in volumes.get("Volumes").and_then(Value::as_array).into_iter().flatten() {
            all.push(resource("volume", text(one, "/Name"), label(one, SERVICE)));
        }
        let networks = self.get(Query::path("/networks", &[]).with("filters", &filters)).await?;
        for one in networks.as_array().into_iter().flatten() {
            all.push(resource("network", text(one, "/Name"), label(one, SERVICE)));
        }
        Ok(all)
    }
}

fn resource(kind: &str, id: &str, service: &str) -> Resource {
    Resource { kind: kind.to_owned(), id: id.to_owned(), service: service.to_owned() }
}

impl Provider for Docker {
    fn capabilities(&self) -> Capabilities {
        capabilities(self.is_own())
    }

    fn losses(&self, specification: &Specification) -> Vec<Loss> {
        losses(specification, self.is_own())
    }

    fn plan(&self, specification: &Specification, current: Option<&Service>) -> Vec<String> {
        let name = &specification.name;
        let mut steps = Vec::new();
        match current {
            Some(current) if current.fingerprint == specification.fingerprint() => {
                steps.push(format!("{name} is there as it is to be"));
            }
            Some(_) if stop_first(specification) => {
                steps.push(format!(
                    "stop {name} and start a new one in its place; the old one stays as {name}.before"
                ));
            }
            Some(_) => {
                steps.push(format!("start a new {name}, then stop the old one, which stays as {name}.before"))
            }
            None => {
                steps.extend(
                    specification.volumes.iter().map(|volume| format!("make the volume {}", volume.name)),
                );
                steps.push(format!("make the container {name} and start it"));
            }
        }
        if specification.replicas > 1 {
            steps.push(format!("{} replicas", specification.replicas));
        }
        steps
    }

    fn identify(&self) -> Answer<'_, Identity> {
        Box::pin(self.identify_it())
    }

    fn image_route<'a>(&'a self, _: &'a str, image_id: &'a str, _: &'a [String]) -> Answer<'a, ImageRoute> {
        Box::pin(async move { Ok(ImageRoute::Archive(self.layers(image_id).await?)) })
    }

    fn load_image<'a>(&'a self, archive: &'a Path) -> Answer<'a, ()> {
        Box::pin(self.load(archive))
    }

    fn deploy<'a>(&'a self, specification: &'a Specification) -> Answer<'a, Service> {
        Box::pin(self.deploy_it(specification))
    }

    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(self.describe_it(name))
    }

    fn list(&self) -> Answer<'_, Vec<Service>> {
        Box::pin(self.list_them())
    }

    fn instances<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Instance>> {
        Box::pin(self.instances_of(name))
    }

    fn logs<'a>(&'a self, name: &'a str, request: &'a LogRequest, lines: Sink<LogLine>) -> Answer<'a, ()> {
        Box::pin(self.logs_of(name, request, lines))
    }

    fn usage<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Usage>> {
        Box::pin(self.usage_of(name))
    }

    fn scale<'a>(&'a self, name: &'a str, replicas: u32) -> Answer<'a, ()> {
        Box::pin(self.scale_it(name, replicas))
    }

    fn autoscale<'a>(&'a self, name: &'a str, policy: &'a AutoscalePolicy) -> Answer<'a, ()> {
        Box::pin(self.autoscale_it(name, policy))
    }

    fn roll_back<'a>(&'a self, name: &'a str) -> Answer<'a, Service> {
        Box::pin(self.roll_back_it(name))
    }

    fn stop<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.each(&self.there(name).await?, "stop").await })
    }

    fn start<'a>(&'a self, name: &'a str) -> Answer<'a, ()> {
        Box::pin(async move { self.each(&self.there(name).await?, "start").await })
    }

    fn remove<'a>(&'a self, name: &'a str, with_volumes: bool) -> Answer<'a, ()> {
        Box::pin(self.remove_it(name, with_volumes))
    }

    fn seed<'a>(&'a self, request: &'a SeedRequest) -> Answer<'a, Seed> {
        Box::pin(self.seed_it(request))
    }

    fn lease<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Lease> {
        Box::pin(self.lease_it(lease))
    }

    fn resources(&self) -> Answer<'_, Vec<Resource>> {
        Box::pin(self.resources_of_all())
    }
}
