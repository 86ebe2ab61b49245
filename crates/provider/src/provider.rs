//! What is asked of a provider.

use crate::capabilities::Capabilities;
use crate::failure::{Failure, Result};
use crate::lease::Lease;
use crate::loss::Loss;
use crate::seed::{Seed, SeedRequest};
use crate::service::{Instance, Resource, Service, Usage};
use crate::specification::Specification;
use crate::target::Target;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Makes the provider of a target. Nothing is asked of anybody yet.
pub type Connect = fn(&Target, &BTreeMap<String, String>) -> Result<Arc<dyn Provider>>;

/// Where lines go.
pub type Sink<T> = Sender<T>;

/// Who is asking, as the provider sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// Account, project, or the engine's name.
    pub account: String,
    /// Who in it.
    pub principal: String,
    /// The provider's version or product, as it says it.
    pub product: String,
    /// What is missing before a container can live there, each one sentence with what to do.
    pub missing: Vec<String>,
}

/// How an image gets there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRoute {
    /// It is pushed to a registry that the target reads.
    Registry(RegistryAccess),
    /// It is given to the target as an archive ([`Provider::load_image`]).
    Archive(Layers),
}

/// A registry, with what it takes to write to it for a while.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RegistryAccess {
    /// Host and port.
    pub host: String,
    /// Repository at that host.
    pub repository: String,
    /// User.
    pub user: String,
    /// A secret: never logged.
    pub password: String,
    /// It speaks plain HTTP.
    pub insecure: bool,
}

/// The layers that a target has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// The image is there already, by its id.
    pub complete: bool,
    /// For each image there: the digests of its uncompressed layers, lowest first. A layer counts only on the same ones.
    pub chains: Vec<Vec<String>>,
}

/// Which lines of a service's output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Goes on until the reader goes away.
    pub follow: bool,
    /// Only the last ones.
    pub tail: Option<u64>,
    /// Nanoseconds since 1970; only later ones.
    pub since: Option<i64>,
    /// Nanoseconds since 1970; only earlier ones.
    pub until: Option<i64>,
}

/// A line of output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogLine {
    /// [`Instance::name`] of who wrote it.
    pub instance: String,
    /// Nanoseconds since 1970.
    pub at: i64,
    /// It was written to standard error. Providers that do not know say no.
    pub error: bool,
    /// Without the line feed.
    pub text: String,
}

/// Between how many replicas, by what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoscalePolicy {
    /// Never fewer.
    pub least: u32,
    /// Never more.
    pub most: u32,
    /// Percent of its CPUs that a replica is to use.
    pub cpu: Option<f64>,
    /// Percent of its memory.
    pub memory: Option<f64>,
    /// Requests a minute.
    pub requests: Option<f64>,
}

/// A place where containers can live. Every call may be made again: what is done already is no failure, and one that was
/// broken off in the middle is finished by the next. Everything that is made is marked as ours, with the service that it
/// is for, before it is used.
pub trait Provider: Send + Sync + 'static {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// What of a container it cannot do as asked. Asks nobody.
    fn losses(&self, specification: &Specification) -> Vec<Loss>;

    /// What deploying would do, one sentence for each step. Asks nobody: `current` is what is there now.
    fn plan(&self, specification: &Specification, current: Option<&Service>) -> Vec<String>;

    /// What deploying would make, in the place's own form of files, for its own tools; `None` where it has no such form. It
    /// holds the values of secrets. Asks nobody.
    fn documents(&self, _specification: &Specification) -> Option<String> {
        None
    }

    /// Who is asking, and what is missing.
    fn identify(&self) -> Answer<'_, Identity>;

    /// How an image gets there. Makes the repository when that is a registry. `chain` is the digests of the image's
    /// uncompressed layers, lowest first.
    fn image_route<'a>(
        &'a self,
        service: &'a str,
        image_id: &'a str,
        chain: &'a [String],
    ) -> Answer<'a, ImageRoute>;

    /// Takes an image as a file in the form of `docker save`; layers that it has may be missing.
    fn load_image<'a>(&'a self, archive: &'a Path) -> Answer<'a, ()>;

    /// Makes the service, or makes it what is specified. Comes back when the provider has taken it on; how it goes on is
    /// in [`Provider::describe`].
    fn deploy<'a>(&'a self, specification: &'a Specification) -> Answer<'a, Service>;

    /// One service.
    ///
    /// A name that is not there is [`crate::Failure::NotFound`].
    fn describe<'a>(&'a self, name: &'a str) -> Answer<'a, Service>;

    /// All services that are ours.
    fn list(&self) -> Answer<'_, Vec<Service>>;

    /// The running copies of a service.
    fn instances<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Instance>>;

    /// Sends lines of output until there are no more, or nobody takes them.
    fn logs<'a>(&'a self, name: &'a str, request: &'a LogRequest, lines: Sink<LogLine>) -> Answer<'a, ()>;

    /// What it uses now.
    fn usage<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<Usage>>;

    /// So many replicas from now on; ends automatic scale.
    fn scale<'a>(&'a self, name: &'a str, replicas: u32) -> Answer<'a, ()>;

    /// As many replicas as the load needs. [`crate::Failure::Unsupported`] where [`Capabilities::autoscale`] is false.
    fn autoscale<'a>(&'a self, name: &'a str, policy: &'a AutoscalePolicy) -> Answer<'a, ()>;

    /// Back to what was there before the last deployment.
    fn roll_back<'a>(&'a self, name: &'a str) -> Answer<'a, Service>;

    /// Ends its programs; it stays known.
    fn stop<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;

    /// Starts them again.
    fn start<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;

    /// Removes it with everything that was made for it alone. Volumes stay unless asked.
    fn remove<'a>(&'a self, name: &'a str, with_volumes: bool) -> Answer<'a, ()>;

    /// Starts one end of a transfer beside a service's volumes. [`crate::Failure::Unsupported`] where
    /// [`Capabilities::seeds`] is false.
    fn seed<'a>(&'a self, request: &'a SeedRequest) -> Answer<'a, Seed> {
        let refused = Failure::unsupported(
            format!("bringing the volumes of {}", request.service),
            "what is in a volume cannot be brought there yet; `container push` sends a container without it",
        );
        Box::pin(async move { Err(refused) })
    }

    /// Asks for a lease, or for more of one's own; without seconds gives it back. Who has none in time may not run it, and the
    /// place that keeps the lease starts its own copy. [`Failure::Conflict`] when somebody else has it.
    fn lease<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Lease> {
        let refused = Failure::unsupported(
            format!("taking {} over by itself", lease.name),
            "the other side has to be Sampan for that",
        );
        Box::pin(async move { Err(refused) })
    }

    /// Everything that was made there.
    fn resources(&self) -> Answer<'_, Vec<Resource>>;
}

impl fmt::Debug for RegistryAccess {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryAccess")
            .field("host", &self.host)
            .field("repository", &self.repository)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
