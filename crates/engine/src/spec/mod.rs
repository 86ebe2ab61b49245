//! What a container should be: the domain's own words, normalised once at the border.
//!
//! These types are what the API's create body becomes after it was checked and defaulted, and what a
//! container's record keeps. They know nothing of Docker's JSON: `api` converts. Their serde form is
//! the record's form on disk (`record.json` and the state database), versioned by the record.

mod health;
mod host;
mod mount;
mod network;

pub use health::{HealthTest, Healthcheck};
pub use host::{
    CgroupNamespace, DeviceMapping, DeviceRequest, HostOptions, IpcMode, LogConfig, PidMode, Resources,
    RestartKind, RestartPolicy, ThrottleDevice, Ulimit, UserNamespace, UtsMode, WeightDevice,
};
pub use mount::{
    Bind, BindOptions, ImageMount, MountKind, MountRequest, Propagation, TmpfsOptions, VolumeOptions,
};
pub use network::{EndpointOptions, NetworkMode, PortBinding, PortKey, PortProtocol};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a caller may say about a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerSpec {
    /// The image as the caller named it (`busybox`, `busybox:1.36`, `sha256:…`, a short id).
    pub image: String,
    /// `os/arch[/variant]` that the image must have, if the caller said one.
    pub platform: Option<String>,
    /// The portable part: what runs.
    pub process: ProcessOptions,
    /// The host's part: how it runs here.
    pub host: HostOptions,
    /// Endpoint settings by network name, as given. The primary network is `host.network_mode`.
    pub networks: BTreeMap<String, EndpointOptions>,
}

/// The portable part of a container: command, environment, user, ports it listens on.
///
/// A field that is `None` takes the image's value; `Some(vec![])` (an explicit empty list) does not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessOptions {
    /// Host name; by default the first twelve digits of the id.
    pub hostname: Option<String>,
    /// NIS domain name.
    pub domainname: Option<String>,
    /// `user[:group]`, names or numbers; empty takes the image's.
    pub user: String,
    /// Whether a client meant to attach to standard input.
    pub attach_stdin: bool,
    /// Whether a client meant to attach to standard output.
    pub attach_stdout: bool,
    /// Whether a client meant to attach to standard error.
    pub attach_stderr: bool,
    /// A pseudo terminal instead of three pipes.
    pub tty: bool,
    /// Standard input stays open while nobody is attached.
    pub open_stdin: bool,
    /// Standard input closes when the first attached client leaves.
    pub stdin_once: bool,
    /// `NAME=value`; a `NAME` alone removes the image's variable of that name.
    pub env: Vec<String>,
    /// Further ones, which are neither written down nor shown.
    #[serde(skip)]
    pub secret_env: Vec<String>,
    /// The command, or the arguments of the entry point.
    pub cmd: Option<Vec<String>>,
    /// The entry point. Setting it drops the image's command.
    pub entrypoint: Option<Vec<String>>,
    /// A health check, or the word to drop the image's.
    pub healthcheck: Option<Healthcheck>,
    /// Ports the program listens on, beside the image's.
    pub exposed_ports: Vec<PortKey>,
    /// Paths that become anonymous volumes, beside the image's.
    pub volumes: Vec<String>,
    /// Working directory; created when it is missing. Empty takes the image's.
    pub working_dir: String,
    /// No network but loopback, whatever the network mode says.
    pub network_disabled: bool,
    /// MAC address of the primary endpoint (the field of API versions before 1.44).
    pub mac_address: Option<String>,
    /// Triggers carried into a commit.
    pub on_build: Vec<String>,
    /// Labels, over the image's.
    pub labels: BTreeMap<String, String>,
    /// Signal that asks the program to stop, a name or a number; by default the image's or SIGTERM.
    pub stop_signal: Option<String>,
    /// Seconds between that signal and SIGKILL; -1 waits for ever; by default 10.
    pub stop_timeout: Option<i64>,
    /// The shell of shell-form commands, carried into a commit.
    pub shell: Option<Vec<String>>,
    /// Command is already escaped (Windows images); kept for a round trip.
    pub args_escaped: bool,
}
