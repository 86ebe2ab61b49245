//! Pushing: from an image in the store to a registry.

mod layer;
pub(crate) mod manifest;
mod sessions;
mod source;
mod upload;

use std::sync::Arc;

use bytes::Bytes;
use sampan_error::{Error, Kind, Result};
use sampan_image::{Compression, Image, Reference};
use tokio::task::JoinSet;

use crate::client::{Repository, Started};
use crate::credentials::Credentials;
use crate::manifest::Descriptor;
use crate::step::Steps;
use crate::transfers::{Transfers, blocking, short};
use layer::Layer;

/// What a push brought to the registry.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Digest of the manifest.
    pub digest: String,
    /// The name, as users write it.
    pub name: String,
    /// The image's id.
    pub image: String,
}

impl Transfers {
    /// Pushes the image that has this name, and gives it the name `repository@digest` here.
    ///
    /// `compression` is the form that layers are wanted in; without it any form will do that the registry has, and
    /// gzip is sent. Only what the registry lacks is sent; a layer that another of its repositories has is mounted from there.
    /// Dropping the future gives the push up; the next one takes an unfinished upload up where it was.
    ///
    /// # Errors
    /// `NotFound` for the image, `Unauthenticated` or `PermissionDenied` as the registry says, `DataLoss` for a
    /// layer that is damaged here, `Unavailable` when the registry cannot be reached.
    pub async fn push(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        compression: Option<Compression>,
        steps: &Steps,
    ) -> Result<Pushed> {
        let target = self.inner.registries.target(reference, credentials)?;
        let tag = reference.tag().ok_or_else(|| {
            Error::invalid(format!("say which tag of {} to push", reference.familiar_name()))
        })?;
        let image = self.image(reference).await?;
        steps.line(format!("The push refers to repository [{}]", reference.repository()));
        let layers = self.send_layers(&target, reference, &image, compression, steps).await?;
        let store = Arc::clone(&self.inner.store);
        let id = image.id.clone();
        let config = blocking(move || Ok(store.raw_config(&id)?)).await?;
        let store = Arc::clone(&self.inner.store);
        let id = image.id.clone();
        let kept = blocking(move || Ok(store.manifests_of(&id)?)).await?;
        let made = manifest::make(&image.id, &config, &layers, &kept)?;
        self.send_config(&target, &image.id, config).await?;
        let digest = target.put_manifest(tag, &made.media_type, made.bytes.clone()).await?;
        let size = made.bytes.len() as u64;
        steps.line(format!("{tag}: digest: {digest} size: {size}"));
        steps.pushed(tag, &digest, size);
        self.remember(reference, &image, &layers, &digest, made).await?;
        Ok(Pushed { digest, name: reference.familiar(), image: image.id.clone() })
    }

    /// Pushes all tags of a repository.
    ///
    /// # Errors
    /// As [`Self::push`]; the first failure ends it.
    pub async fn push_all(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        compression: Option<Compression>,
        steps: &Steps,
    ) -> Result<Vec<Pushed>> {
        let tags = self.inner.store.tags_of(&reference.repository());
        if tags.is_empty() {
            return Err(missing(reference));
        }
        let mut pushed = Vec::new();
        for tag in tags {
            pushed.push(self.push(&tag, credentials, compression, steps).await?);
        }
        Ok(pushed)
    }

    /// The image of exactly this name: an id or a part of one is no name to push under.
    async fn image(&self, reference: &Reference) -> Result<Arc<Image>> {
        let (store, name) = (Arc::clone(&self.inner.store), reference.to_string());
        match blocking(move || Ok(store.find(&name)?)).await {
            Err(error) if error.kind() == Kind::NotFound => Err(missing(reference)),
            other => other,
        }
    }

    /// Brings each layer to the registry, several at a time. Gives their descriptors, lowest first.
    pub(crate) async fn send_layers(
        &self,
        target: &Repository,
        reference: &Reference,
        image: &Arc<Image>,
        compression: Option<Compression>,
        steps: &Steps,
    ) -> Result<Vec<Descriptor>> {
        for diff_id in image.diff_ids.iter().rev() {
            steps.status(short(diff_id), "Preparing");
        }
        let mut work = JoinSet::new();
        for (index, (diff_id, chain_id)) in image.diff_ids.iter().zip(&image.chain_ids).enumerate() {
            let layer = Layer {
                inner: Arc::clone(&self.inner),
                target: target.clone(),
                repository: reference.repository(),
                domain: reference.domain().to_owned(),
                image: image.id.clone(),
                diff_id: diff_id.clone(),
                chain_id: chain_id.clone(),
                compression,
                steps: steps.clone(),
            };
            work.spawn(async move { layer.bring().await.map(|descriptor| (index, descriptor)) });
        }
        let mut layers = vec![None; image.diff_ids.len()];
        // The first failure drops the set, which ends the others.
        while let Some(done) = work.join_next().await {
            let (index, descriptor) = done.unwrap_or_else(|panic| {
                Err(Error::internal("the engine met a bug while it pushed a layer; see its log")
                    .caused_by(panic))
            })?;
            if let Some(place) = layers.get_mut(index) {
                *place = Some(descriptor);
            }
        }
        Ok(layers.into_iter().flatten().collect())
    }

    pub(crate) async fn send_config(&self, target: &Repository, id: &str, config: Vec<u8>) -> Result<()> {
        if target.head_blob(id).await?.is_some() {
            return Ok(());
        }
        let Started::Upload(upload) = target.start_upload(None).await? else { return Ok(()) };
        Ok(target.finish_with(upload, Bytes::from(config), id).await?)
    }

    /// Remembers what the registry has now.
    async fn remember(
        &self,
        reference: &Reference,
        image: &Arc<Image>,
        layers: &[Descriptor],
        digest: &str,
        made: manifest::Made,
    ) -> Result<()> {
        let store = Arc::clone(&self.inner.store);
        let (image, repository) = (Arc::clone(image), reference.repository());
        let name = reference.with_digest(digest);
        let layers = layers.to_vec();
        blocking(move || {
            for (diff_id, layer) in image.diff_ids.iter().zip(layers) {
                let known = sampan_image::KnownBlob {
                    digest: layer.digest,
                    size: layer.size,
                    media_type: layer.media_type,
                    repositories: vec![repository.clone()],
                };
                store.remember_blob(diff_id, known)?;
            }
            store.keep_manifest(&image.id, &repository, &made.media_type, &made.bytes)?;
            Ok(store.add_digest(&name, &image.id)?)
        })
        .await
    }
}

/// Docker's sentence for a name that no image has.
fn missing(reference: &Reference) -> Error {
    Error::not_found(format!("An image does not exist locally with the tag: {}", reference.familiar_name()))
}
