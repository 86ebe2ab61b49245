//! Images, as containers and the API need them: thin, asynchronous ways into the image store.

mod archives;
pub(crate) mod builtin;
mod collect;
mod defaults;
mod transfer;

use crate::Engine;
use crate::containers::{Filters, ImageDefaults};
use crate::error::Error;
use crate::stream::ByteStream;
use sampan_error::{Kind, Result};
use sampan_image::{HistoryRow, Image, ImportOptions, Names, Summary};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use transfer::{Distribution, PullRequest, PushRequest, SearchRequest};

/// What a new container needs to know of its image.
pub(crate) struct ImageForContainer {
    pub(crate) id: String,
    pub(crate) top_layer: Option<String>,
    pub(crate) platform: String,
    pub(crate) defaults: ImageDefaults,
    pub(crate) warning: Option<String>,
}

/// All that is known of an image.
#[derive(Debug, Clone)]
pub struct ImageDetails {
    /// The image.
    pub image: Arc<Image>,
    /// Its names.
    pub names: Names,
    /// The storage driver that holds its layers.
    pub driver: &'static str,
    /// Where its top layer lies, in the driver's words.
    pub graph: Vec<(String, String)>,
    /// Containers that use it.
    pub users: usize,
}

/// The images of an engine.
#[derive(Clone)]
pub struct Images {
    pub(crate) engine: Engine,
}

impl Engine {
    /// Id of the image with the program that comes with ours, made when it is not there.
    ///
    /// # Errors
    /// The image store cannot be written.
    pub async fn own_program(&self) -> Result<String> {
        let engine = self.clone();
        crate::blocking(move || Ok(builtin::provide(&engine.inner.images)?.id.clone())).await
    }

    /// The images.
    pub fn images(&self) -> Images {
        Images { engine: self.clone() }
    }

    /// Containers that were made from an image: ids, and whether each runs.
    pub(crate) fn image_users(&self, id: &str) -> Vec<(String, bool)> {
        self.inner
            .registry
            .all()
            .iter()
            .map(|container| container.record())
            .filter(|record| record.image_id == id)
            .map(|record| (record.id.clone(), record.is_running()))
            .collect()
    }
}

impl Images {
    /// Images that fit, newest first; without `all` those that only serve as parents are left out.
    ///
    /// # Errors
    /// An unknown filter, or an image in a filter that does not exist.
    pub async fn list(&self, all: bool, filters: &Filters) -> Result<Vec<Summary>> {
        let (engine, filters) = (self.engine.clone(), filters.clone());
        crate::blocking(move || Ok(engine.inner.images.list(all, &filters)?)).await
    }

    /// An image and its names.
    ///
    /// # Errors
    /// No such image.
    pub async fn inspect(&self, name: &str) -> Result<ImageDetails> {
        let (engine, name) = (self.engine.clone(), name.to_owned());
        crate::blocking(move || {
            let image = builtin::find(&engine.inner.images, &name)?;
            let graph = match image.top_layer() {
                Some(layer) => engine.inner.storage.inspect_layer(layer)?,
                None => Vec::new(),
            };
            Ok(ImageDetails {
                names: engine.inner.images.names(&image.id),
                driver: engine.inner.storage.name(),
                graph,
                users: engine.image_users(&image.id).len(),
                image,
            })
        })
        .await
    }

    /// The steps that made an image, newest first.
    ///
    /// # Errors
    /// No such image.
    pub async fn history(&self, name: &str) -> Result<Vec<HistoryRow>> {
        let (engine, name) = (self.engine.clone(), name.to_owned());
        crate::blocking(move || Ok(engine.inner.images.history(&name)?)).await
    }

    /// Gives an image a further name.
    ///
    /// # Errors
    /// No such image, a bad name.
    pub async fn tag(&self, image: &str, name: &str) -> Result<()> {
        let (engine, image, name) = (self.engine.clone(), image.to_owned(), name.to_owned());
        let tagged = crate::blocking(move || Ok(engine.inner.images.tag(&image, &name)?)).await?;
        self.event(&tagged.image, &tagged.name, "tag");
        Ok(())
    }

