//! The cache of builds at a registry: layers of several images in one manifest, fetched only as far as a build needs
//! them.

use std::sync::Arc;

use bytes::Bytes;
use sampan_error::{Error, Result};
use sampan_image::Reference;

use crate::client::Repository;
use crate::credentials::Credentials;
use crate::manifest::Descriptor;
use crate::push::manifest;
use crate::step::Steps;
use crate::transfers::{Transfers, blocking};
use crate::{pull, trust};

/// A cache, or an image with one, as a registry has it. Nothing but its configuration is fetched.
#[derive(Clone)]
pub struct RemoteCache {
    source: Repository,
    layers: Vec<Descriptor>,
    /// The configuration's bytes, verified.
    pub config: Bytes,
}

impl Transfers {
    /// Looks at what a name stands for at its registry.
    ///
    /// # Errors
    /// As [`Self::pull`].
    pub async fn find_cache(&self, reference: &Reference, credentials: &Credentials) -> Result<RemoteCache> {
        let source = self.inner.registries.target(reference, credentials)?;
        let wanted = pull::wanted(reference)?;
        let chosen = pull::choose::choose(&source, reference, wanted, None).await?;
        let digests = [chosen.top.digest.as_str(), chosen.fetched.digest.as_str()];
        trust::check(&self.inner.policy, &source, reference, &digests).await?;
        Ok(RemoteCache { source, layers: chosen.manifest.layers, config: chosen.config })
    }

    /// Fetches the layers from `first` on that a step's configuration names, those that are not here; gives the step's
    /// image.
    ///
    /// # Errors
    /// As [`Self::pull`].
    pub async fn fetch_step(&self, cache: &RemoteCache, first: usize, config: Vec<u8>) -> Result<String> {
        let store = Arc::clone(&self.inner.store);
        let incoming = Arc::new(blocking(move || Ok(store.incoming(&config)?)).await?);
        let wanted = cache.layers.get(first..).unwrap_or_default();
        let Some(wanted) = wanted.get(..incoming.layers().len()) else {
            return Err(Error::invalid("the cache lists fewer layers than its configuration says"));
        };
        if self.inner.store.find(incoming.image_id()).is_err() {
            let (steps, _) = tokio::sync::mpsc::unbounded_channel();
            self.fetch_layers(&cache.source, wanted, &incoming, &Steps::new(steps)).await?;
        }
        blocking(move || Ok(incoming.finish_step()?.id.clone())).await
    }

    /// Pushes a cache: this configuration, which names the layers of these images in this order.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn push_cache(
        &self,
        reference: &Reference,
        credentials: &Credentials,
        images: &[String],
        config: Vec<u8>,
    ) -> Result<()> {
        let target = self.inner.registries.target(reference, credentials)?;
        let tag = reference
            .tag()
            .ok_or_else(|| Error::invalid(format!("{} has no tag", reference.familiar_name())))?;
        let (steps, _) = tokio::sync::mpsc::unbounded_channel();
        let steps = Steps::new(steps);
        let mut layers = Vec::new();
        for id in images {
            let image = self.inner.store.find(id)?;
            layers.extend(self.send_layers(&target, reference, &image, None, &steps).await?);
        }
        let digest = sampan_image::digest(&config);
        let made = manifest::make(&digest, &config, &layers, &[])?;
        self.send_config(&target, &digest, config).await?;
        target.put_manifest(tag, &made.media_type, made.bytes).await?;
        Ok(())
    }
}
