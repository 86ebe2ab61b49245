//! Pulling: from a name to an image in the store.

pub(crate) mod choose;
mod download;
mod layer;
mod refusal;

use std::sync::Arc;

use sampan_error::{Error, Kind, Result};
use sampan_image::{Incoming, Reference};
use tokio::task::JoinSet;

use crate::client::Repository;
use crate::credentials::Credentials;
use crate::manifest::{Descriptor, Platform};
use crate::step::Steps;
use crate::transfers::{Transfers, blocking, short};
use crate::trust;
use choose::Chosen;
use layer::Layer;

/// What a pull brought.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// The image's id.
    pub image: String,
    /// Digest of what the name stands for at the registry: a manifest, or an index of several platforms.
    pub digest: String,
    /// The name, as users write it.
    pub name: String,
    /// False when nothing changed.
    pub new: bool,
}

impl Transfers {
    /// Pulls one image: from the mirrors that are configured for its name, else from its registry.
    ///
    /// Dropping the future gives the pull up; layers that are complete stay for the next one, and of the others
    /// the part that has come.
    ///
    /// # Errors
    /// `NotFound` with Docker's sentence when the registry does not know it; `Unauthenticated`;
    /// `InvalidArgument` for content that breaks the rules or has another digest; `Unavailable` when no source
    /// can be reached.
    pub async fn pull(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
        credentials: &Credentials,
        steps: &Steps,
    ) -> Result<Pulled> {
        let wanted = wanted(reference)?.to_owned();
        let mut failure = None;
        for source in self.inner.registries.sources(reference, credentials)? {
            let place = source.display();
            match self.pull_from(source, reference, &wanted, platform, steps).await {
                Ok(pulled) => {
                    steps.line(format!("Digest: {}", pulled.digest));
                    let what =
                        if pulled.new { "Downloaded newer image for" } else { "Image is up to date for" };
                    steps.line(format!("Status: {what} {}", pulled.name));
                    return Ok(pulled);
                }
                // Another source cannot help against this host's own troubles.
                Err(error) if matches!(error.kind(), Kind::Exhausted | Kind::DataLoss) => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, source = place, "a source could not give the image");
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::not_found(format!("{} has no source", reference.familiar()))))
    }

    /// Pulls all tags of a repository.
    ///
    /// # Errors
    /// As [`Self::pull`]; the first failure ends it.
    pub async fn pull_all(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
        credentials: &Credentials,
        steps: &Steps,
    ) -> Result<Vec<Pulled>> {
        let mut tags = Err(Error::not_found(format!("{} has no source", reference.familiar_name())));
        for source in self.inner.registries.sources(reference, credentials)? {
            tags = source.tags().await.map_err(|error| refusal::sentence(error, reference, None));
            if tags.is_ok() {
                break;
            }
        }
        let mut pulled = Vec::new();
        for tag in tags? {
            let reference = reference.with_tag(&tag)?;
            pulled.push(self.pull(&reference, platform, credentials, steps).await?);
        }
        if pulled.is_empty() {
            return Err(Error::not_found(format!("{} has no tags", reference.familiar_name())));
        }
        Ok(pulled)
    }

    async fn pull_from(
        &self,
        source: Repository,
        reference: &Reference,
        wanted: &str,
        platform: Option<&Platform>,
        steps: &Steps,
    ) -> Result<Pulled> {
        let chosen = choose::choose(&source, reference, wanted, platform).await?;
        let digests = [chosen.top.digest.as_str(), chosen.fetched.digest.as_str()];
        trust::check(&self.inner.policy, &source, reference, &digests).await?;
        steps.status(wanted, format!("Pulling from {}", shown_path(reference)));
        let (store, config) = (Arc::clone(&self.inner.store), chosen.config.clone());
        let incoming = Arc::new(blocking(move || Ok(store.incoming(&config)?)).await?);
        let layers = &chosen.manifest.layers;
        if layers.len() != incoming.layers().len() {
            return Err(Error::invalid(format!(
                "{} is damaged at {}: its manifest lists {} layers and its configuration {}",
                reference.familiar(),
                source.display(),
                layers.len(),
                incoming.layers().len()
            )));
        }
        // As Docker: of an image that is here already no layer is spoken of.
        if self.inner.store.find(incoming.image_id()).is_err() {
            self.fetch_layers(&source, layers, &incoming, steps).await?;
        }
        self.enter(reference, chosen, incoming).await
    }

    /// Fetches what is missing, several layers at a time, lowest first.
    pub(crate) async fn fetch_layers(
        &self,
        source: &Repository,
        descriptors: &[Descriptor],
        incoming: &Arc<Incoming>,
        steps: &Steps,
    ) -> Result<()> {
        let mut work = JoinSet::new();
        for (index, descriptor) in descriptors.iter().enumerate() {
            let id = short(&descriptor.digest);
            if incoming.is_present(index) {
                steps.status(id, "Already exists");
            } else {
                steps.status(id, "Pulling fs layer");
            }
            let layer = Layer {
                inner: Arc::clone(&self.inner),
                source: source.clone(),
                descriptor: descriptor.clone(),
                incoming: Arc::clone(incoming),
                index,
                steps: steps.clone(),
            };
            work.spawn(layer.obtain());
        }
        // The first failure drops the set, which ends the others.
        while let Some(done) = work.join_next().await {
            done.unwrap_or_else(|panic| {
                Err(Error::internal("the engine met a bug while it pulled a layer; see its log")
                    .caused_by(panic))
            })?;
        }
        Ok(())
    }

    /// Gives the image its names, and remembers how the registry has it.
    async fn enter(&self, reference: &Reference, chosen: Chosen, incoming: Arc<Incoming>) -> Result<Pulled> {
        let store = Arc::clone(&self.inner.store);
        let mut names = vec![reference.with_digest(&chosen.top.digest)];
        if let Some(tag) = reference.tag().filter(|_| reference.digest().is_none()) {
            names.push(reference.with_tag(tag)?);
        }
        let name = reference.familiar();
        let repository = reference.repository();
        blocking(move || {
            let finished = incoming.finish(&names)?;
            for (layer, descriptor) in incoming.layers().iter().zip(&chosen.manifest.layers) {
                let known = sampan_image::KnownBlob {
                    digest: descriptor.digest.clone(),
                    size: descriptor.size,
                    media_type: descriptor.media_type.clone(),
                    // What a mirror has says nothing of the registry itself, but mirrors mirror it.
                    repositories: vec![repository.clone()],
                };
                store.remember_blob(&layer.diff_id, known)?;
            }
            let fetched = &chosen.fetched;
            store.keep_manifest(&finished.image.id, &repository, &fetched.media_type, &fetched.bytes)?;
            if !chosen.attestations.is_empty() {
                store.remember_attestations(&finished.image.id, chosen.attestations)?;
            }
            Ok(Pulled {
                image: finished.image.id.clone(),
                digest: chosen.top.digest,
                name,
                new: finished.new,
            })
        })
        .await
    }
}

/// What to ask the registry for: the digest, else the tag.
pub(crate) fn wanted(reference: &Reference) -> Result<&str> {
    reference.digest().or_else(|| reference.tag()).ok_or_else(|| {
        Error::invalid(format!("say which tag or digest of {} to pull", reference.familiar_name()))
    })
}

/// The name within the registry: `library/busybox`.
fn shown_path(reference: &Reference) -> &str {
    reference.path()
}
