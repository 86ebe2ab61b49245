//! `docker save`: images as an archive that both forms of readers understand: an OCI layout, with
//! `manifest.json` and `repositories` for Docker's.

use crate::error::{ImageError, Result};
use crate::image::{Image, digest};
use crate::reference::Reference;
use crate::store::Store;
use sampan_storage::tar::{Entry, EntryKind, Writer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// One image to save, with the names to save it under.
struct Item {
    image: Arc<Image>,
    names: Vec<Reference>,
}

impl Store {
    /// Writes images with all their layers. Each of `names` is a name, `name:tag` or an id; a name without
    /// a tag means all its tags.
    ///
    /// # Errors
    /// `NotFound`; `DataLoss` when a layer does not give its digest; what the receiver said.
    pub fn save(&self, names: &[String], out: &mut dyn Write) -> Result<()> {
        self.save_without(names, HashSet::new(), out)
    }

    /// The same without these layers, by the digests of their plain tars: for a receiver that has them.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub fn save_without(
        &self,
        names: &[String],
        without: HashSet<String>,
        out: &mut dyn Write,
    ) -> Result<()> {
        let items = self.items(names)?;
        let mut writer = Writer::new(out);
        directory(&mut writer, "blobs/")?;
        directory(&mut writer, "blobs/sha256/")?;
        let mut written = without;
        let mut manifests = Vec::new();
        let mut docker = Vec::new();
        let mut repositories: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for item in &items {
            let image = &item.image;
            let config = self.raw_config(&image.id)?;
            self.layers(image, &mut written, &mut writer)?;
            blob(&mut writer, &mut written, &config)?;
            let manifest = self.manifest(image, config.len())?;
            blob(&mut writer, &mut written, &manifest)?;
            manifests.extend(descriptors(item, &manifest));
            docker.push(json!({
                "Config": blob_path(&image.id),
                "RepoTags": item.names.iter().map(Reference::familiar).collect::<Vec<_>>(),
                "Layers": image.diff_ids.iter().map(|id| blob_path(id)).collect::<Vec<_>>(),
            }));
            for name in &item.names {
                let top = image.diff_ids.last().map(|id| id.trim_start_matches("sha256:").to_owned());
                if let (Some(tag), Some(top)) = (name.tag(), top) {
                    repositories.entry(name.familiar_name()).or_default().insert(tag.to_owned(), top);
                }
            }
        }
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        file(&mut writer, "index.json", &encode(&index)?)?;
        file(&mut writer, "manifest.json", &encode(&Value::Array(docker))?)?;
        file(&mut writer, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        if !repositories.is_empty() {
            file(&mut writer, "repositories", &encode(&json!(repositories))?)?;
        }
        writer.finish()?;
        Ok(())
    }

    /// What to save: each image once, with its names in order.
    fn items(&self, names: &[String]) -> Result<Vec<Item>> {
        let mut items: Vec<Item> = Vec::new();
        let mut add = |image: Arc<Image>, name: Option<Reference>| {
            let position = items.iter().position(|item| item.image.id == image.id).unwrap_or_else(|| {
                items.push(Item { image, names: Vec::new() });
                items.len() - 1
            });
            let known = &mut items[position].names;
            if let Some(name) = name
                && !known.contains(&name)
            {
                known.push(name);
            }
        };
        for text in names {
            let bare =
                Reference::parse(text).ok().filter(|name| name.tag().is_none() && name.digest().is_none());
            let tagged: Vec<(Reference, String)> = match &bare {
                Some(bare) => {
                    let state = self.state();
                    let all = state
                        .names
                        .iter()
                        .filter_map(|(name, id)| Some((Reference::parse(name).ok()?, id.clone())));
                    all.filter(|(name, _)| name.tag().is_some() && name.repository() == bare.repository())
                        .collect()
                }
                None => Vec::new(),
            };
            if tagged.is_empty() {
                let (image, name) = self.resolve(text)?;
                add(image, name.filter(|name| name.tag().is_some() && name.digest().is_none()));
                continue;
            }
            for (name, id) in tagged {
                add(self.find(&id)?, Some(name));
            }
        }
        Ok(items)
    }

    fn layers(&self, image: &Image, written: &mut HashSet<String>, writer: &mut Writer<'_>) -> Result<()> {
        for (diff_id, chain_id) in image.diff_ids.iter().zip(&image.chain_ids) {
            if !written.insert(diff_id.clone()) {
                continue;
            }
            let layer = self.driver.layer(chain_id)?;
            writer.entry(&regular(&blob_path(diff_id), layer.tar_size))?;
            let mut checked = Checked { writer, hash: Sha256::new() };
            self.driver.layer_tar(chain_id, &mut checked)?;
            let found = format!("sha256:{}", hex::encode(checked.hash.finalize()));
            if found != *diff_id {
                return Err(ImageError::Damaged(format!(
                    "layer {diff_id} of image {} is damaged on the disk: its digest is now {found}",
                    image.id
                )));
            }
        }
        Ok(())
    }

    fn manifest(&self, image: &Image, config_size: usize) -> Result<Vec<u8>> {
        let mut layers = Vec::new();
        for (diff_id, chain_id) in image.diff_ids.iter().zip(&image.chain_ids) {
            let size = self.driver.layer(chain_id)?.tar_size;
            layers.push(json!({"mediaType": LAYER, "digest": diff_id, "size": size}));
        }
        encode(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": image.id, "size": config_size},
            "layers": layers,
        }))
    }
}

/// The entries of the index: one for each name.
fn descriptors(item: &Item, manifest: &[u8]) -> Vec<Value> {
    let image = &item.image;
    let mut platform = json!({"architecture": image.architecture, "os": image.os});
    if !image.variant.is_empty() {
        platform["variant"] = json!(image.variant);
    }
    let plain = json!({
        "mediaType": MANIFEST,
        "digest": digest(manifest),
        "size": manifest.len(),
        "platform": platform,
    });
    if item.names.is_empty() {
        return vec![plain];
    }
    let named = |name: &Reference| {
        let mut descriptor = plain.clone();
        descriptor["annotations"] = json!({
            "io.containerd.image.name": name.to_string(),
            "org.opencontainers.image.ref.name": name.tag().unwrap_or("latest"),
        });
        descriptor
    };
    item.names.iter().map(named).collect()
}

fn encode(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| ImageError::io("encoding a document", io::Error::from(error)))
}

fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

fn regular(path: &str, size: u64) -> Entry {
    let mut entry = Entry::new(EntryKind::Regular, path);
    entry.size = size;
    entry
}

fn directory(writer: &mut Writer<'_>, path: &str) -> Result<()> {
    Ok(writer.entry(&Entry::new(EntryKind::Directory, path))?)
}

fn file(writer: &mut Writer<'_>, path: &str, bytes: &[u8]) -> Result<()> {
    writer.entry(&regular(path, bytes.len() as u64))?;
    Ok(writer.data(bytes)?)
}

fn blob(writer: &mut Writer<'_>, written: &mut HashSet<String>, bytes: &[u8]) -> Result<()> {
    let digest = digest(bytes);
    if !written.insert(digest.clone()) {
        return Ok(());
    }
    file(writer, &blob_path(&digest), bytes)
}

/// Hashes a layer on its way out.
struct Checked<'a, 'w> {
    writer: &'a mut Writer<'w>,
    hash: Sha256,
}

impl Write for Checked<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.writer.data(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
