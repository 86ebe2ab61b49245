//! Images to and from registries: the distribution protocol, pull and push.

mod cache;
mod client;
mod credentials;
mod list;
mod manifest;
mod prefix;
mod pull;
mod push;
mod settings;
mod step;
mod transfers;
mod trust;

pub use cache::RemoteCache;
pub use client::{
    BlobBody, BlobStream, Fetched, Registries, RegistryError, Repository, SearchResult, SearchTerm, Started,
    Upload,
};
pub use credentials::Credentials;
pub use list::{Described, Member};
pub use manifest::{
    DOCKER_LIST, DOCKER_MANIFEST, Descriptor, Document, Index, LayerKind, Manifest, OCI_INDEX, OCI_MANIFEST,
    Platform,
};
pub use pull::Pulled;
pub use push::Pushed;
pub use settings::{Rule, Settings};
pub use step::{Steps, TransferStep};
pub use transfers::{Limits, Transfers};
pub use trust::Policy;
