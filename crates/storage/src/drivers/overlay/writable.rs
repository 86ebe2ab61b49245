//! Writable layers of the overlay driver.

use super::{Overlay, layers};
use crate::catalogue::{WritableRecord, write_json};
use crate::driver::{Change, RootMount, StagedLayer, WritableOptions};
use crate::error::{Doing, Result, StorageError};
use crate::unpack::record_layer;
use crate::{archive, changes as comparison, detached};
use rustix::fs::Mode;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::fd::{AsFd, OwnedFd};

pub(super) fn create(
    driver: &Overlay,
    id: &str,
    parent: Option<&str>,
    options: &WritableOptions,
) -> Result<()> {
    if options.size_limit.is_some() {
        driver.quota.check()?;
    }
    let base = if options.mount_points {
        if let Some(parent) = parent {
            driver.catalogue.layer(parent)?;
        }
        Some(layers::mount_points_above(driver, parent)?)
    } else {
        parent.map(str::to_owned)
    };
    let record = WritableRecord {
        parent: parent.map(str::to_owned),
        base,
        size_limit: options.size_limit,
        volatile: options.volatile,
    };
    let record = driver.catalogue.reserve_writable(id, record)?;
    let made = make(driver, id, &record, options);
    if made.is_err() {
        driver.catalogue.forget_writable(id);
    }
    made
}

fn make(driver: &Overlay, id: &str, record: &WritableRecord, options: &WritableOptions) -> Result<()> {
    let staged = match options.size_limit {
        Some(limit) => driver.quota.limited_directory(&driver.catalogue.staging, limit)?,
        None => driver.catalogue.staging.create()?,
    };
    let upper = staged.path().join("upper");
    for directory in [&upper, &staged.path().join("work")] {
        fs::create_dir(directory).doing(|| format!("creating {}", directory.display()))?;
    }
    // The root directory's own mode and owner are those of the upper directory.
    let upper = layers::open(&upper)?;
    match &record.base {
        Some(base) => {
            let lower = layers::open(&driver.diff_path(base))?;
            crate::unpack::copy_attributes(lower.as_fd(), upper.as_fd())?;
        }
        None => rustix::fs::fchmod(&upper, Mode::from_raw_mode(0o755))
            .doing(|| "preparing a root directory".into())?,
    }
    if record.base.is_none() {
        let empty = staged.path().join("lower");
        fs::create_dir(&empty).doing(|| format!("creating {}", empty.display()))?;
    }
    write_json(&staged.path().join("writable.json"), record)?;
    if let Some(record) = &options.record {
        let path = staged.path().join("record.json");
        fs::write(&path, record).doing(|| format!("writing {}", path.display()))?;
    }
    let target = driver.catalogue.writable_path(id);
    staged.commit(&target).map_err(|error| StorageError::io(format!("creating {}", target.display()), error))
}

pub(super) fn root_mount(driver: &Overlay, id: &str) -> Result<RootMount> {
    let record = driver.catalogue.writable(id)?;
    let path = driver.catalogue.writable_path(id);
    let mut lower = driver.lower(record.base.as_deref())?;
    if lower.is_empty() {
        lower.push(path.join("lower"));
    }
    let mut options = super::options();
    if record.volatile {
        options.push("volatile".to_owned());
    }
    Ok(RootMount::Overlay { lower, upper: path.join("upper"), work: path.join("work"), options })
}

pub(super) fn mount_detached(driver: &Overlay, id: &str) -> Result<OwnedFd> {
    let RootMount::Overlay { lower, upper, work, mut options } = root_mount(driver, id)? else {
        return Err(StorageError::Damaged(format!("writable layer {id} is not an overlay")));
    };
    // A volatile mount leaves a mark that forbids the next one (kernel: overlayfs.rst, "Volatile mount").
    // The contents are whole as long as the host did not crash, and a volatile container does not
    // outlive its host.
    options.retain(|option| option != "volatile");
    let mark = work.join("work/incompat/volatile");
    if mark.exists() {
        crate::remove::remove_tree(&mark)?;
    }
    detached::overlay(&lower, Some((&upper, &work)), &options)
}

pub(super) fn changes(driver: &Overlay, id: &str) -> Result<Vec<Change>> {
    let record = driver.catalogue.writable(id)?;
    let below = record.base.as_deref().map(|base| layers::view(driver, base)).transpose()?;
    let upper = layers::open(&driver.catalogue.writable_path(id).join("upper"))?;
    comparison::compare(upper.as_fd(), below.as_ref().map(AsFd::as_fd), true)
}

pub(super) fn diff_tar(driver: &Overlay, id: &str, out: &mut dyn Write) -> Result<()> {
    let changes = changes(driver, id)?;
    let upper = layers::open(&driver.catalogue.writable_path(id).join("upper"))?;
    archive::diff_tar(upper.as_fd(), &changes, out)
}

pub(super) fn take(driver: &Overlay, id: &str, out: &mut dyn Write) -> Result<Option<StagedLayer>> {
    // A limited directory belongs to a project of its own, and its files would stay in it.
    if driver.catalogue.writable(id)?.size_limit.is_some() {
        return Ok(None);
    }
    let directory = driver.catalogue.staging.create()?;
    let path = directory.path();
    let (mut reading, writing) = std::io::pipe().doing(|| "making a pipe".into())?;
    let recorded = std::thread::scope(|scope| {
        let recorder = scope.spawn(move || record_layer(path, &mut reading));
        let mut both = Both { out, recorder: BufWriter::with_capacity(BUFFER, writing) };
        let packed =
            diff_tar(driver, id, &mut both).and_then(|()| both.flush().doing(|| "packing a layer".into()));
        drop(both);
        let recorded = recorder.join();
        // What the recorder says explains a broken pipe.
        let recorded = recorded.map_err(|_| StorageError::Damaged("recording a layer failed".into()))??;
        packed.map(|()| recorded)
    })?;
    fs::create_dir(path.join("shadow")).doing(|| "creating an empty directory".into())?;
    let upper = driver.catalogue.writable_path(id).join("upper");
    fs::rename(&upper, path.join("diff")).doing(|| format!("renaming {}", upper.display()))?;
    fs::create_dir(&upper).doing(|| format!("creating {}", upper.display()))?;
    Ok(Some(StagedLayer {
        directory,
        size: recorded.size,
        tar_size: recorded.tar_size,
        entries: recorded.entries,
        pending: recorded.pending,
    }))
}

/// Bytes that go to the recorder at once.
const BUFFER: usize = 64 << 10;

/// Two receivers of one stream.
struct Both<'a> {
    out: &'a mut dyn Write,
    recorder: BufWriter<std::io::PipeWriter>,
}

impl Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write_all(bytes)?;
        self.recorder.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()?;
        self.recorder.flush()
    }
}

pub(super) fn inspect(driver: &Overlay, id: &str) -> Result<Vec<(String, String)>> {
    let record = driver.catalogue.writable(id)?;
    let path = driver.catalogue.writable_path(id);
    let lower: Vec<String> = driver
        .catalogue
        .chain(record.base.as_deref())?
        .iter()
        .map(|record| driver.diff_path(&record.id).display().to_string())
        .collect();
    Ok(vec![
        ("ID".to_owned(), id.to_owned()),
        ("LowerDir".to_owned(), lower.join(":")),
        ("MergedDir".to_owned(), path.join("merged").display().to_string()),
        ("UpperDir".to_owned(), path.join("upper").display().to_string()),
        ("WorkDir".to_owned(), path.join("work").display().to_string()),
    ])
}
