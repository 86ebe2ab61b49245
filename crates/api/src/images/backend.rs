//! What these routes need of an engine.

use sampan_engine::containers::Filters;
use sampan_engine::{ByteStream, Distribution, ImageDetails, PullRequest, PushRequest, SearchRequest};
use sampan_error::Result;
use sampan_image::{CollectedImages, HistoryRow, ImportOptions, Reference, Summary};
use sampan_registry::{Credentials, Described, Member, SearchResult, Steps};
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// What happens while an archive is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LoadStep {
    /// A layer is being unpacked: its short digest, bytes so far, bytes in all (0 when not known).
    Layer { id: String, current: u64, total: u64 },
    /// An image is there, under this name or, without one, this id.
    Loaded { name: String, is_id: bool },
    /// Another image, of this id, lost this name by it.
    Moved { name: String, id: String },
}

/// What was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Removal {
    /// A name.
    Untagged(String),
    /// An image or a layer.
    Deleted(String),
}

/// The images of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Those that fit, newest first.
    fn images(&self, all: bool, filters: &Filters) -> impl Future<Output = Result<Vec<Summary>>> + Send;
    /// Those with the bytes that they share with others.
    fn images_with_shared_sizes(&self) -> impl Future<Output = Result<Vec<Summary>>> + Send;
    /// How many containers use an image.
    fn image_users(&self, id: &str) -> usize;
    /// One image.
    fn image(&self, name: &str) -> impl Future<Output = Result<ImageDetails>> + Send;
    /// The steps that made it.
    fn image_history(&self, name: &str) -> impl Future<Output = Result<Vec<HistoryRow>>> + Send;
    /// Gives it a further name.
    fn tag_image(&self, image: &str, name: &str) -> impl Future<Output = Result<()>> + Send;
    /// Takes a name away, and the image with its last name.
    fn remove_image(
        &self,
        name: &str,
        force: bool,
        prune_parents: bool,
    ) -> impl Future<Output = Result<Vec<Removal>>> + Send;
    /// Makes an image of a file system's tar; returns its id.
    fn import_image(
        &self,
        archive: ByteStream,
        options: ImportOptions,
    ) -> impl Future<Output = Result<String>> + Send;
    /// The same of an archive that lies on a web server.
    fn import_image_from(
        &self,
        address: &str,
        options: ImportOptions,
    ) -> impl Future<Output = Result<String>> + Send;
    /// Loads images from an archive, telling each step.
    fn load_images(
        &self,
        archive: ByteStream,
        steps: UnboundedSender<LoadStep>,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Takes an image from a registry, telling each step.
    fn pull_image(&self, request: PullRequest, steps: Steps) -> impl Future<Output = Result<()>> + Send;
    /// Gives an image to a registry, telling each step.
    fn push_image(&self, request: PushRequest, steps: Steps) -> impl Future<Output = Result<()>> + Send;
    /// Repositories of a registry that fit.
    fn search_images(&self, request: SearchRequest)
    -> impl Future<Output = Result<Vec<SearchResult>>> + Send;
    /// A manifest or an index of a registry.
    fn manifest(
        &self,
        reference: &Reference,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Described>> + Send;
    /// Gives a list of manifests to a registry; its digest.
    fn push_list(
        &self,
        target: &Reference,
        members: Vec<Member>,
        credentials: Credentials,
    ) -> impl Future<Output = Result<String>> + Send;
    /// What a registry has under a name.
    fn distribution(
        &self,
        name: &str,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Distribution>> + Send;
    /// Images as an archive.
    fn save_images(&self, names: Vec<String>) -> impl Future<Output = Result<ByteStream>> + Send;
    /// The files of an image as an archive.
    fn image_files(&self, name: &str) -> impl Future<Output = Result<ByteStream>> + Send;
    /// Removes images until a budget is kept.
    fn collect_images(
        &self,
        budget: Option<u64>,
        minimum_age: Option<Duration>,
        dry_run: bool,
    ) -> impl Future<Output = Result<CollectedImages>> + Send;
    /// Keeps an image from being collected, or no longer.
    fn pin_image(&self, name: &str, pinned: bool) -> impl Future<Output = Result<()>> + Send;
    /// Removes images that no container uses.
    fn prune_images(&self, filters: &Filters) -> impl Future<Output = Result<(Vec<Removal>, u64)>> + Send;
}
