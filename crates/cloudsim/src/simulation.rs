//! Starting and ending the simulation.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use sampan_error::{Context, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::balancer::Balancers;
use crate::cloud::Cloud;
use crate::engine::{Engine, query};
use crate::keys::Keys;
use crate::registry::Registry;
use crate::scheduler;
use crate::server;
use crate::store::Store;

/// How a simulation is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the calls come in, on loopback; port 0 takes any.
    pub address: SocketAddr,
    /// The folder that keeps everything.
    pub state: PathBuf,
    /// The unix socket of the engine that runs the containers.
    pub engine: PathBuf,
    /// The first two numbers A and B of the load balancers' addresses 127.A.B.n… on loopback: `[A, B]`.
    pub balancer_network: [u8; 2],
}

/// A running simulation of AWS.
pub struct Simulation {
    cloud: Arc<Cloud>,
    address: SocketAddr,
    running: Vec<JoinHandle<()>>,
}

impl Simulation {
    /// Starts it; with a folder of an earlier run it goes on where that was.
    ///
    /// # Errors
    /// The folder cannot be used or is damaged, or an address is taken.
    pub async fn start(settings: Settings) -> Result<Self> {
        std::fs::create_dir_all(&settings.state).context("the simulation's folder cannot be made")?;
        let end = CancellationToken::new();
        let listener = TcpListener::bind(settings.address)
            .await
            .context(format!("the simulation cannot listen on {}", settings.address))?;
        let address = listener.local_addr()?;
        let store = Store::open(&settings.state)?;
        for region in store.names() {
            // Nobody probes them any more: they are registered anew.
            store.touch(&region, |region| {
                region.targets.values_mut().for_each(std::collections::BTreeMap::clear)
            });
        }
        let cloud = Arc::new(Cloud {
            keys: Keys::open(&settings.state)?,
            store,
            engine: Engine::new(settings.engine),
            faults: Default::default(),
            registry: Registry::start(&settings.state, end.clone()).await?,
            balancers: Balancers::new(settings.balancer_network),
            wake: Default::default(),
            end,
            busy: Default::default(),
            folder: settings.state,
        });
        let running = vec![
            tokio::spawn(server::serve(Arc::clone(&cloud), listener)),
            tokio::spawn(scheduler::run(Arc::clone(&cloud))),
            tokio::spawn(scheduler::scaling::run(Arc::clone(&cloud))),
        ];
        Ok(Self { cloud, address, running })
    }

    /// Where the calls go: `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id and the secret of the key that calls are signed with.
    pub fn access_key(&self) -> (String, String) {
        (self.cloud.keys.id.clone(), self.cloud.keys.secret.clone())
    }

    /// Where images go: `127.0.0.1:port`.
    pub fn registry(&self) -> String {
        self.cloud.registry.host.clone()
    }

    /// Ends it; the containers stay, and [`Simulation::start`] takes them over again.
    pub async fn stop(self) {
        self.cloud.end.cancel();
        for running in self.running {
            // It has ended, one way or the other.
            let _ = running.await;
        }
    }

    /// Ends it and removes its containers, networks, volumes and images, and its folder.
    pub async fn destroy(self) {
        let cloud = Arc::clone(&self.cloud);
        self.stop().await;
        if let Err(error) = remove_all(&cloud).await {
            tracing::warn!(%error, "something of the simulation stays on the engine");
        }
        if let Err(error) = std::fs::remove_dir_all(&cloud.folder) {
            tracing::warn!(%error, "the simulation's folder stays");
        }
    }
}

async fn remove_all(cloud: &Cloud) -> Result<()> {
    let engine = &cloud.engine;
    for container in engine.containers(&cloud.label()).await? {
        engine.remove(container["Id"].as_str().unwrap_or_default()).await?;
    }
    let filters = serde_json::json!({ "label": [cloud.label()] }).to_string();
    let filters = query(&[("filters", &filters)]);
    let get = |path: String| async move { engine.call(hyper::Method::GET, &path, None).await };
    for network in get(format!("/networks?{filters}")).await?.as_array().into_iter().flatten() {
        engine.forget(&format!("/networks/{}", network["Id"].as_str().unwrap_or_default())).await?;
    }
    for volume in get(format!("/volumes?{filters}")).await?["Volumes"].as_array().into_iter().flatten() {
        engine.forget(&format!("/volumes/{}", volume["Name"].as_str().unwrap_or_default())).await?;
    }
    let ours = format!("{}/", cloud.registry.host);
    for image in get("/images/json".into()).await?.as_array().into_iter().flatten() {
        for name in
            ["RepoTags", "RepoDigests"].iter().flat_map(|kind| image[*kind].as_array().into_iter().flatten())
        {
            if let Some(name) = name.as_str().filter(|name| name.starts_with(&ours)) {
                engine.forget(&format!("/images/{name}")).await?;
            }
        }
    }
    Ok(())
}
