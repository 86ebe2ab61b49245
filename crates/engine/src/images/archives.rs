//! Loading, saving and removing images.

use super::Images;
use crate::containers::Filters;
use crate::stream::{self, ByteStream};
use sampan_error::Result;
use sampan_image::{ImageUser, LoadProgress, Loaded, Pruned, RemoveOptions, Removed};
use std::collections::{BTreeMap, HashSet};
use std::os::fd::AsFd;
use std::sync::Arc;

impl Images {
    /// Loads images from an archive. `progress` hears each step; it is called from a blocking thread.
    ///
    /// # Errors
    /// The archive is no image, or breaks off; what was loaded before that stays.
    pub async fn load(
        &self,
        archive: ByteStream,
        mut progress: impl FnMut(LoadProgress) + Send + 'static,
    ) -> Result<Vec<Loaded>> {
        let engine = self.engine.clone();
        let mut reader = stream::reader(archive);
        let loaded =
            crate::blocking(move || Ok(engine.inner.images.load(&mut reader, &mut progress)?)).await?;
        for image in &loaded {
            self.event(&image.id, image.names.first().unwrap_or(&image.id), "load");
        }
        self.collect_later();
        Ok(loaded)
    }

    /// Images as an archive that any Docker or OCI tool reads.
    ///
    /// # Errors
    /// No such image. What fails later breaks the stream off.
    pub async fn save(&self, names: Vec<String>) -> Result<ByteStream> {
        self.save_without(names, HashSet::new()).await
    }

    /// The same without these layers, by the digests of their plain tars: for a receiver that has them.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub async fn save_without(&self, names: Vec<String>, without: HashSet<String>) -> Result<ByteStream> {
        let store = Arc::clone(&self.engine.inner.images);
        for name in &names {
            let image = store.find(name)?;
            self.event(&image.id, name, "save");
        }
        Ok(stream::produce(move |out| Ok(store.save_without(&names, without, out)?)))
    }

    /// Everything that lies in an image, all layers together, as an archive.
    ///
    /// # Errors
    /// No such image. What fails later breaks the stream off.
    pub async fn files(&self, name: &str) -> Result<ByteStream> {
        let (engine, name) = (self.engine.clone(), name.to_owned());
        let root = crate::blocking(move || engine.build_view(&name)).await?;
        Ok(stream::produce(move |out| Ok(sampan_storage::archive::export(root.as_fd(), out)?)))
    }

    /// Takes a name away, and the image with its last name.
    ///
    /// # Errors
    /// No such image; a container or another image needs it.
    pub async fn remove(&self, name: &str, options: RemoveOptions) -> Result<Vec<Removed>> {
        let (engine, name) = (self.engine.clone(), name.to_owned());
        let users = self.all_users();
        let removed =
            crate::blocking(move || Ok(engine.inner.images.remove(&name, options, &users)?)).await?;
        self.tell_removed(&removed);
        Ok(removed)
    }

    /// Removes images that no container uses: those without a name, and with `dangling=false` all.
    ///
    /// # Errors
    /// An unknown filter.
    pub async fn prune(&self, filters: &Filters) -> Result<Pruned> {
        let (engine, filters) = (self.engine.clone(), filters.clone());
        let users = self.all_users();
        let pruned = crate::blocking(move || Ok(engine.inner.images.prune(&filters, &users)?)).await?;
        self.tell_removed(&pruned.removed);
        Ok(pruned)
    }

    pub(super) fn tell_removed(&self, removed: &[Removed]) {
        for step in removed {
            let (action, actor) = match step {
                Removed::Untagged { image, .. } => ("untag", image),
                Removed::DeletedImage(id) => ("delete", id),
                Removed::DeletedLayer(_) => continue,
            };
            let attributes = BTreeMap::from([("name".to_owned(), actor.clone())]);
            self.engine.inner.events.publish("image", action, actor, attributes);
        }
    }

    /// All containers with their images.
    pub(crate) fn all_users(&self) -> Vec<ImageUser> {
        let containers = self.engine.inner.registry.all();
        containers
            .iter()
            .map(|container| container.record())
            .map(|record| ImageUser {
                image: record.image_id.clone(),
                container: record.id.clone(),
                running: record.is_running(),
            })
            .collect()
    }
}
