//! One layer on its way out: found there, mounted, or sent.

use std::sync::Arc;

use sampan_error::{Error, Result};
use sampan_image::{Compression, KnownBlob};

use super::sessions::SessionFile;
use super::source::{Sent, Source};
use super::upload;
use crate::client::{Repository, Started, Upload};
use crate::manifest::{Descriptor, LayerKind};
use crate::step::Steps;
use crate::transfers::{Inner, blocking, short};

/// Known forms of a layer that are looked for at the registry, at most.
const LOOKED_FOR: usize = 4;

pub(super) struct Layer {
    pub(super) inner: Arc<Inner>,
    pub(super) target: Repository,
    /// The complete repository that is pushed to.
    pub(super) repository: String,
    pub(super) domain: String,
    pub(super) image: String,
    pub(super) diff_id: String,
    pub(super) chain_id: String,
    /// The form that is wanted; any that is known will do where there is none.
    pub(super) compression: Option<Compression>,
    pub(super) steps: Steps,
}

impl Layer {
    /// Sees to it that the registry has the layer. Gives the form in which it has it.
    pub(super) async fn bring(self) -> Result<Descriptor> {
        let gate = self.inner.gate(&format!("push {} {}", self.repository, self.diff_id));
        let _turn = gate.lock().await;
        let id = short(&self.diff_id).to_owned();
        let known = self.known().await?;
        for blob in known.iter().take(LOOKED_FOR) {
            if self.target.head_blob(&blob.digest).await?.is_some() {
                self.steps.status(&id, "Layer already exists");
                return Ok(descriptor(blob));
            }
        }
        self.steps.status(&id, "Waiting");
        let slot = self.inner.upload_slots.acquire().await;
        let _slot = slot.map_err(|_| Error::internal("no more pushes"))?;
        let mut begun = None;
        for blob in known.iter().take(LOOKED_FOR) {
            let Some(from) = self.elsewhere(blob) else { continue };
            match self.target.start_upload(Some((&blob.digest, &from))).await? {
                Started::Mounted => {
                    self.steps.status(&id, format!("Mounted from {from}"));
                    return Ok(descriptor(blob));
                }
                Started::Upload(upload) => {
                    begun = Some(upload);
                    break;
                }
            }
        }
        self.send(&id, &known, begun).await
    }

    /// Known forms: those of manifests that came with this image first, then those that this repository may have.
    async fn known(&self) -> Result<Vec<KnownBlob>> {
        let (store, diff_id) = (Arc::clone(&self.inner.store), self.diff_id.clone());
        let (image, repository) = (self.image.clone(), self.repository.clone());
        let wanted = self.compression.map(|compression| LayerKind::of(compression.media_type()));
        blocking(move || {
            let mut known = store.known_blobs(&diff_id);
            if let Some(wanted) = wanted {
                known.retain(|blob| LayerKind::of(&blob.media_type) == wanted);
            }
            let manifests = store.manifests_of(&image)?;
            let came_with = |digest: &str| {
                let quoted = format!("\"{digest}\"");
                manifests
                    .iter()
                    .any(|kept| kept.bytes.windows(quoted.len()).any(|window| window == quoted.as_bytes()))
            };
            known.sort_by_cached_key(|blob| {
                (!came_with(&blob.digest), !blob.repositories.contains(&repository))
            });
            Ok(known)
        })
        .await
    }

    /// Another repository of the same registry that has the blob: its name there.
    fn elsewhere(&self, blob: &KnownBlob) -> Option<String> {
        let others = blob.repositories.iter().filter(|name| **name != self.repository);
        others.filter_map(|name| name.strip_prefix(&self.domain)?.strip_prefix('/')).next().map(str::to_owned)
    }

    async fn send(&self, id: &str, known: &[KnownBlob], begun: Option<Upload>) -> Result<Descriptor> {
        let kept = known.iter().find_map(|blob| {
            let file = Arc::new(self.inner.store.kept_blob(&blob.digest)?);
            let (digest, media_type) = (blob.digest.clone(), blob.media_type.clone());
            Some(Source::Kept { file, sent: Sent { digest, size: blob.size, media_type } })
        });
        let source = kept.unwrap_or_else(|| Source::Made {
            store: Arc::clone(&self.inner.store),
            chain_id: self.chain_id.clone(),
            diff_id: self.diff_id.clone(),
            compression: self.compression.unwrap_or(Compression::Gzip),
        });
        let form = match &source {
            Source::Kept { sent, .. } => sent.digest.as_str(),
            Source::Made { compression, .. } => compression.media_type(),
        };
        let what = format!("{} {} {form}", self.repository, self.diff_id);
        let session = SessionFile::new(&self.inner.sessions, &what);
        // As Docker: the plain size, since the compressed one is not known before the end.
        let total = self.inner.store.driver().layer(&self.chain_id).map_or(0, |layer| layer.tar_size);
        let meter = self.steps.meter(id, "Pushing", total);
        // An upload that a former push began is worth more than the one that the registry just opened.
        let begun = match begun {
            Some(begun) if session.location().is_some() => {
                self.target.cancel_upload(begun).await;
                None
            }
            begun => begun,
        };
        let attempts = self.inner.limits.attempts;
        let sent = upload::send(&self.target, &source, begun, &session, attempts, &meter).await?;
        self.steps.status(id, "Pushed");
        Ok(Descriptor {
            media_type: sent.media_type,
            digest: sent.digest,
            size: sent.size,
            ..Descriptor::default()
        })
    }
}

fn descriptor(blob: &KnownBlob) -> Descriptor {
    Descriptor {
        media_type: blob.media_type.clone(),
        digest: blob.digest.clone(),
        size: blob.size,
        ..Descriptor::default()
    }
}
