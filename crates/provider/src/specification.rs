//! What is wanted of a container, in nobody's own words.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// A container as it is to live somewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Specification {
    /// Its name: what users address as `NAME@TARGET`.
    pub name: String,
    /// What it is made of.
    pub image: Image,
    /// The program; `None` is the image's.
    pub entrypoint: Option<Vec<String>>,
    /// Its arguments; `None` is the image's.
    pub command: Option<Vec<String>>,
    /// Name and value. All of it, with what came from the image. May hold secrets: never logged, never in an error.
    pub environment: Vec<(String, String)>,
    /// User and group inside; empty is the image's.
    pub user: String,
    /// Empty is the image's.
    pub working_directory: String,
    /// Its ports.
    pub ports: Vec<Port>,
    /// Its volumes. Folders of this host are settings (`HostConfig.Binds`) that no other place has.
    pub volumes: Vec<Volume>,
    /// Thousand-millionths of a CPU; 0 is no limit.
    pub nano_cpus: u64,
    /// Bytes; 0 is no limit.
    pub memory: u64,
    /// The user's labels.
    pub labels: BTreeMap<String, String>,
    /// How its health is found out.
    pub health: Option<Health>,
    /// Signal that asks it to end; empty is the image's, or SIGTERM.
    pub stop_signal: String,
    /// Seconds between that signal and SIGKILL.
    pub stop_timeout: Option<u64>,
    /// It is started again when it ends, whatever it says: `no`, `always`, `unless-stopped`, `on-failure`.
    pub restart: String,
    /// Replicas.
    pub replicas: u32,
    /// Everything else that differs from what a container has by itself, by its name in `docker inspect`. A provider
    /// that knows such a name does it; one that does not reports it as lost.
    pub settings: Vec<Setting>,
}

/// What a container is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// As users write it.
    pub reference: String,
    /// Digest of its configuration: the same at every place.
    pub id: String,
    /// Where the target finds it: a name with a digest at a registry that the target reads, or a name that was loaded
    /// there. Empty until it is there.
    pub located: String,
    /// `amd64`, `arm64`, … as OCI names them.
    pub architecture: String,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Inside.
    pub container: u16,
    /// Outside; `None` when it is only exposed, 0 when the place may choose.
    pub published: Option<u16>,
    /// Its protocol.
    pub protocol: Protocol,
}

/// A protocol of a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// A volume of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// Its name here; the same there.
    pub name: String,
    /// Where the container has it.
    pub path: String,
    /// It may not write to it.
    pub read_only: bool,
}

/// How a container's health is found out. Durations are nanoseconds; 0 is the provider's usual one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// By what.
    pub probe: Probe,
    /// Between two checks.
    pub interval: u64,
    /// How long one may take.
    pub timeout: u64,
    /// After a start, in which a failure does not count.
    pub start_period: u64,
    /// Failures in a row that count; 0 is the provider's usual number.
    pub retries: u32,
}

/// What a health check does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Probe {
    /// Runs a program inside.
    Command(Vec<String>),
    /// Runs a line of the container's shell.
    Shell(String),
    /// Asks over HTTP; healthy is 200 to 399.
    Http {
        /// Inside.
        port: u16,
        /// Begins with `/`.
        path: String,
    },
    /// Opens a connection.
    Tcp {
        /// Inside.
        port: u16,
    },
}

/// A setting that has no place of its own above.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name in `docker inspect`: `HostConfig.CapAdd`.
    pub name: String,
    /// Its value there.
    pub value: Value,
}

impl Specification {
    /// The ports that are published.
    pub fn published(&self) -> impl Iterator<Item = &Port> {
        self.ports.iter().filter(|port| port.published.is_some())
    }

    /// A setting by its name in `docker inspect`.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.iter().find(|setting| setting.name == name).map(|setting| &setting.value)
    }

    /// A fingerprint of all of it but the number of replicas: two services with the same one need no update. FNV-1a of
    /// the JSON, 16 hexadecimal digits; no secret can be read from it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let one = Self { replicas: 0, ..self.clone() };
        let text = serde_json::to_vec(&one).unwrap_or_default();
        let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(published) = self.published {
            write!(f, "{published}:")?;
        }
        write!(f, "{}/{}", self.container, self.protocol)
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(words) => f.write_str(&words.join(" ")),
            Self::Shell(line) => f.write_str(line),
            Self::Http { port, path } => write!(f, "http::{port}{path}"),
            Self::Tcp { port } => write!(f, "tcp::{port}"),
        }
    }
}
