//! What is kept of a container: its specification, what was resolved at creation, and its state.

use crate::spec::{ContainerSpec, EndpointOptions, Healthcheck, PortKey, Propagation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// A container as the store keeps it and as the engine shows it: one value, cheap to clone behind an `Arc`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerRecord {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Name without the slash.
    pub name: String,
    /// Nanoseconds since 1970 of the creation.
    pub created: i64,
    /// What was asked for.
    pub spec: ContainerSpec,
    /// Id of the image (`sha256:…`).
    pub image_id: String,
    /// Top layer (chain id) of the image; `None` for an image without layers.
    pub image_layer: Option<String>,
    /// What was resolved from the specification and the image together.
    pub resolved: Resolved,
    /// Where it stands.
    pub state: ContainerState,
    /// Its endpoints by network name. Addresses are filled in while it runs.
    pub endpoints: BTreeMap<String, EndpointRecord>,
    /// Ports published at the moment, as `docker ps` shows them.
    pub published: Vec<PublishedPort>,
    /// Mounts as resolved (volumes named, binds made absolute).
    pub mounts: Vec<MountRecord>,
    /// How often the restart policy started it again.
    pub restart_count: u32,
    /// Storage driver that holds its layer.
    pub storage_driver: String,
    /// Directory of its files (hosts, hostname, resolv.conf, log).
    pub directory: PathBuf,
    /// Log file, empty when the driver keeps none.
    pub log_path: PathBuf,
    /// Its cgroup, relative to each controller's mount (`/sampan-1234abcd/<id>`); set while it runs.
    pub cgroup: String,
    /// A user asked it to stop, so `unless-stopped` and `always` let it be until it is started again.
    pub stopped_by_user: bool,
    /// Platform of the image, `linux/amd64`.
    pub platform: String,
    /// Ids of exec sessions that run or ran since the last start.
    pub exec_ids: Vec<String>,
    /// Warnings given at creation.
    pub warnings: Vec<String>,
    /// What the network keeps for it while it runs.
    pub network: NetworkHold,
    /// Ports of its that lead elsewhere.
    pub passes: Vec<PassOn>,
    /// It may run here only as long as somebody elsewhere says so: nothing starts it but [`crate::Engine::start_leased`].
    pub leased: bool,
}

/// A port of a container that none of its programs answers: what comes is passed on to an address that this host can
/// reach. A container that lives elsewhere now leaves such a one behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassOn {
    /// The port inside.
    pub port: PortKey,
    /// Where it goes; `None` lets connections wait, until it is said.
    pub to: Option<SocketAddr>,
}

/// A running container's objects in the network crate's own terms, to be handed back at its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkHold {
    /// Its endpoints.
    pub endpoints: Vec<sampan_network::EndpointRecord>,
    /// Its published ports.
    pub published: Vec<sampan_network::PublishedRecord>,
}

/// Configuration after the image's values were merged in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resolved {
    /// Host name.
    pub hostname: String,
    /// Program and arguments.
    pub args: Vec<String>,
    /// The entry point part, as inspect shows it.
    pub entrypoint: Option<Vec<String>>,
    /// The command part, as inspect shows it.
    pub cmd: Option<Vec<String>>,
    /// Environment without what the engine adds.
    pub env: Vec<String>,
    /// User in Docker's syntax.
    pub user: String,
    /// Working directory; empty is `/`.
    pub working_dir: String,
    /// Labels, image's and own.
    pub labels: BTreeMap<String, String>,
    /// Exposed ports, image's and own.
    pub exposed_ports: Vec<PortKey>,
    /// Paths of anonymous volumes, image's and own.
    pub volumes: Vec<String>,
    /// Health check after inheritance; `None` when there is none.
    pub healthcheck: Option<Healthcheck>,
    /// Signal that stops it, by name or number; empty is SIGTERM.
    pub stop_signal: String,
    /// Seconds between that signal and SIGKILL.
    pub stop_timeout: Option<i64>,
    /// The image's `OnBuild` and `Shell`, kept for inspect and commit.
    pub on_build: Vec<String>,
    /// The shell of shell-form commands.
    pub shell: Option<Vec<String>>,
}

/// The seven words of a container's status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Made and never started.
    #[default]
    Created,
    /// Its program runs.
    Running,
    /// Frozen.
    Paused,
    /// Ended, and its restart policy will start it again.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Its removal failed half-way.
    Dead,
}

