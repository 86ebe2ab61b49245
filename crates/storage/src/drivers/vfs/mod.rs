//! The vfs driver: every layer and every container is a whole copy. Slow, large, and works on any file
//! system. Where blocks can be shared between files (btrfs, xfs) the copies share them.
//!
//! ```text
//! <root>/layers/<id>/diff       all files of the layer with those of its parents
//! <root>/layers/<id>/split      what rebuilds its tar stream
//! <root>/writable/<id>/root     a container's files
//! ```

mod merge;

use crate::catalogue::{Catalogue, LayerRecord, MOST_LAYERS, WritableRecord, check_id, info, write_json};
use crate::driver::{
    AppliedLayer, Change, ChangeKind, LayerInfo, RootMount, SnapshotDriver, StagedLayer, WritableInfo,
    WritableOptions,
};
use crate::error::{Doing, Result, StorageError};
use crate::probe::file_system;
use crate::staging::Staged;
use crate::unpack::{Style, finish, unpack_layer};
use crate::{archive, changes as comparison, copy, detached, mount_points, quota, split, unpack};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The vfs driver.
#[derive(Debug)]
pub struct Vfs {
    catalogue: Catalogue,
    quota: quota::Support,
}

impl Vfs {
    /// Opens the driver in `root`, which is made when it is missing.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(root: &Path) -> Result<Self> {
        Ok(Self { catalogue: Catalogue::open(root)?, quota: quota::Support::detect(root) })
    }

    fn tree_path(&self, id: &str) -> PathBuf {
        self.catalogue.layer_path(id).join("diff")
    }

    fn root_path(&self, id: &str) -> Result<PathBuf> {
        self.catalogue.writable(id)?;
        Ok(self.catalogue.writable_path(id).join("root"))
    }

    /// A new directory `name` under `staged`: a copy of a layer's tree, or empty.
    fn copy_of(&self, layer: Option<&str>, staged: &Staged, name: &str) -> Result<OwnedFd> {
        let path = staged.path().join(name);
        fs::create_dir(&path).doing(|| format!("creating {}", path.display()))?;
        let to = open_directory(&path)?;
        match layer {
            Some(layer) => {
                let from = open_directory(&self.tree_path(layer))?;
                copy::copy_contents(from.as_fd(), to.as_fd())?;
                unpack::copy_attributes(from.as_fd(), to.as_fd())?;
            }
            None => rustix::fs::fchmod(&to, Mode::from_raw_mode(0o755))
                .doing(|| "preparing a directory".into())?,
        }
        Ok(to)
    }

    /// Renames a whole layer into place. False when another thread was faster.
    fn place(&self, staged: Staged, record: LayerRecord) -> Result<bool> {
        write_json(&staged.path().join("layer.json"), &record)?;
        let target = self.catalogue.layer_path(&record.id);
        let new = match staged.commit(&target) {
            Ok(()) => true,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::DirectoryNotEmpty
                ) =>
            {
                false
            }
            Err(error) => {
                return Err(StorageError::io(format!("renaming a layer to {}", target.display()), error));
            }
        };
        self.catalogue.insert_layer(record);
        Ok(new)
    }

    /// The hidden layer of mount points above `parent`, made when it is asked for first.
    fn mount_points_above(&self, parent: Option<&str>) -> Result<String> {
        let id = format!("init:{}", parent.unwrap_or("none"));
        if self.catalogue.has_layer(&id) {
            return Ok(id);
        }
        let staged = self.catalogue.staging.create()?;
        let tree = self.copy_of(parent, &staged, "diff")?;
        mount_points::create(tree.as_fd())?;
        let record = LayerRecord {
            id: id.clone(),
            parent: parent.map(str::to_owned),
            size: 0,
            tar_size: 0,
            entries: 0,
            link: String::new(),
            shadows: Vec::new(),
            hidden: true,
        };
        self.place(staged, record)?;
        Ok(id)
    }

    fn make_writable(&self, id: &str, record: &WritableRecord, options: &WritableOptions) -> Result<()> {
        let staged = match options.size_limit {
            Some(limit) => self.quota.limited_directory(&self.catalogue.staging, limit)?,
            None => self.catalogue.staging.create()?,
        };
        self.copy_of(record.base.as_deref(), &staged, "root")?;
        write_json(&staged.path().join("writable.json"), record)?;
        if let Some(record) = &options.record {
            let path = staged.path().join("record.json");
            fs::write(&path, record).doing(|| format!("writing {}", path.display()))?;
        }
        let target = self.catalogue.writable_path(id);
        staged
            .commit(&target)
            .map_err(|error| StorageError::io(format!("creating {}", target.display()), error))
    }
}

fn open_directory(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat(CWD, path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))
}

