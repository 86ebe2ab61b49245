//! The program that brings what is in volumes over: a container beside them, which ends with its standard input.

use crate::engine::{Docker, MANAGED, SERVICE, text};
use crate::failure::failure;
use sampan_engine_client::Query;
use sampan_provider::{Result, Seed, SeedRequest};
use serde_json::{Value, json};

/// Label of such a container: the service whose volumes it has.
pub(crate) const SEED: &str = "sampan.seed";

impl Docker {
    pub(crate) async fn seed_it(&self, request: &SeedRequest) -> Result<Seed> {
        self.volumes_of(&request.service, &request.volumes).await?;
        if !self.layers(&request.image_id).await?.complete {
            self.load(&request.archive).await?;
        }
        let name = format!("{}.seed", request.service);
        // What a broken transfer left.
        self.remove_container(&name, false).await?;
        let query = Query::path("/containers/create", &[]).with("name", &name);
        let made = self.post(query, Some(&body(request))).await?;
        let id = text(&made, "/Id").to_owned();
        let attach = Query::path("/containers/{}/attach", &[&id])
            .with("stream", "1")
            .with("stdin", "1")
            .with("stdout", "1")
            .with("stderr", "1");
        let connection = self.client.upgrade(attach).await.map_err(failure)?;
        self.act(&id, "start").await?;
        let (output, input) = tokio::io::split(connection);
        let output = sampan_engine_client::output(output);
        Ok(Seed { output: Box::new(output), input: Box::new(input) })
    }
}

fn body(request: &SeedRequest) -> Value {
    let volumes = request.volumes.iter().enumerate();
    let binds: Vec<String> =
        volumes.map(|(number, volume)| format!("{}:{}", volume.name, SeedRequest::folder(number))).collect();
    json!({
        "Image": request.image_id,
        "Cmd": request.command(),
        "OpenStdin": true,
        "StdinOnce": true,
        "AttachStdin": true,
        "AttachStdout": true,
        "AttachStderr": true,
        "Labels": {MANAGED: "1", SEED: request.service},
        "HostConfig": {"Binds": binds, "NetworkMode": "none", "AutoRemove": true, "ReadonlyRootfs": true},
    })
}

/// The service that something was made for, by its labels.
pub(crate) fn service_of(labels: impl Fn(&str) -> String) -> String {
    let service = labels(SERVICE);
    if service.is_empty() { labels(SEED) } else { service }
}
