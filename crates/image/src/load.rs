//! `docker load`: images out of an archive, in one pass over the stream.
//!
//! Known are docker-archive (`manifest.json`, as `docker save` of all versions and skopeo write it) and
//! oci-archive (`index.json`). Entries come in any order: what looks like JSON is kept, everything else of
//! some size is taken for a layer and unpacked at once, without a copy; at the end the documents say
//! which layers belong to which image. Nothing is visible before all of an image is there.

mod documents;
mod layers;

use crate::compression::Plain;
use crate::error::{ImageError, Result};
use crate::image::{Image, LARGEST_CONFIG};
use crate::reference::Reference;
use crate::store::{Entering, Store};
use documents::{Documents, Found};
use layers::Layers;
use sampan_storage::tar::{EntryKind, Reader};
use std::collections::HashMap;
use std::io::Read;

/// Most bytes of all JSON documents in an archive together.
const DOCUMENTS: u64 = 64 << 20;

/// What [`Store::load`] tells while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadProgress {
    /// A layer is being read: how many bytes of how many (as stored in the archive).
    Layer {
        /// Short name of the layer.
        id: String,
        /// Bytes read so far.
        current: u64,
        /// All its bytes.
        total: u64,
    },
    /// A layer is there.
    LayerDone {
        /// Short name of the layer.
        id: String,
        /// False when it was there before.
        new: bool,
    },
}

/// One image that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The image's id.
    pub id: String,
    /// Names that it has now, as users write them.
    pub names: Vec<String>,
    /// Names that other images lost by it, with their ids.
    pub moved: Vec<(String, String)>,
}

impl Store {
    /// Loads all images of an archive (plain, gzip or zstd).
    ///
    /// # Errors
    /// `InvalidArgument` for an archive that is none, is damaged or hostile, or does not have the digests
    /// that it claims.
    pub fn load(&self, input: &mut dyn Read, progress: &mut dyn FnMut(LoadProgress)) -> Result<Vec<Loaded>> {
        let mut plain = Plain::new(input).map_err(|error| ImageError::io("reading the archive", error))?;
        let mut reader = Reader::new(&mut plain);
        let mut documents = Documents::default();
        let mut layers = Layers::new(self);
        let mut aliases: HashMap<String, String> = HashMap::new();
        let mut budget = DOCUMENTS;
        while let Some(entry) = reader.next_entry()? {
            let path = clean(&entry.path)?;
            match entry.kind {
                EntryKind::Regular => {}
                // `docker save` of old and skopeo's link a layer that several images have.
                EntryKind::Symlink | EntryKind::HardLink => {
                    let base = if entry.kind == EntryKind::Symlink { parent(&path) } else { "" };
                    aliases.insert(
                        path.clone(),
                        clean(format!("{base}/{}", String::from_utf8_lossy(&entry.link)).as_bytes())?,
                    );
                    continue;
                }
                _ => continue,
            }
            let head = reader.peek(512)?.to_vec();
            if looks_like_document(&path, &head) {
                budget = budget.checked_sub(entry.size).ok_or_else(|| {
                    ImageError::InvalidArchive(format!("its documents are larger than {DOCUMENTS} bytes"))
                })?;
                documents.add(path, reader.contents(LARGEST_CONFIG)?);
            } else if looks_like_layer(&path, &head) {
                layers.take_in(&path, entry.size, &mut reader, progress)?;
            }
        }
        reader.drain()?;
        drop(reader);
        let found = documents.images(&|path| resolve(&aliases, path))?;
        self.commit_loaded(found, layers, progress)
    }

    /// Commits what was found: layers, then images, then names.
    fn commit_loaded(
        &self,
        found: Vec<Found>,
        mut layers: Layers<'_>,
        progress: &mut dyn FnMut(LoadProgress),
    ) -> Result<Vec<Loaded>> {
        let mut images = Vec::with_capacity(found.len());
        for item in found {
            images.push((Image::from_config(&item.config)?, item));
        }
        layers.wait();
        if layers.any_new() {
            self.driver.sync()?;
        }
        let _changing = self.changing();
        let mut loaded: Vec<Loaded> = Vec::new();
        for (image, item) in images {
            layers.commit(&image, &item.layers, progress)?;
            let image = self.enter(&item.config, None, Entering::default())?;
            let mut result = Loaded { id: image.id.clone(), names: Vec::new(), moved: Vec::new() };
            for name in &item.names {
                let Ok(name) = Reference::parse(name) else { continue };
                let name = name.or_latest();
                let before = self.set_name(&name, &image.id)?;
                result.moved.extend(before.map(|before| (name.familiar(), before)));
                result.names.push(name.familiar());
            }
            match loaded.iter_mut().find(|known| known.id == result.id) {
                Some(known) => {
                    known.names.extend(result.names);
                    known.moved.extend(result.moved);
                }
                None => loaded.push(result),
            }
        }
        Ok(loaded)
    }
}

/// A path of the archive without `./`, `//` and `..`.
fn clean(path: &[u8]) -> Result<String> {
    let text = String::from_utf8_lossy(path);
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts
                    .pop()
                    .ok_or_else(|| ImageError::InvalidArchive(format!("a path outside of it: {text:?}")))?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Follows links in the archive, at most a few.
fn resolve(aliases: &HashMap<String, String>, path: &str) -> String {
    let mut path = clean(path.as_bytes()).unwrap_or_default();
    for _ in 0..8 {
        match aliases.get(&path) {
            Some(target) => path.clone_from(target),
            None => break,
        }
    }
    path
}

fn looks_like_document(path: &str, head: &[u8]) -> bool {
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[')) && !path.ends_with(".tar") && !is_tar(head)
}

fn is_tar(head: &[u8]) -> bool {
    head.len() >= 262 && &head[257..262] == b"ustar"
}

fn looks_like_layer(path: &str, head: &[u8]) -> bool {
    // An empty layer is nothing but zeros.
    let empty = head.len() == 512 && head.iter().all(|byte| *byte == 0);
    is_tar(head)
        || empty
        || head.starts_with(&[0x1f, 0x8b])
        || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || path.ends_with(".tar")
        || path.starts_with("blobs/")
}
