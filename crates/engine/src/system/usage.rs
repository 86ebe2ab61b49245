//! What lies on the disk: `system df`.

use crate::Engine;
use crate::containers::ContainerRecord;
use sampan_error::Result;
use std::sync::Arc;

/// The disk use of everything that the engine keeps.
#[derive(Debug, Clone, Default)]
pub struct DiskUsage {
    /// Bytes of all layers, each counted once.
    pub layers: u64,
    /// Containers with the size of their writable layer and with the image's layers.
    pub containers: Vec<ContainerUsage>,
    /// Volumes.
    pub volumes: Vec<VolumeUsage>,
}

/// The disk use of one container.
#[derive(Debug, Clone)]
pub struct ContainerUsage {
    /// The container.
    pub record: Arc<ContainerRecord>,
    /// Bytes of its writable layer.
    pub writable: u64,
    /// Bytes with its image.
    pub total: u64,
}

/// The disk use of one volume.
#[derive(Debug, Clone)]
pub struct VolumeUsage {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Containers that use it, running or not.
    pub users: usize,
}

impl Engine {
    /// What lies on the disk.
    ///
    /// # Errors
    /// The storage cannot be read.
    pub async fn disk_usage(&self) -> Result<DiskUsage> {
        self.recovered().await;
        let engine = self.clone();
        crate::blocking(move || engine.measure()).await
    }

    fn measure(&self) -> Result<DiskUsage> {
        let mut usage = DiskUsage {
            layers: self.inner.storage.layers().iter().map(|layer| layer.size).sum(),
            ..Default::default()
        };
        for container in self.inner.registry.all() {
            let record = container.record();
            // A container that is being removed in this moment has no layer any more.
            let writable = self.inner.storage.writable_size(&record.id).unwrap_or(0);
            let below = self.image_size(&record);
            usage.containers.push(ContainerUsage { record, writable, total: writable + below });
        }
        for volume in self.volumes_blocking()? {
            let size = self.inner.volumes.size(&volume.name).unwrap_or(0);
            usage.volumes.push(VolumeUsage {
                users: self.volume_users(&volume.name),
                name: volume.name,
                size,
            });
        }
        Ok(usage)
    }

    fn image_size(&self, record: &ContainerRecord) -> u64 {
        let mut total = 0;
        let mut next = record.image_layer.clone();
        while let Some(Ok(info)) = next.map(|id| self.inner.storage.layer(&id)) {
            total += info.size;
            next = info.parent;
        }
        total
    }
}
