//! What is sent of a layer: its compressed form, as it was kept or made on the way.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use sampan_error::{Error, Kind, Result};
use sampan_image::{Compression, Store};
use tokio::sync::{mpsc, oneshot};

/// Bytes that are handed over at a time.
const CHUNK: usize = 128 << 10;
/// Chunks that may wait for the network.
const WAITING: usize = 8;

/// Where a layer's bytes come from.
#[derive(Clone)]
pub(super) enum Source {
    /// A compressed form that is kept, with its digest and length.
    Kept {
        /// The bytes.
        file: Arc<File>,
        /// What they are.
        sent: Sent,
    },
    /// Made from the layer: the same bytes each time.
    Made {
        /// Where it is.
        store: Arc<Store>,
        /// Its id there.
        chain_id: String,
        /// Digest of its tar.
        diff_id: String,
        /// How it is to be compressed.
        compression: Compression,
    },
}

/// What was sent, known at its end.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) digest: String,
    pub(super) size: u64,
    pub(super) media_type: String,
}

/// Bytes on their way out.
pub(super) type Chunks = std::pin::Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

impl Source {
    /// The bytes from `skip` on, and what they were once all have gone.
    pub(super) fn open(&self, skip: u64) -> (Chunks, oneshot::Receiver<Result<Sent>>) {
        let (sender, mut receiver) = mpsc::channel::<io::Result<Bytes>>(WAITING);
        let (done, outcome) = oneshot::channel();
        let source = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut out = Out { sender, buffer: Vec::with_capacity(CHUNK) };
            let sent = source.write(skip, &mut out).and_then(|sent| Ok(out.flush().map(|()| sent)?));
            if let Err(error) = &sent {
                // The body must not look complete.
                let _ = out.sender.blocking_send(Err(io::Error::other(error.to_string())));
            }
            // Whoever waited may have gone.
            let _ = done.send(sent);
        });
        let chunks = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
        (Box::pin(chunks), outcome)
    }

    fn write(&self, skip: u64, out: &mut dyn Write) -> Result<Sent> {
        match self {
            Self::Kept { file, sent } => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(skip))?;
                let copied = io::copy(&mut file.take(sent.size.saturating_sub(skip)), out)?;
                if skip + copied != sent.size {
                    let message = format!("the kept form {} of a layer is shorter than it was", sent.digest);
                    return Err(Error::new(Kind::DataLoss, message));
                }
                Ok(sent.clone())
            }
            Self::Made { store, chain_id, diff_id, compression } => {
                let made = store.compressed_layer(chain_id, diff_id, *compression, skip, out)?;
                Ok(Sent { digest: made.digest, size: made.size, media_type: made.media_type })
            }
        }
    }
}

struct Out {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
