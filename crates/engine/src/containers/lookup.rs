//! Listing, inspecting, waiting: what only reads.

use super::filter::{self, Looked};
use super::{ContainerRecord, Filters, ListQuery, WaitCondition, WaitResult};
use crate::Engine;
use crate::containers::container::Container;
use crate::error::Error;
use sampan_error::Result;
use std::sync::Arc;

impl Engine {
    /// The container with this name, id or beginning of an id.
    ///
    /// # Errors
    /// None fits, or several do.
    pub(crate) fn container(&self, reference: &str) -> Result<Arc<Container>> {
        Ok(self.inner.registry.find(reference)?)
    }

    /// All that is known of a container.
    ///
    /// # Errors
    /// No such container.
    pub async fn inspect(&self, reference: &str) -> Result<Arc<ContainerRecord>> {
        self.recovered().await;
        Ok(self.container(reference)?.record())
    }

    /// Containers that fit, newest first.
    ///
    /// # Errors
    /// An unknown filter, or a filter that names a container or an image that does not exist.
    pub async fn list(&self, query: &ListQuery) -> Result<Vec<Arc<ContainerRecord>>> {
        self.recovered().await;
        filter::check(&query.filters)?;
        let looked = self.look_up(&query.filters).await?;
        let records = self.inner.registry.all().iter().map(|container| container.record()).collect();
        Ok(filter::select(records, query, &looked))
    }

    /// Looks up what filters name.
    pub(crate) async fn look_up(&self, filters: &Filters) -> Result<Looked> {
        let mut looked = Looked::default();
        let times = |name: &str| -> Result<Vec<i64>> {
            filters
                .get(name)
                .into_iter()
                .flatten()
                .map(|reference| Ok(self.container(reference)?.record().created))
                .collect()
        };
        looked.before = times("before")?.into_iter().min();
        looked.since = times("since")?.into_iter().max();
        if let Some(references) = filters.get("ancestor") {
            looked.ancestors = Some(self.images().with_descendants(references).await);
        }
        if let Some(values) = filters.get("until") {
            let text = values.first().map(String::as_str).unwrap_or_default();
            let until = crate::time_filter::parse(text, crate::clock::now()).ok_or_else(|| {
                Error::Invalid(format!("failed to parse value as time or duration: {text:?}"))
            })?;
            looked.until = Some(until);
        }
        Ok(looked)
    }

    /// Bytes of a container's writable layer, and with its image's layers.
    ///
    /// # Errors
    /// The layer cannot be read.
    pub async fn sizes(&self, record: &ContainerRecord) -> Result<(u64, u64)> {
        let engine = self.clone();
        let (id, layer) = (record.id.clone(), record.image_layer.clone());
        crate::blocking(move || {
            let writable = engine.inner.storage.writable_size(&id)?;
            let mut total = writable;
            let mut next = layer;
            while let Some(id) = next {
                let info = engine.inner.storage.layer(&id)?;
                total += info.size;
                next = info.parent;
            }
            Ok((writable, total))
        })
        .await
    }

    /// Registers a waiter at once; the future that comes back ends when the condition holds.
    ///
    /// # Errors
    /// No such container.
    pub async fn wait(
        &self,
        reference: &str,
        condition: WaitCondition,
    ) -> Result<impl Future<Output = WaitResult> + Send + use<>> {
        self.recovered().await;
        Ok(self.container(reference)?.wait(condition))
    }
}
