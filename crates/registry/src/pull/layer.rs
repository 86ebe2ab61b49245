//! One layer: fetched, verified and unpacked as one stream.

use std::io::Read;
use std::sync::Arc;

use sampan_error::{Error, Kind, Result};
use sampan_image::{Incoming, Partial};

use super::download;
use crate::client::Repository;
use crate::manifest::Descriptor;
use crate::step::{Meter, Steps};
use crate::transfers::{Inner, blocking, short};

/// A layer on its way.
pub(super) struct Layer {
    pub(super) inner: Arc<Inner>,
    pub(super) source: Repository,
    pub(super) descriptor: Descriptor,
    pub(super) incoming: Arc<Incoming>,
    pub(super) index: usize,
    pub(super) steps: Steps,
}

impl Layer {
    /// Brings the layer into the store, unless it is there.
    pub(super) async fn obtain(self) -> Result<()> {
        let gate = self.inner.gate(&self.descriptor.digest);
        let _turn = gate.lock().await;
        let id = short(&self.descriptor.digest).to_owned();
        if self.incoming.is_present(self.index) {
            let (incoming, index) = (Arc::clone(&self.incoming), self.index);
            return blocking(move || Ok(incoming.provide(index)?)).await;
        }
        let _slot =
            self.inner.download_slots.acquire().await.map_err(|_| Error::internal("no more pulls"))?;
        let mut resumed = true;
        loop {
            let (store, digest, size) =
                (Arc::clone(&self.inner.store), self.descriptor.digest.clone(), self.descriptor.size);
            let partial = blocking(move || Ok(store.partial(&digest, size)?)).await?;
            resumed &= partial.is_resumed();
            let (fetched, unpacked) = self.stream(&partial, &id).await;
            // A failed download makes the unpacking fail too: the download's reason is the one to tell.
            fetched?;
            match unpacked {
                Ok(()) => {
                    self.steps.status(&id, "Pull complete");
                    let (inner, digest) = (Arc::clone(&self.inner), self.descriptor.digest.clone());
                    return blocking(move || {
                        match inner.limits.keep_blobs {
                            true => inner.store.keep_blob(&digest, &partial)?,
                            false => partial.discard()?,
                        }
                        Ok(())
                    })
                    .await;
                }
                // All has come and is wrong. What a former pull left may be to blame: once more, from the first byte.
                Err(error) if error.kind() == Kind::InvalidArgument => {
                    blocking(move || Ok(partial.discard()?)).await?;
                    if !std::mem::take(&mut resumed) {
                        let (digest, place) = (&self.descriptor.digest, self.source.display());
                        return Err(error.context(format!("layer {digest} from {place} cannot be used")));
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Fetches into the partial file while another thread unpacks what has come.
    async fn stream(&self, partial: &Partial, id: &str) -> (Result<()>, Result<()>) {
        // Whatever ends this future, the thread that waits for bytes is told.
        let ending = Ending(partial.clone());
        let unpacking = {
            let (incoming, index, digest) =
                (Arc::clone(&self.incoming), self.index, self.descriptor.digest.clone());
            let meter = self.steps.meter(id, "Extracting", self.descriptor.size);
            let mut reader = Counted { reader: partial.reader(), meter };
            tokio::spawn(blocking(move || Ok(incoming.take_in(index, &digest, &mut reader)?)))
        };
        let meter = self.steps.meter(id, "Downloading", self.descriptor.size);
        let fetched =
            download::fetch(&self.source, &self.descriptor, partial, &self.inner.limits, &meter).await;
        match &fetched {
            Ok(()) => self.steps.status(id, "Download complete"),
            Err(error) => partial.fail(&std::io::Error::other(error.to_string())),
        }
        let unpacked = unpacking.await.unwrap_or_else(|panic| {
            Err(Error::internal("the engine met a bug while it unpacked a layer; see its log")
                .caused_by(panic))
        });
        drop(ending);
        (fetched, unpacked)
    }
}

/// Wakes the unpacking thread when a pull is given up.
struct Ending(Partial);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fail(&std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "the pull was given up"));
    }
}

/// Tells how much of a layer is unpacked.
struct Counted<R> {
    reader: R,
    meter: Arc<Meter>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.meter.add(length as u64);
        Ok(length)
    }
}
