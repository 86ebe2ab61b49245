//! The layers of an image archive, from the stream to the snapshot driver.

use super::LoadProgress;
use crate::error::{ImageError, Result};
use crate::image::Image;
use crate::ingest::{Ingested, hash_only, ingest, ingest_written};
use crate::pool::{Pool, Share, Turn};
use crate::store::Store;
use sampan_storage::tar::Reader;
use std::collections::HashMap;
use std::io::{self, Read};

/// Bytes between two tellings of progress.
const STEP: u64 = 1 << 20;

/// Layers met so far, by their path in the archive.
pub(super) struct Layers<'a> {
    store: &'a Store,
    by_path: HashMap<String, Met>,
    /// Chain ids of what was committed here, by diff id: an image may have the same layer twice.
    committed: HashMap<String, String>,
    any_new: bool,
}

struct Met {
    diff_id: String,
    /// Our part in it; none when the layer was stored already.
    share: Option<Share>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, by_path: HashMap::new(), committed: HashMap::new(), any_new: false }
    }

    /// Reads one layer: unpacks it, unless it is stored already or another caller is at it.
    pub(super) fn take_in(
        &mut self,
        path: &str,
        size: u64,
        reader: &mut Reader<'_>,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<()> {
        let claim = claimed_digest(path);
        let id = short(path);
        let mut contents = Contents { reader, id, current: 0, told: 0, total: size, progress };
        let met = match &claim {
            Some(claim) if self.store.has_diff(claim) => {
                let (diff_id, blob) = hash_only(&mut contents)?;
                check_claim(path, Some(claim), &diff_id, &blob)?;
                Met { diff_id, share: None }
            }
            _ => self.unpack_or_skip(path, claim.as_deref(), &mut contents)?,
        };
        self.by_path.insert(path.to_owned(), met);
        Ok(())
    }

    fn unpack_or_skip(
        &mut self,
        path: &str,
        claim: Option<&str>,
        contents: &mut Contents<'_, '_>,
    ) -> Result<Met> {
        let turn = claim.map_or_else(|| Turn::Unpack(Pool::alone()), |claim| self.store.pool.join(claim));
        match turn {
            Turn::Skip(share) => {
                let (diff_id, blob) = hash_only(contents)?;
                check_claim(path, claim, &diff_id, &blob)?;
                Ok(Met { diff_id, share: Some(share) })
            }
            Turn::Unpack(share) => {
                let taken = ingest(&*self.store.driver, contents).and_then(|layer| {
                    check_claim(path, claim, &layer.diff_id, &layer.blob_digest)?;
                    Ok(layer)
                });
                match taken {
                    Ok(layer) => {
                        let diff_id = layer.diff_id.clone();
                        self.any_new = true;
                        share.ready(layer);
                        Ok(Met { diff_id, share: Some(share) })
                    }
                    Err(error) => {
                        share.failed();
                        Err(error)
                    }
                }
            }
        }
    }

    /// Waits for layers that others unpack.
    pub(super) fn wait(&self) {
        for share in self.by_path.values().filter_map(|met| met.share.as_ref()) {
            share.wait();
        }
    }

    /// Whether anything was unpacked here.
    pub(super) fn any_new(&self) -> bool {
        self.any_new
    }

    /// Commits the layers of one image, lowest first. The caller holds the store's lock for changes.
    pub(super) fn commit(
        &mut self,
        image: &Image,
        paths: &[String],
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<()> {
        if paths.len() != image.diff_ids.len() {
            return Err(ImageError::InvalidArchive(format!(
                "it brings {} layers for a configuration of {}",
                paths.len(),
                image.diff_ids.len()
            )));
        }
        for (index, path) in paths.iter().enumerate() {
            let (diff_id, chain_id) = (&image.diff_ids[index], &image.chain_ids[index]);
            let below = index.checked_sub(1).map(|below| image.chain_ids[below].as_str());
            if let Some(met) = self.by_path.get(path)
                && met.diff_id != *diff_id
            {
                return Err(ImageError::WrongDigest {
                    what: format!("layer {path:?}"),
                    expected: diff_id.clone(),
                    found: met.diff_id.clone(),
                });
            }
            let driver = &self.store.driver;
            let new = !driver.has_layer(chain_id);
            if new {
                let layer = self.obtain(path, diff_id)?;
                driver.commit_layer(layer.staged, chain_id, below)?;
            }
            self.committed.insert(diff_id.clone(), chain_id.clone());
            progress(LoadProgress::LayerDone { id: short(path), new });
        }
        Ok(())
    }

    /// The unpacked layer: our own or that of another caller, else made again from one that is stored
    /// on other layers.
    fn obtain(&self, path: &str, diff_id: &str) -> Result<Ingested> {
        if let Some(layer) = self.by_path.get(path).and_then(|met| met.share.as_ref()).and_then(Share::take) {
            return Ok(layer);
        }
        let missing = || ImageError::InvalidArchive(format!("layer {path:?} is missing"));
        let stored = self.committed.get(diff_id).cloned().or_else(|| self.store.chain_with_diff(diff_id));
        let stored = stored.ok_or_else(missing)?;
        let layer =
            ingest_written(&*self.store.driver, |out| Ok(self.store.driver.layer_tar(&stored, out)?))?;
        if layer.diff_id != diff_id {
            return Err(ImageError::Damaged(format!(
                "stored layer {stored} is damaged: its digest is {}",
                layer.diff_id
            )));
        }
        Ok(layer)
    }
}

/// The digest that a path claims for what lies at it: `blobs/sha256/<hex>`, `<hex>.json`, `<hex>.tar`.
pub(super) fn claimed_digest(path: &str) -> Option<String> {
    let hex = match path.strip_prefix("blobs/sha256/") {
        Some(hex) => hex,
        None => path.strip_suffix(".json").or_else(|| path.strip_suffix(".tar"))?,
    };
    crate::reference::is_full_id(hex).then(|| format!("sha256:{hex}"))
}

fn check_claim(path: &str, claim: Option<&str>, diff_id: &str, blob: &str) -> Result<()> {
    match claim {
        Some(claim) if claim != blob && claim != diff_id => Err(ImageError::WrongDigest {
            what: path.to_owned(),
            expected: claim.to_owned(),
            found: blob.to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Twelve characters for progress lines.
fn short(path: &str) -> String {
    let name = path.strip_suffix("/layer.tar").unwrap_or(path);
    name.rsplit('/').next().unwrap_or(name).chars().take(12).collect()
}

/// An entry's contents as a stream, with progress.
struct Contents<'r, 'i> {
    reader: &'r mut Reader<'i>,
    id: String,
    current: u64,
    told: u64,
    total: u64,
    progress: &'r mut dyn FnMut(LoadProgress),
}

impl Read for Contents<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let chunk = self.reader.chunk(buffer.len() as u64).map_err(io::Error::other)?;
        let length = chunk.map_or(0, |chunk| {
            buffer[..chunk.len()].copy_from_slice(chunk);
            chunk.len()
        });
        self.current += length as u64;
        if self.current - self.told >= STEP || (length == 0 && self.told < self.current) {
            self.told = self.current;
            (self.progress)(LoadProgress::Layer {
                id: self.id.clone(),
                current: self.current,
                total: self.total,
            });
        }
        Ok(length)
    }
}
