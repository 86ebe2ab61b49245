//! The engine: what it holds, and how it is opened.

use crate::config::EngineConfig;
use crate::containers::ContainerRecord;
use crate::containers::registry::Registry;
use crate::events::{Event, Events};
use crate::exec::Sessions;
use sampan_error::{Context, Result};
use sampan_image::Store;
use sampan_network::Manager;
use sampan_state::{Collection, Database, Durability, Record};
use sampan_storage::SnapshotDriver;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// The container engine of one data root. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// What all parts of the engine share.
pub(crate) struct Inner {
    pub(crate) config: EngineConfig,
    /// Eight characters that every kernel object of ours carries.
    pub(crate) instance: String,
    /// `<run root>/<instance>`: sockets and exit files of running containers.
    pub(crate) run_directory: PathBuf,
    pub(crate) machine: Machine,
    pub(crate) records: Collection<ContainerRecord>,
    pub(crate) registry: Registry,
    pub(crate) events: Events,
    pub(crate) storage: Arc<dyn SnapshotDriver>,
    pub(crate) images: Arc<Store>,
    pub(crate) transfers: sampan_registry::Transfers,
    /// True while images are collected, so that two collections are never under way.
    pub(crate) collecting: std::sync::atomic::AtomicBool,
    pub(crate) volumes: sampan_storage::volumes::Volumes,
    pub(crate) held_volumes: crate::volumes::Held,
    /// Steps of builds under way, by their numbers.
    pub(crate) build_steps: std::sync::Mutex<std::collections::HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) network: Manager,
    pub(crate) network_records: Collection<crate::network::Network>,
    pub(crate) balanced_records: Collection<crate::network::Balanced>,
    database: Database,
    pub(crate) sandboxes: sampan_network::SandboxPool,
    pub(crate) names: sampan_dns::NameServers,
    pub(crate) program: crate::warm::Program,
    pub(crate) sessions: Sessions,
    pub(crate) waiting_clients: crate::containers::waiting::WaitingClients,
    pub(crate) recovered: watch::Sender<bool>,
    pub(crate) seccomp: crate::oci::SeccompCache,
    pub(crate) residents: crate::residents::Residents,
    /// When this engine was opened, nanoseconds since 1970.
    pub(crate) opened: i64,
}

/// Facts about the machine that do not change while the daemon runs.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) cpus: u32,
    pub(crate) memory: u64,
}

impl Record for ContainerRecord {
    const COLLECTION: &'static str = "container";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.id.clone()
    }
}

