//! What a builder needs of an engine: layers to write into, images to read from, and images made of steps.

use crate::Engine;
use crate::containers::ContainerRecord;
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use sampan_error::{Context, Error, Result};
use sampan_image::{BuildStep, Image, Reference};
use sampan_registry::{Credentials, RemoteCache};
use sampan_storage::{ChangeKind, WritableOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// What the ids of a builder's own writable layers begin with; a daemon that starts removes them.
const PREFIX: &str = "build-";

/// The folder of secrets in the run directory.
const PRIVATE: &str = "build";

/// Label of the containers of a build's steps; a daemon that starts removes them.
pub const BUILD_LABEL: &str = "sampan.build";

/// A layer that a build writes into. Dropping it removes it.
pub struct BuildLayer {
    engine: Engine,
    id: String,
    root: Option<OwnedFd>,
}

impl BuildLayer {
    /// The whole file system, writable, seen from its root.
    ///
    /// # Errors
    /// It was closed.
    pub fn root(&self) -> Result<BorrowedFd<'_>> {
        self.root.as_ref().map(AsFd::as_fd).ok_or_else(|| Error::internal("a layer of a build is closed"))
    }

    /// Nothing more is written: only now may an image be made of it.
    pub fn close(&mut self) {
        self.root = None;
    }

    /// The writable layer's id, for [`BuildStep::writable`].
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for BuildLayer {
    fn drop(&mut self) {
        if let Err(error) = self.engine.inner.storage.remove_writable(&self.id) {
            tracing::warn!(layer = %self.id, %error, "a layer of a build stays until the next start");
        }
    }
}

impl Engine {
    /// A new layer on an image, or on nothing. Blocks.
    ///
    /// # Errors
    /// No such image; what the file system said.
    pub fn build_layer(&self, parent: Option<&str>) -> Result<BuildLayer> {
        let parent = match parent {
            Some(id) => self.inner.images.find(id)?.top_layer().map(str::to_owned),
            None => None,
        };
        let id = format!("{PREFIX}{}", crate::identity::random_id());
        let options = WritableOptions { volatile: true, ..WritableOptions::default() };
        self.inner.storage.create_writable(&id, parent.as_deref(), &options)?;
        let root = self.inner.storage.mount_detached(&id).inspect_err(|_| {
            // The failure above is the one to tell.
            let _ = self.inner.storage.remove_writable(&id);
        })?;
        Ok(BuildLayer { engine: self.clone(), id, root: Some(root) })
    }

    /// The file system of an image, to read from. Blocks.
    ///
    /// # Errors
    /// No such image; what the file system said.
    pub fn build_view(&self, image: &str) -> Result<OwnedFd> {
        let image = self.inner.images.find(image)?;
        match image.top_layer() {
            Some(layer) => Ok(self.inner.storage.layer_view(layer)?),
            None => {
                let empty = self.build_folder()?.join("empty");
                std::fs::create_dir_all(&empty).context("cannot make an empty folder")?;
                rustix::fs::open(&empty, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                    .map_err(std::io::Error::from)
                    .context("cannot open an empty folder")
            }
        }
    }

    /// Waits until nobody else does the step of a build with this number, and keeps others from it.
    pub async fn build_alone(&self, key: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut under_way = self.inner.build_steps.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(under_way.entry(key.to_owned()).or_default())
        };
        lock.lock_owned().await
    }

    /// The file system of a step's container that has ended, writable. Blocks.
    ///
    /// # Errors
    /// What the file system said.
    pub fn build_root(&self, container: &str) -> Result<OwnedFd> {
        Ok(self.inner.storage.mount_detached(container)?)
    }

    /// Gives everything newer in a writable layer this time (nanoseconds since 1970), so that the same step makes the same
    /// layer whenever it runs. Blocks.
    ///
    /// # Errors
    /// What the file system said.
    pub fn build_settle_times(&self, layer: &str, epoch: i64) -> Result<()> {
        let changes = self.inner.storage.changes(layer)?;
        let root = self.inner.storage.mount_detached(layer)?;
        let at =
            Timespec { tv_sec: epoch.div_euclid(1_000_000_000), tv_nsec: epoch.rem_euclid(1_000_000_000) };
        let times = Timestamps { last_access: at, last_modification: at };
        for change in changes.iter().filter(|change| change.kind != ChangeKind::Deleted) {
            let path = change.path.strip_prefix("/").unwrap_or(&change.path);
            let stat = rustix::fs::statat(&root, path, AtFlags::SYMLINK_NOFOLLOW);
            let stat = stat.map_err(std::io::Error::from).context("a file of a step is gone")?;
            if (stat.st_mtime, stat.st_mtime_nsec) > (at.tv_sec, 0) {
                rustix::fs::utimensat(&root, path, &times, AtFlags::SYMLINK_NOFOLLOW)
                    .map_err(std::io::Error::from)
                    .context("the time of a file cannot be set")?;
            }
        }
        Ok(())
    }

    /// Makes an image of a step. Blocks.
    ///
    /// # Errors
    /// As `Store::build_step`.
    pub fn build_step(&self, step: &BuildStep) -> Result<Arc<Image>> {
        Ok(self.inner.images.build_step(step)?)
    }

    /// Sees to it that what builds made gets to the disk, while nobody waits for it.
    pub fn build_flush(&self) {
        let images = Arc::clone(&self.inner.images);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = images.flush() {
                tracing::error!(%error, "images of builds are not on the disk: a power cut would lose them");
            }
        });
    }

    /// An image that is here, by name or id. Blocks.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn build_base(&self, name: &str) -> Result<Arc<Image>> {
        crate::images::builtin::find(&self.inner.images, name)
    }

    /// What a name's registry has of the cache of builds.
    ///
    /// # Errors
    /// A bad name; what the registry said.
    pub async fn build_find_cache(&self, name: &str, credentials: &Credentials) -> Result<RemoteCache> {
        let reference = reference(name)?;
        self.inner.transfers.find_cache(&reference, credentials).await
    }

    /// The image of a step from a registry's cache: what of its layers is not here is fetched.
    ///
    /// # Errors
    /// What the registry said; no space.
    pub async fn build_fetch_step(
        &self,
        cache: &RemoteCache,
        first: usize,
        config: Vec<u8>,
    ) -> Result<String> {
        self.inner.transfers.fetch_step(cache, first, config).await
    }

    /// The configuration of an image that is here, as it is stored; `None` when there is no such image. Blocks.
    #[must_use]
    pub fn build_config(&self, name: &str) -> Option<Vec<u8>> {
        self.inner.images.raw_config(name).ok()
    }

    /// The image of a step whose layers are all here.
    ///
    /// # Errors
    /// One is not.
    pub fn build_enter_step(&self, config: &[u8]) -> Result<String> {
        Ok(self.inner.images.incoming(config)?.finish_step()?.id.clone())
    }

    /// Brings a cache to a registry: the layers of these images, with what the configuration says of them.
    ///
    /// # Errors
    /// A bad name; what the registry said.
    pub async fn build_push_cache(
        &self,
        name: &str,
        credentials: &Credentials,
        images: &[String],
        config: Vec<u8>,
    ) -> Result<()> {
        let reference = reference(name)?;
        self.inner.transfers.push_cache(&reference, credentials, images, config).await
    }

    /// Writes a layer as a tar stream. Blocks.
    ///
    /// # Errors
    /// No such layer; what the file system or the receiver said.
    pub fn build_layer_tar(&self, chain: &str, out: &mut (dyn std::io::Write + Send)) -> Result<()> {
        self.inner.images.driver().layer_tar(chain, out)?;
        Ok(())
    }

    /// Removes an image that a step made, unless something needs it; whether it is gone. Blocks.
    ///
    /// # Errors
    /// What the file system said.
    pub fn build_forget(&self, image: &str) -> Result<bool> {
        Ok(self.inner.images.forget_step(image, &self.images().all_users())?)
    }

    /// Unfinished images of builds that were made longer ago than this. Blocks.
    #[must_use]
    pub fn build_steps_before(&self, age: std::time::Duration) -> Vec<String> {
        self.inner.images.steps_before(age)
    }

    /// How many bytes the build cache may have: a tenth of the disk that it is on (as BuildKit's default). Blocks.
    #[must_use]
    pub fn build_share(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.inner.config.data_root);
        disk.map_or(u64::MAX, |disk| disk.f_blocks.saturating_mul(disk.f_frsize) / 10)
    }

    /// Bytes of an image's last layer; 0 when it is gone. Blocks.
    #[must_use]
    pub fn build_size(&self, image: &str) -> u64 {
        let image = self.inner.images.find(image).ok();
        let layer = image.and_then(|image| image.top_layer().map(str::to_owned));
        layer.and_then(|layer| self.inner.storage.layer(&layer).ok()).map_or(0, |layer| layer.size)
    }

    /// The address by which containers of the default network reach the host.
    #[must_use]
    pub fn host_gateway(&self) -> String {
        let network = self.inner.network.default_network();
        network.subnets.first().map(|subnet| subnet.gateway.to_string()).unwrap_or_default()
    }

    /// Where builds keep contexts and their cache; made when it is missing.
    ///
    /// # Errors
    /// The data root cannot be written.
    pub fn build_folder(&self) -> Result<PathBuf> {
        let folder = self.inner.config.data_root.join("build");
        std::fs::create_dir_all(&folder).context(format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// A new folder for what must not be on a disk: secrets of a step, sockets of agents. Where the run root is, which
    /// is memory.
    ///
    /// # Errors
    /// The run root cannot be written.
    pub fn build_private(&self) -> Result<PathBuf> {
        let all = self.inner.run_directory.join(PRIVATE);
        let folder = all.join(crate::identity::random_id());
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::set_permissions(&all, std::fs::Permissions::from_mode(0o700)))
            .context(format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// Removes what builds of a killed daemon left. Their containers are removed with the others that nobody waits for.
    pub(crate) fn sweep_builds(&self) {
        let writables = self.inner.storage.all_writables().unwrap_or_default();
        for writable in writables.into_iter().filter(|writable| writable.id.starts_with(PREFIX)) {
            if let Err(error) = self.inner.storage.remove_writable(&writable.id) {
                tracing::warn!(layer = %writable.id, %error, "a layer of an unfinished build stays");
            }
        }
        // There is none unless a build was killed.
        let _ = std::fs::remove_dir_all(self.inner.run_directory.join(PRIVATE));
        let contexts = self.inner.config.data_root.join("build/contexts");
        for entry in std::fs::read_dir(&contexts).into_iter().flatten().flatten() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }

    /// Whether a container is a step of a build, whose daemon alone knows what to do with it.
    pub(crate) fn is_build_step(record: &ContainerRecord) -> bool {
        record.spec.process.labels.contains_key(BUILD_LABEL)
    }
}

fn reference(name: &str) -> Result<Reference> {
    Ok(Reference::parse(name).map_err(|error| Error::invalid(error.to_string()))?.or_latest())
}

/// Whether a writable layer is a builder's own.
pub(crate) fn is_build_layer(id: &str) -> bool {
    id.starts_with(PREFIX)
}
