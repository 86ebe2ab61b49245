//! The simulated cloud: `sampan cloudsim up` starts it in this process, and a daemon that is started again goes on with it.

use sampan_api::{SimulationState, Simulator, SimulatorAnswer};
use sampan_cloudsim::{Settings, Simulation};
use sampan_engine::Engine;
use sampan_error::{Context, Error, Result};
use sampan_fleet::{Ashore, Simulated};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Shared, PoisonError};
use tokio::sync::Mutex;

/// The provider that is simulated.
const PROVIDER: &str = "aws";
/// The file in the simulation's folder that holds its port: clients find it at the same place after a restart.
const PORT: &str = "port";
/// The first number behind 127. of its load balancers' addresses.
const BALANCERS: u8 = 77;

/// Starts and ends the simulated cloud of this daemon.
pub(crate) struct CloudSimulator {
    engine: Engine,
    folder: PathBuf,
    /// The engine's socket, by which the simulation runs containers; none where there is no unix socket.
    socket: Option<PathBuf>,
    running: Mutex<Option<Simulation>>,
    state: Shared<Option<SimulationState>>,
}

impl CloudSimulator {
    /// The simulator of this engine. One that was up goes on.
    pub(crate) fn install(engine: &Engine, data_root: &Path, socket: Option<PathBuf>) {
        let simulator = Arc::new(Self {
            engine: engine.clone(),
            folder: data_root.join("cloudsim"),
            socket,
            running: Mutex::default(),
            state: Shared::default(),
        });
        sampan_api::install_simulator(engine, Arc::<Self>::clone(&simulator));
        if let Ok(port) = std::fs::read_to_string(simulator.folder.join(PORT)) {
            // Until it is up its regions answer nothing, rather than mean the real ones.
            let nobody = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                .map(|name| (name.to_owned(), "none".to_owned()));
            let endpoint = format!("http://{}:{}", Ipv4Addr::LOCALHOST, port.trim());
            let starting = Simulated { endpoint, environment: nobody.into() };
            Ashore::of(engine).simulate(PROVIDER, Some(starting));
            tokio::spawn(async move {
                if let Err(error) = simulator.start().await {
                    tracing::error!(%error, "the simulated cloud does not go on");
                }
            });
        }
    }

    fn known(&self) -> Option<SimulationState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, state: Option<SimulationState>) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    async fn start(&self) -> Result<SimulationState> {
        let mut running = self.running.lock().await;
        if let Some(state) = self.known() {
            return Ok(state);
        }
        let socket = self.socket.clone().ok_or_else(|| {
            Error::conflict("the simulation runs its containers through a unix socket, and this daemon has none: start it with -H unix:///PATH")
        })?;
        let file = self.folder.join(PORT);
        let port = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        let numbers = self.folder.as_os_str().as_encoded_bytes().iter();
        let settings = Settings {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            state: self.folder.clone(),
            engine: socket,
            // Two daemons of one machine have different ones, most likely.
            balancer_network: [
                BALANCERS,
                numbers.fold(1, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(*byte)),
            ],
        };
        let simulation = Simulation::start(settings).await?;
        let endpoint = simulation.endpoint();
        let port = endpoint.rsplit(':').next().unwrap_or_default();
        std::fs::write(&file, port).context("the simulation's folder cannot be written")?;
        let state =
            SimulationState { registry: simulation.registry(), key: simulation.access_key(), endpoint };
        let environment = [
            ("AWS_ACCESS_KEY_ID".to_owned(), state.key.0.clone()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), state.key.1.clone()),
        ];
        let simulated = Simulated { endpoint: state.endpoint.clone(), environment: environment.into() };
        Ashore::of(&self.engine).simulate(PROVIDER, Some(simulated));
        self.know(Some(state.clone()));
        *running = Some(simulation);
        Ok(state)
    }

    async fn end(&self) -> Result<()> {
        let mut running = self.running.lock().await;
        let simulation = running.take().ok_or_else(|| Error::conflict("no simulation is up"))?;
        Ashore::of(&self.engine).simulate(PROVIDER, None);
        self.know(None);
        simulation.destroy().await;
        Ok(())
    }
}

impl Simulator for CloudSimulator {
    fn state(&self) -> Option<SimulationState> {
        self.known()
    }

    fn up(&self) -> SimulatorAnswer<'_, SimulationState> {
        Box::pin(self.start())
    }

    fn down(&self) -> SimulatorAnswer<'_, ()> {
        Box::pin(self.end())
    }
}
