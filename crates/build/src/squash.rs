//! `--squash`: everything that a build added becomes one layer, and what a later step deleted is not in it.

use crate::build::Build;
use crate::files;
use crate::state::State;
use crate::steps::tokio_blocking;
use sampan_engine::Engine;
use sampan_error::{Context as _, Error, Result};
use sampan_storage::archive;
use sampan_storage::tar::{Reader, Writer};
use std::io::{BufWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

/// What the name of a file that is deleted begins with (OCI image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";
/// Everything below this entry's folder is deleted.
const OPAQUE: &str = ".wh..wh..opq";
/// Bytes that go into a pipe at once.
const BUFFER: usize = 16 << 10;

impl Build {
    /// Makes one layer of all layers above the base. The history stays, with a last entry about it.
    ///
    /// # Errors
    /// No space; what the file system said.
    pub(crate) async fn squash(&self, state: &mut State) -> Result<()> {
        let Some(image) = state.image.clone() else { return Ok(()) };
        let (engine, base, added) = (self.builder.engine.clone(), state.base.clone(), state.base_layers);
        let mut step = self.step_of(state);
        for entry in step.history.iter_mut().skip(state.base_history) {
            entry.empty_layer = true;
        }
        let from = base.clone().unwrap_or_default();
        step.history.push(sampan_image::History {
            comment: format!("merge {image} to {from}"),
            ..sampan_image::History::default()
        });
        step.parent.clone_from(&base);
        let made = tokio_blocking(move || {
            let mut layer = engine.build_layer(base.as_deref())?;
            let chains = engine.build_base(&image)?.chain_ids.clone();
            for chain in chains.iter().skip(added) {
                apply(&engine, chain, layer.root()?)?;
            }
            layer.close();
            step.writable = Some(layer.id().to_owned());
            engine.build_step(&step)
        })
        .await?;
        state.history.clone_from(&made.history);
        self.holds.add(&made.id);
        state.stand_on(&made);
        Ok(())
    }
}

/// Puts a layer's files into a file system that stands on the layers below it.
fn apply(engine: &Engine, chain: &str, root: BorrowedFd<'_>) -> Result<()> {
    // What is deleted goes first: a layer may put something else where a folder was.
    streamed(engine, chain, |input| {
        let mut reader = Reader::new(input);
        while let Some(entry) = reader.next_entry()? {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == OPAQUE {
                empty(root, folder)?;
            } else if let Some(name) = name.strip_prefix(WHITEOUT) {
                remove(root, folder, name)?;
            }
            reader.skip_contents()?;
        }
        Ok(reader.drain()?)
    })?;
    streamed(engine, chain, |input| {
        let (mut written, mut writing) = std::io::pipe().context("cannot make a pipe")?;
        std::thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                let options =
                    archive::WriteOptions { copy_uid_gid: true, ..archive::WriteOptions::default() };
                archive::write(root, Path::new("/"), &mut written, &options)
            });
            let sent = pass_on(input, &mut BufWriter::with_capacity(BUFFER, &mut writing));
            drop(writing);
            receiver.join().map_err(|_| Error::internal("writing files failed"))??;
            sent
        })
    })
}

/// The entries that are files.
fn pass_on(input: &mut dyn Read, out: &mut dyn Write) -> Result<()> {
    let mut reader = Reader::new(input);
    let mut writer = Writer::new(out);
    while let Some(entry) = reader.next_entry()? {
        let name = entry.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if name.starts_with(WHITEOUT.as_bytes()) {
            reader.skip_contents()?;
            continue;
        }
        writer.entry(&entry)?;
        while let Some(chunk) = reader.chunk(u64::MAX)? {
            writer.data(chunk)?;
        }
    }
    reader.drain()?;
    writer.finish()?;
    Ok(out.flush()?)
}

/// Runs `take` on a layer as a tar stream.
fn streamed(engine: &Engine, chain: &str, take: impl FnOnce(&mut dyn Read) -> Result<()>) -> Result<()> {
    let (mut input, mut output) = std::io::pipe().context("cannot make a pipe")?;
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || engine.build_layer_tar(chain, &mut output));
        let taken = take(&mut input);
        drop(input);
        let produced = producer.join().map_err(|_| Error::internal("reading a layer failed"))?;
        // What the receiver says explains a broken pipe.
        taken?;
        produced
    })
}

fn empty(root: BorrowedFd<'_>, folder: &str) -> Result<()> {
    let Ok(open) = files::open(root, folder) else { return Ok(()) };
    let inside = format!("/proc/self/fd/{}", open.as_raw_fd());
    for entry in std::fs::read_dir(inside).context("a folder of the build cannot be read")? {
        let entry = entry.context("a folder of the build cannot be read")?;
        remove(root, folder, &entry.file_name().to_string_lossy())?;
    }
    Ok(())
}

/// Removes one file or folder; what is not there is gone already.
fn remove(root: BorrowedFd<'_>, folder: &str, name: &str) -> Result<()> {
    let Ok(open) = files::open(root, folder) else { return Ok(()) };
    let path = format!("/proc/self/fd/{}/{name}", open.as_fd().as_raw_fd());
    let removed = match std::fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(&path),
        Ok(_) => std::fs::remove_file(&path),
        Err(_) => Ok(()),
    };
    removed.context("a file of the build cannot be removed")
}