    /// Makes an image of one layer from a tar stream; returns its id.
    ///
    /// # Errors
    /// A bad name, instruction, platform or archive.
    pub async fn import(&self, body: ByteStream, options: ImportOptions) -> Result<String> {
        let engine = self.engine.clone();
        let mut reader = crate::stream::reader(body);
        let name = options.name.clone();
        let image = crate::blocking(move || Ok(engine.inner.images.import(&mut reader, &options)?)).await?;
        self.event(&image.id, name.as_deref().unwrap_or(&image.id), "import");
        self.collect_later();
        Ok(image.id.clone())
    }

    /// The same of an archive that lies on a web server.
    ///
    /// # Errors
    /// What the server said; as [`Self::import`].
    pub async fn import_from(&self, address: &str, options: ImportOptions) -> Result<String> {
        self.import(self.open_url(address).await?, options).await
    }

    /// What lies at an address of a web server.
    ///
    /// # Errors
    /// What the server said.
    pub async fn open_url(&self, address: &str) -> Result<ByteStream> {
        use futures_util::StreamExt;
        let stream = self.engine.inner.transfers.registries().open_url(address).await?;
        Ok(Box::pin(stream.map(|chunk| chunk.map_err(Into::into))))
    }

    /// What images take on the disk.
    ///
    /// # Errors
    /// None at present.
    pub async fn disk_usage(&self) -> Result<sampan_image::DiskUsage> {
        let engine = self.engine.clone();
        crate::blocking(move || Ok(engine.inner.images.disk_usage())).await
    }

    /// How many containers use an image.
    pub fn users(&self, id: &str) -> usize {
        self.engine.image_users(id).len()
    }

    /// Publishes an event about an image.
    pub(crate) fn event(&self, id: &str, name: &str, action: &str) {
        let mut attributes: BTreeMap<String, String> = match self.engine.inner.images.find(id) {
            Ok(image) => image.config.labels.clone(),
            Err(_) => BTreeMap::new(),
        };
        attributes.insert("name".into(), name.to_owned());
        self.engine.inner.events.publish("image", action, id, attributes);
    }

    /// The image that a container names, with what the container takes from it.
    ///
    /// # Errors
    /// `NotFound` with Docker's sentence: clients pull when they read it.
    pub(crate) fn find_for_container(&self, name: &str, platform: Option<&str>) -> Result<ImageForContainer> {
        let image = builtin::find(&self.engine.inner.images, name)?;
        let own = image.platform();
        let mut warning = None;
        if let Some(wanted) = platform.filter(|wanted| !wanted.is_empty()) {
            let matches = own == wanted || own.starts_with(&format!("{wanted}/")) || wanted == image.os;
            if !matches {
                return Err(Error::NotFound(format!(
                    "image with reference {name} was found but does not provide the specified platform ({wanted})"
                ))
                .into());
            }
        } else if image.architecture != std::env::consts::ARCH && docker_architecture() != image.architecture
        {
            warning = Some(format!(
                "The requested image's platform ({own}) does not match the detected host platform (linux/{}) and no specific platform was requested",
                docker_architecture()
            ));
        }
        self.engine.inner.images.mark_used(&image.id);
        Ok(ImageForContainer {
            id: image.id.clone(),
            top_layer: image.top_layer().map(str::to_owned),
            platform: own,
            defaults: defaults::of(&image.config),
            warning,
        })
    }

    /// Ids of these images and of all that were made from them. Names of no image fit nothing.
    pub(crate) async fn with_descendants(&self, names: &[String]) -> Vec<String> {
        let store = &self.engine.inner.images;
        let mut ids = Vec::new();
        let all = store.images();
        for name in names {
            match store.find(name) {
                Ok(image) => {
                    let layers = &image.diff_ids;
                    ids.extend(
                        all.iter().filter(|it| it.diff_ids.starts_with(layers)).map(|it| it.id.clone()),
                    );
                }
                Err(error) if sampan_error::Classify::kind(&error) == Kind::NotFound => {}
                Err(error) => tracing::debug!(%error, "an ancestor filter names no image"),
            }
        }
        ids
    }
}

/// This machine's architecture in Docker's words (Go's).
pub(crate) fn docker_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