impl SnapshotDriver for Vfs {
    fn name(&self) -> &'static str {
        "vfs"
    }

    fn status(&self) -> Vec<(String, String)> {
        let backing = file_system(self.catalogue.root()).unwrap_or("<unknown>");
        let mut status = vec![("Backing Filesystem".to_owned(), backing.to_owned())];
        status.extend(self.catalogue.damaged().into_iter().map(|what| ("Damaged".to_owned(), what)));
        status
    }

    fn stage_layer(&self, tar: &mut dyn Read) -> Result<StagedLayer> {
        let directory = self.catalogue.staging.create()?;
        let unpacked = unpack_layer(directory.path(), tar, Style::Listed)?;
        Ok(StagedLayer {
            directory,
            size: unpacked.size,
            tar_size: unpacked.tar_size,
            entries: unpacked.entries,
            pending: unpacked.pending,
        })
    }

    fn commit_layer(&self, staged: StagedLayer, id: &str, parent: Option<&str>) -> Result<AppliedLayer> {
        check_id(id)?;
        if let Ok(known) = self.catalogue.layer(id) {
            return Ok(AppliedLayer { size: known.size, new: false });
        }
        if self.catalogue.chain(parent)?.len() >= MOST_LAYERS {
            return Err(StorageError::Unsupported(format!("an image of more than {MOST_LAYERS} layers")));
        }
        let path = staged.directory.path();
        let diff = open_directory(&path.join("diff"))?;
        if let Some(parent) = parent {
            let below = open_directory(&self.tree_path(parent))?;
            finish(diff.as_fd(), &staged.pending, Some(below.as_fd()))?;
            let tree = self.copy_of(Some(parent), &staged.directory, "tree")?;
            merge::merge(diff.as_fd(), tree.as_fd(), &staged.pending)?;
            crate::remove::remove_tree(&path.join("diff"))?;
            fs::rename(path.join("tree"), path.join("diff")).doing(|| "renaming a layer's tree".into())?;
        } else {
            finish(diff.as_fd(), &staged.pending, None)?;
        }
        if staged.pending.shadows.is_empty() {
            fs::remove_dir(path.join("shadow")).doing(|| "removing an empty directory".into())?;
        }
        let record = LayerRecord {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
            size: staged.size,
            tar_size: staged.tar_size,
            entries: staged.entries,
            link: String::new(),
            shadows: staged.pending.shadows,
            hidden: false,
        };
        let size = record.size;
        self.place(staged.directory, record).map(|new| AppliedLayer { size, new })
    }

    fn has_layer(&self, id: &str) -> bool {
        self.catalogue.has_layer(id)
    }

    fn remove_layer(&self, id: &str) -> Result<()> {
        for record in self.catalogue.take_layer(id)? {
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
        self.catalogue.layer(id)?;
        detached::bind(&self.tree_path(id))
    }

    fn sync(&self) -> Result<()> {
        let root = fs::File::open(self.catalogue.root()).doing(|| "opening the storage directory".into())?;
        rustix::fs::syncfs(root).doing(|| "writing layers to the disk".into())
    }

    fn create_writable(&self, id: &str, parent: Option<&str>, options: &WritableOptions) -> Result<()> {
        if options.size_limit.is_some() {
            self.quota.check()?;
        }
        if let Some(parent) = parent {
            self.catalogue.layer(parent)?;
        }
        let base = if options.mount_points {
            Some(self.mount_points_above(parent)?)
        } else {
            parent.map(str::to_owned)
        };
        let record = WritableRecord {
            parent: parent.map(str::to_owned),
            base,
            size_limit: options.size_limit,
            volatile: options.volatile,
        };
        let record = self.catalogue.reserve_writable(id, record)?;
        let made = self.make_writable(id, &record, options);
        if made.is_err() {
            self.catalogue.forget_writable(id);
        }
        made
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
        Ok(RootMount::Bind { source: self.root_path(id)? })
    }

    fn mount_detached(&self, id: &str) -> Result<OwnedFd> {
        detached::bind(&self.root_path(id)?)
    }

    fn changes(&self, id: &str) -> Result<Vec<Change>> {
        let record = self.catalogue.writable(id)?;
        let below = record.base.as_deref().map(|base| open_directory(&self.tree_path(base))).transpose()?;
        let tree = open_directory(&self.root_path(id)?)?;
        comparison::compare(tree.as_fd(), below.as_ref().map(AsFd::as_fd), false)
    }

    fn diff_tar(&self, id: &str, out: &mut dyn Write) -> Result<()> {
        let changes = self.changes(id)?;
        let tree = open_directory(&self.root_path(id)?)?;
        archive::diff_tar(tree.as_fd(), &changes, out)
    }

    fn writable_size(&self, id: &str) -> Result<u64> {
        let root = self.root_path(id)?;
        let mut seen = std::collections::HashSet::new();
        let mut total = 0;
        for change in self.changes(id)?.iter().filter(|change| change.kind != ChangeKind::Deleted) {
            use std::os::unix::fs::MetadataExt;
            let inside = change.path.strip_prefix("/").unwrap_or(&change.path);
            // A container that runs may have removed it meanwhile.
            let Ok(found) = fs::symlink_metadata(root.join(inside)) else { continue };
            if found.is_file() && seen.insert(found.ino()) {
                total += found.size();
            }
        }
        Ok(total)
    }

    fn inspect_data(&self, id: &str) -> Result<Vec<(String, String)>> {
        self.catalogue.writable(id)?;
        Ok(Vec::new())
    }

    fn inspect_layer(&self, id: &str) -> Result<Vec<(String, String)>> {
        self.catalogue.layer(id)?;
        Ok(Vec::new())
    }
}
