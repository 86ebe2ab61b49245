//! Read-only layers of the overlay driver.

use super::Overlay;
use crate::catalogue::{LayerRecord, MOST_LAYERS, check_id, write_json};
use crate::driver::{AppliedLayer, StagedLayer};
use crate::error::{Doing, Result, StorageError};
use crate::staging::Staged;
use crate::unpack::{Style, finish, unpack_layer};
use crate::{detached, mount_points};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

pub(super) fn stage(driver: &Overlay, tar: &mut dyn Read) -> Result<StagedLayer> {
    let directory = driver.catalogue.staging.create()?;
    let unpacked = unpack_layer(directory.path(), tar, Style::Overlay)?;
    Ok(StagedLayer {
        directory,
        size: unpacked.size,
        tar_size: unpacked.tar_size,
        entries: unpacked.entries,
        pending: unpacked.pending,
    })
}

pub(super) fn commit(
    driver: &Overlay,
    staged: StagedLayer,
    id: &str,
    parent: Option<&str>,
) -> Result<AppliedLayer> {
    check_id(id)?;
    if let Ok(known) = driver.catalogue.layer(id) {
        return Ok(AppliedLayer { size: known.size, new: false });
    }
    if driver.catalogue.chain(parent)?.len() >= MOST_LAYERS {
        return Err(StorageError::Unsupported(format!(
            "an image of more than {MOST_LAYERS} layers cannot be mounted"
        )));
    }
    let path = staged.directory.path();
    let below = parent.map(|parent| view(driver, parent)).transpose()?;
    let diff = open(&path.join("diff"))?;
    finish(diff.as_fd(), &staged.pending, below.as_ref().map(AsFd::as_fd))?;
    if staged.pending.shadows.is_empty() {
        fs::remove_dir(path.join("shadow")).doing(|| "removing an empty directory".into())?;
    }
    let record = LayerRecord {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        size: staged.size,
        tar_size: staged.tar_size,
        entries: staged.entries,
        link: driver.catalogue.short_name(id),
        shadows: staged.pending.shadows,
        hidden: false,
    };
    let size = record.size;
    place(driver, staged.directory, record).map(|new| AppliedLayer { size, new })
}

/// Renames a whole layer into place. False when another thread was faster.
fn place(driver: &Overlay, staged: Staged, record: LayerRecord) -> Result<bool> {
    write_json(&staged.path().join("layer.json"), &record)?;
    let target = driver.catalogue.layer_path(&record.id);
    match staged.commit(&target) {
        Ok(()) => {}
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            // The other thread entered it, or is about to.
            driver.link(&record)?;
            driver.catalogue.insert_layer(record);
            return Ok(false);
        }
        Err(error) => {
            return Err(StorageError::io(format!("renaming a layer to {}", target.display()), error));
        }
    }
    driver.link(&record)?;
    driver.catalogue.insert_layer(record);
    Ok(true)
}

pub(super) fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    openat(CWD, path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))
}

/// A layer with all below it.
pub(super) fn view(driver: &Overlay, id: &str) -> Result<OwnedFd> {
    let chain = driver.catalogue.chain(Some(id))?;
    match chain.as_slice() {
        [only] => detached::bind(&driver.diff_path(&only.id)),
        _ => detached::overlay(&driver.lower(Some(id))?, None, &super::options()),
    }
}

/// The hidden layer of mount points above `parent`, made when it is asked for first.
pub(super) fn mount_points_above(driver: &Overlay, parent: Option<&str>) -> Result<String> {
    let id = format!("init:{}", parent.unwrap_or("none"));
    if driver.catalogue.has_layer(&id) {
        return Ok(id);
    }
    let staged = driver.catalogue.staging.create()?;
    let (diff, work) = (staged.path().join("diff"), staged.path().join("work"));
    for directory in [&diff, &work] {
        fs::create_dir(directory).doing(|| format!("creating {}", directory.display()))?;
    }
    let upper = open(&diff)?;
    rustix::fs::fchmod(&upper, Mode::from_raw_mode(0o755)).doing(|| "preparing a root directory".into())?;
    match parent {
        None => mount_points::create(upper.as_fd())?,
        Some(parent) => {
            let top = open(&driver.diff_path(parent))?;
            crate::unpack::copy_attributes(top.as_fd(), upper.as_fd())?;
            let mount =
                detached::overlay(&driver.lower(Some(parent))?, Some((&diff, &work)), &super::options())?;
            mount_points::create(mount.as_fd())?;
        }
    }
    crate::remove::remove_tree(&work)?;
    let record = LayerRecord {
        id: id.clone(),
        parent: parent.map(str::to_owned),
        size: 0,
        tar_size: 0,
        entries: 0,
        link: driver.catalogue.short_name(&id),
        shadows: Vec::new(),
        hidden: true,
    };
    place(driver, staged, record)?;
    Ok(id)
}

pub(super) fn inspect(driver: &Overlay, id: &str) -> Result<Vec<(String, String)>> {
    let chain = driver.catalogue.chain(Some(id))?;
    let path = driver.catalogue.layer_path(id);
    let text = |path: &Path| path.display().to_string();
    let mut data = Vec::new();
    if chain.len() > 1 {
        let lower: Vec<String> =
            chain[1..].iter().map(|record| text(&driver.diff_path(&record.id))).collect();
        data.push(("LowerDir".to_owned(), lower.join(":")));
    }
    data.push(("MergedDir".to_owned(), text(&path.join("merged"))));
    data.push(("UpperDir".to_owned(), text(&path.join("diff"))));
    data.push(("WorkDir".to_owned(), text(&path.join("work"))));
    Ok(data)
}