impl Engine {
    /// Opens the engine of a data root: its database, storage, images and networks. Containers are
    /// recovered afterwards by [`Engine::recover`]; until then everything about containers waits.
    ///
    /// # Errors
    /// The data root cannot be used, or the kernel refuses the network.
    pub fn open(config: EngineConfig) -> Result<Self> {
        let root = config.data_root.clone();
        make_private_directory(&root)?;
        let instance = crate::instance::identify(&root)?;
        let run_directory = config.run_root.join(&instance);
        make_private_directory(&run_directory)?;

        let opened = Database::open(&root.join("state.db"))?;
        if let Some(aside) = &opened.set_aside {
            tracing::error!(
                kept = %aside.display(),
                "the state database was damaged; it was set aside and a new one was made, containers and images are adopted from their own files"
            );
        }
        let database = opened.database;
        let events = Events::open(database.events())?;
        let storage = open_storage(&config)?;
        let images =
            Arc::new(Store::open(&root, Arc::clone(&storage), database.collection(), database.collection())?);
        let transfers = open_transfers(&config, &images)?;
        for damaged in images.damaged() {
            tracing::error!("{damaged}");
        }
        let volumes = sampan_storage::volumes::Volumes::open(&root)?;
        let network_records: Collection<crate::network::Network> = database.collection();
        let networks = network_records.all()?.into_iter().map(|network| network.record).collect();
        let balanced_records: Collection<crate::network::Balanced> = database.collection();
        let balanced = balanced_records.all()?.into_iter().map(|balanced| balanced.record).collect();
        let records = sampan_network::Records { networks, balanced, ..Default::default() };
        let network = Manager::open(network_config(&config, &instance), &records)?;
        let sandboxes = sampan_network::SandboxPool::new(
            &instance,
            config.warm_sandboxes,
            network.default_network().mtu,
        )?;
        let inner = Inner {
            instance,
            run_directory,
            machine: Machine { cpus: cpus(), memory: memory() },
            records: database.collection(),
            registry: Registry::default(),
            events,
            storage,
            images,
            transfers,
            collecting: Default::default(),
            volumes,
            network,
            network_records,
            balanced_records,
            database: database.clone(),
            held_volumes: crate::volumes::Held::default(),
            build_steps: Default::default(),
            names: sampan_dns::NameServers::default(),
            sandboxes,
            program: crate::warm::Program::seal()?,
            sessions: Sessions::default(),
            waiting_clients: Default::default(),
            recovered: watch::Sender::new(false),
            seccomp: crate::oci::SeccompCache::default(),
            residents: Default::default(),
            opened: crate::clock::now(),
            config,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The records of one kind in the engine's store, for rooms above that keep their own.
    #[must_use]
    pub fn collection<T: Record>(&self) -> Collection<T> {
        self.inner.database.collection()
    }

    /// Waits until the containers of an earlier daemon are known again.
    pub async fn recovered(&self) {
        if !*self.inner.recovered.borrow() {
            // The sender lives in `inner`, so this ends only with the value.
            let _ = self.inner.recovered.subscribe().wait_for(|done| *done).await;
        }
    }

    /// The instance id: eight characters that every kernel object of this engine carries.
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// Past events between two times (ns since 1970, both included), oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn events_between(&self, since: i64, until: i64) -> Result<Vec<Arc<Event>>> {
        let engine = self.clone();
        crate::blocking(move || engine.inner.events.between(since, until)).await
    }

    /// Live events from now on. A subscriber that lags reads what it missed by [`Engine::events_between`].
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.inner.events.subscribe()
    }

    /// Publishes an event about a container, with Docker's attributes.
    pub(crate) fn container_event(&self, record: &ContainerRecord, action: &str, extra: &[(&str, &str)]) {
        let mut attributes: BTreeMap<String, String> = record.resolved.labels.clone();
        attributes.insert("image".into(), record.spec.image.clone());
        attributes.insert("name".into(), record.name.clone());
        attributes.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        self.inner.events.publish("container", action, &record.id, attributes);
    }

    /// Writes a container's record. One that goes by itself when it ends (`--rm`) is not worth a flush.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) fn save(&self, record: &ContainerRecord, durability: Durability) -> Result<()> {
        Ok(self.inner.records.put(record, durability)?)
    }
}

fn make_private_directory(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o710)
        .create(path)
        .context(format!("cannot make the directory {}", path.display()))
}

fn open_storage(config: &EngineConfig) -> Result<Arc<dyn SnapshotDriver>> {
    Ok(sampan_storage::drivers::open(config.storage_driver.as_deref(), &config.data_root)?)
}

fn open_transfers(config: &EngineConfig, images: &Arc<Store>) -> Result<sampan_registry::Transfers> {
    let registries = sampan_registry::Registries::new(config.registries.clone())?;
    let policy = match &config.trust_policy {
        Some(path) => sampan_registry::Policy::read(path)?,
        None => sampan_registry::Policy::default(),
    };
    let sessions = config.data_root.join("uploads");
    Ok(sampan_registry::Transfers::new(
        registries,
        Arc::clone(images),
        config.transfers.clone(),
        policy,
        sessions,
    ))
}

fn network_config(config: &EngineConfig, instance: &str) -> sampan_network::ManagerConfig {
    let mut network = sampan_network::ManagerConfig::new(instance, config.is_default_data_root);
    network.bridge_address = config.bridge_address;
    network.mtu = config.mtu;
    network.icc = config.icc;
    network.binding_address = config.binding_address;
    network.reach = config.published_reach;
    network
}

fn cpus() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

/// Bytes of memory of the machine, from /proc/meminfo (proc_meminfo(5): kibibytes).
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .map_or(0, |kibibytes| kibibytes * 1024)
}
