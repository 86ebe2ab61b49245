//! What a caller asks of a build, and what it is told meanwhile.

use sampan_engine::spec::{HostOptions, NetworkMode};
use std::collections::BTreeMap;

/// One build.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The Dockerfile's path in the context; empty is `Dockerfile`.
    pub dockerfile: String,
    /// The Dockerfile's text, when it does not come with the context.
    pub dockerfile_text: Option<String>,
    /// The stage to build: its name or number; empty is the last one.
    pub target: String,
    /// Values of ARGs; without a value it is the caller's environment's, which is empty here.
    pub arguments: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Names of the image.
    pub tags: Vec<String>,
    /// Nothing is taken from the cache.
    pub no_cache: bool,
    /// Base images are fetched even when they are here.
    pub pull: bool,
    /// `os/architecture` of base images.
    pub platform: Option<String>,
    /// Network of RUN steps.
    pub network: Option<NetworkMode>,
    /// Limits, extra hosts and the like of RUN steps.
    pub host: HostOptions,
    /// Who is asking registries.
    pub credentials: BTreeMap<String, sampan_engine::Credentials>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step begins.
    Step {
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        total: usize,
        /// Its text.
        text: String,
    },
    /// Its outcome was there already.
    Cached,
    /// Its program runs in this container.
    Running(String),
    /// What the program writes.
    Output(Vec<u8>),
    /// An image that was made or found.
    Image(String),
    /// A sentence for the user.
    Note(String),
}
