//! The overlay driver: layers are directories that the kernel's overlayfs puts on top of each other.
//!
//! ```text
//! <root>/layers/<id>/diff       the files of one layer, removals marked as overlayfs does
//! <root>/layers/<id>/split      what rebuilds its tar stream
//! <root>/layers/<id>/layer.json
//! <root>/l/<short>              a link to that diff, so that mount options stay short
//! <root>/writable/<id>/         upper, work, writable.json, record.json
//! <root>/staging, removing      under construction, on the way out
//! ```

mod layers;
#[cfg(test)]
mod tests;
mod writable;

use crate::catalogue::{Catalogue, LayerRecord, info};
use crate::driver::{
    AppliedLayer, Change, LayerInfo, RootMount, SnapshotDriver, StagedLayer, WritableInfo, WritableOptions,
};
use crate::error::{Doing, Result, StorageError};
use crate::probe::file_system;
use crate::{quota, split};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The overlay driver.
#[derive(Debug)]
pub struct Overlay {
    catalogue: Catalogue,
    quota: quota::Support,
}

/// Options of every mount. Redirects and the index would tie an upper directory to one order of
/// layers, and make it unreadable for `changes`.
pub(crate) fn options() -> Vec<String> {
    ["redirect_dir=off", "index=off", "metacopy=off"].map(str::to_owned).to_vec()
}

impl Overlay {
    /// Opens the driver in `root`, which is made when it is missing.
    ///
    /// # Errors
    /// `NotImplemented` with the reason when overlay cannot work there.
    pub fn open(root: &Path) -> Result<Self> {
        let catalogue = Catalogue::open(root)?;
        let links = root.join("l");
        fs::create_dir_all(&links).doing(|| format!("creating {}", links.display()))?;
        if let Err(reason) = crate::probe::probe(root)?.overlay {
            return Err(StorageError::Unsupported(reason));
        }
        let this = Self { catalogue, quota: quota::Support::detect(root) };
        for record in this.catalogue.records() {
            this.link(&record)?;
        }
        Ok(this)
    }

    /// Makes the short link of a layer; one left by a killed process is replaced.
    fn link(&self, record: &LayerRecord) -> Result<()> {
        let link = self.link_path(record);
        let target = Path::new("../layers").join(record.id.replace(':', "-")).join("diff");
        if fs::read_link(&link).is_ok_and(|known| known == target) {
            return Ok(());
        }
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&target, &link).doing(|| format!("creating {}", link.display()))
    }

    fn link_path(&self, record: &LayerRecord) -> PathBuf {
        self.catalogue.root().join("l").join(&record.link)
    }

    /// The directories to mount for what stands on `top`, topmost first.
    fn lower(&self, top: Option<&str>) -> Result<Vec<PathBuf>> {
        Ok(self.catalogue.chain(top)?.iter().map(|record| self.link_path(record)).collect())
    }

    fn diff_path(&self, id: &str) -> PathBuf {
        self.catalogue.layer_path(id).join("diff")
    }
}

impl SnapshotDriver for Overlay {
    fn name(&self) -> &'static str {
        "overlay2"
    }

    fn status(&self) -> Vec<(String, String)> {
        let backing = file_system(self.catalogue.root()).unwrap_or("<unknown>");
        let mut status = vec![
            ("Backing Filesystem".to_owned(), backing.to_owned()),
            ("Supports d_type".to_owned(), "true".to_owned()),
            ("Using metacopy".to_owned(), "false".to_owned()),
            ("Native Overlay Diff".to_owned(), "true".to_owned()),
            ("userxattr".to_owned(), "false".to_owned()),
        ];
        status.extend(self.catalogue.damaged().into_iter().map(|what| ("Damaged".to_owned(), what)));
        status
    }

    fn stage_layer(&self, tar: &mut dyn Read) -> Result<StagedLayer> {
        layers::stage(self, tar)
    }

    fn commit_layer(&self, staged: StagedLayer, id: &str, parent: Option<&str>) -> Result<AppliedLayer> {
        layers::commit(self, staged, id, parent)
    }

    fn has_layer(&self, id: &str) -> bool {
        self.catalogue.has_layer(id)
    }

    fn remove_layer(&self, id: &str) -> Result<()> {
        for record in self.catalogue.take_layer(id)? {
            let _ = fs::remove_file(self.link_path(&record));
            self.catalogue.staging.discard(&self.catalogue.layer_path(&record.id))?;
        }
        Ok(())
    }

    fn layers(&self) -> Vec<LayerInfo> {
        self.catalogue.layers()
    }

    fn layer(&self, id: &str) -> Result<LayerInfo> {
        Ok(info(&*self.catalogue.layer(id)?))
    }

    fn layer_tar(&self, id: &str, out: &mut dyn Write) -> Result<()> {
        let record = self.catalogue.layer(id)?;
        let path = self.catalogue.layer_path(id);
        split::rebuild(&path.join("split"), &path.join("diff"), &path.join("shadow"), &record.shadows, out)
    }

    fn layer_view(&self, id: &str) -> Result<OwnedFd> {
        layers::view(self, id)
    }

    fn sync(&self) -> Result<()> {
        let root = fs::File::open(self.catalogue.root()).doing(|| "opening the storage directory".into())?;
        rustix::fs::syncfs(root).doing(|| "writing layers to the disk".into())
    }

    fn create_writable(&self, id: &str, parent: Option<&str>, options: &WritableOptions) -> Result<()> {
        writable::create(self, id, parent, options)
    }

    fn remove_writable(&self, id: &str) -> Result<()> {
        self.catalogue.remove_writable(id)
    }

    fn write_record(&self, id: &str, record: &[u8]) -> Result<()> {
        self.catalogue.write_record(id, record)
    }

    fn all_writables(&self) -> Result<Vec<WritableInfo>> {
        self.catalogue.all_writables()
    }

    fn root_mount(&self, id: &str) -> Result<RootMount> {
        writable::root_mount(self, id)
    }

    fn mount_detached(&self, id: &str) -> Result<OwnedFd> {
        writable::mount_detached(self, id)
    }

    fn changes(&self, id: &str) -> Result<Vec<Change>> {
        writable::changes(self, id)
    }

    fn diff_tar(&self, id: &str, out: &mut dyn Write) -> Result<()> {
        writable::diff_tar(self, id, out)
    }

    fn take_writable(&self, id: &str, out: &mut dyn Write) -> Result<Option<StagedLayer>> {
        writable::take(self, id, out)
    }

    fn writable_size(&self, id: &str) -> Result<u64> {
        self.catalogue.writable(id)?;
        crate::usage::tree_size(&self.catalogue.writable_path(id).join("upper"))
    }

    fn inspect_data(&self, id: &str) -> Result<Vec<(String, String)>> {
        writable::inspect(self, id)
    }

    fn inspect_layer(&self, id: &str) -> Result<Vec<(String, String)>> {
        layers::inspect(self, id)
    }
}