/// Where a container stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// The word.
    pub status: Status,
    /// Process id of its init in the host's namespace; zero when it does not run.
    pub pid: u32,
    /// Exit code of its last run; 137 for SIGKILL.
    pub exit_code: i32,
    /// Whether the out-of-memory killer ended something in its last run.
    pub oom_killed: bool,
    /// Why the last start failed, for the user.
    pub error: String,
    /// Nanoseconds since 1970 of the last start; zero is never.
    pub started: i64,
    /// Nanoseconds since 1970 of the last end; zero is never.
    pub finished: i64,
    /// Health, when it has a check.
    pub health: Option<HealthState>,
    /// Whether connections may come, when its label says how to know ([`crate::probe::READINESS`]).
    pub ready: Option<bool>,
}

/// Health of a running container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthState {
    /// `starting`, `healthy` or `unhealthy`.
    pub status: HealthStatus,
    /// Failures in a row.
    pub failing_streak: u32,
    /// The last five probes.
    pub log: Vec<ProbeResult>,
}

/// The word of a health state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// No probe has decided yet.
    #[default]
    Starting,
    /// The last probe succeeded.
    Healthy,
    /// As many probes failed in a row as the check allows.
    Unhealthy,
}

/// One probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeResult {
    /// Nanoseconds since 1970.
    pub start: i64,
    /// Nanoseconds since 1970.
    pub end: i64,
    /// Exit code of the probe; -1 when it could not be run or timed out.
    pub exit_code: i32,
    /// Its output, at most 4 KiB.
    pub output: String,
}

/// An endpoint: a container's place in a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointRecord {
    /// As asked for.
    pub options: EndpointOptions,
    /// Id of the network.
    pub network_id: String,
    /// Id of the endpoint, 64 hexadecimal digits; empty while it does not run.
    pub endpoint_id: String,
    /// Address and prefix length.
    pub ipv4: Option<(IpAddr, u8)>,
    /// Gateway.
    pub gateway: Option<IpAddr>,
    /// IPv6 address and prefix length.
    pub ipv6: Option<(Ipv6Addr, u8)>,
    /// IPv6 gateway.
    pub ipv6_gateway: Option<Ipv6Addr>,
    /// MAC address, `02:42:…`.
    pub mac_address: String,
    /// Names that resolve to it on user-defined networks.
    pub dns_names: Vec<String>,
}

/// A port that is published now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// The container's port.
    pub container: PortKey,
    /// The host's address, `0.0.0.0`, `::` or the one asked for.
    pub host_ip: IpAddr,
    /// The host's port.
    pub host_port: u16,
    /// Whether it is there for near addresses only ([`sampan_network::Reach::Lan`]).
    #[serde(default)]
    pub only_near: bool,
}

/// A mount as it was resolved at creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountRecord {
    /// The kind.
    pub kind: MountRecordKind,
    /// Name of the volume, empty for others.
    pub name: String,
    /// Path on the host (bind, volume), empty for tmpfs; the reference of an image mount.
    pub source: String,
    /// Path in the container.
    pub target: String,
    /// Volume driver.
    pub driver: String,
    /// Mode as given (`ro`, `z`).
    pub mode: String,
    /// Writable.
    pub writable: bool,
    /// Propagation of a bind.
    pub propagation: Propagation,
    /// The volume was made for this container alone and goes with `rm -v`.
    pub anonymous: bool,
    /// Does not copy the image's content into an empty volume.
    pub no_copy: bool,
    /// A path inside the volume or image.
    pub subpath: String,
    /// Leaves out what is mounted below the source.
    pub non_recursive: bool,
    /// Read-only for the top mount only.
    pub read_only_non_recursive: bool,
    /// Owners are mapped: the container's root is whoever owns the source.
    pub idmap: bool,
    /// Options of a tmpfs (`size=…`, `mode=…`).
    pub tmpfs_options: String,
}

/// The kind of a resolved mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountRecordKind {
    /// A path of the host.
    #[default]
    Bind,
    /// A volume.
    Volume,
    /// Memory.
    Tmpfs,
    /// The file system of an image.
    Image,
}

impl ContainerRecord {
    /// Whether its program exists, frozen or not.
    pub fn is_running(&self) -> bool {
        matches!(self.state.status, Status::Running | Status::Paused)
    }

    /// Gives it another name, also on its networks.
    pub(crate) fn rename(&mut self, new: &str) {
        for name in self.endpoints.values_mut().flat_map(|endpoint| &mut endpoint.dns_names) {
            if *name == self.name {
                new.clone_into(name);
            }
        }
        new.clone_into(&mut self.name);
    }
}

impl Status {
    /// The word that clients know.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }
}
