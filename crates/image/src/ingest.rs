//! Taking in a layer: undo the compression, compute the digests, unpack, in one pass.
//!
//! Two threads: the caller's reads, inflates and hashes; another unpacks. Between them go a few buffers.

use crate::compression::Plain;
use crate::error::{ImageError, Result};
use sampan_storage::{SnapshotDriver, StagedLayer};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

const BUFFER: usize = 256 << 10;
const BUFFERS: usize = 6;

/// A layer that is unpacked and not committed.
#[derive(Debug)]
pub(crate) struct Ingested {
    pub(crate) staged: StagedLayer,
    /// Digest of the plain tar.
    pub(crate) diff_id: String,
    /// Digest of the bytes as they came, compressed or not.
    pub(crate) blob_digest: String,
}

/// Unpacks one layer from a stream in any known compression. The stream is read to its end.
///
/// # Errors
/// `InvalidArgument` for damaged compression or a broken or hostile tar.
pub(crate) fn ingest(driver: &dyn SnapshotDriver, input: &mut dyn Read) -> Result<Ingested> {
    let (full, incoming) = sync_channel::<io::Result<Vec<u8>>>(BUFFERS);
    let (empty, returned) = sync_channel::<Vec<u8>>(BUFFERS);
    thread::scope(|scope| {
        let unpacker = scope.spawn(move || {
            let mut pipe = Pipe { incoming, empty, current: Vec::new(), position: 0 };
            driver.stage_layer(&mut pipe)
        });
        let pumped = pump(input, &mut |buffer| {
            full.send(Ok(buffer)).ok()?;
            Some(returned.try_recv().unwrap_or_default())
        });
        if let Err(error) = &pumped {
            // The unpacker must not take the end for the stream's.
            let _ = full.send(Err(io::Error::new(error.kind(), error.to_string())));
        }
        drop(full);
        let staged = unpacker.join().map_err(|_| {
            ImageError::io("unpacking a layer", io::Error::other("the unpacking thread panicked"))
        })?;
        match (staged, pumped) {
            (Err(error), Ok(_)) => Err(error.into()),
            (_, Err(error)) => Err(ImageError::io("reading a layer", error)),
            (Ok(staged), Ok((diff_id, blob_digest))) => Ok(Ingested { staged, diff_id, blob_digest }),
        }
    })
}

/// Unpacks one layer from a plain tar that `produce` writes.
///
/// # Errors
/// Those of `produce`, and those of [`ingest`].
pub(crate) fn ingest_written(
    driver: &dyn SnapshotDriver,
    produce: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<Ingested> {
    let (full, incoming) = sync_channel::<io::Result<Vec<u8>>>(BUFFERS);
    let (empty, _) = sync_channel::<Vec<u8>>(BUFFERS);
    thread::scope(|scope| {
        let unpacker = scope.spawn(move || {
            let mut pipe = Pipe { incoming, empty, current: Vec::new(), position: 0 };
            driver.stage_layer(&mut pipe)
        });
        let mut feeder = Feeder { full, hash: Sha256::new() };
        let mut buffered = io::BufWriter::with_capacity(BUFFER, &mut feeder);
        let produced = produce(&mut buffered)
            .and_then(|()| buffered.flush().map_err(|error| ImageError::io("unpacking a layer", error)));
        drop(buffered);
        let Feeder { full, hash } = feeder;
        if produced.is_err() {
            let _ = full.send(Err(io::Error::other("the layer could not be made")));
        }
        drop(full);
        let staged = unpacker.join().map_err(|_| {
            ImageError::io("unpacking a layer", io::Error::other("the unpacking thread panicked"))
        })?;
        // A failed unpacker makes the producer fail too: its own error is the one to tell.
        match (staged, produced) {
            (Err(error), Ok(())) => Err(error.into()),
            (Ok(_), Err(error))
            | (Err(_), Err(error @ (ImageError::Storage(_) | ImageError::Damaged(_)))) => Err(error),
            (Err(error), Err(_)) => Err(error.into()),
            (Ok(staged), Ok(())) => {
                let diff_id = format!("sha256:{}", hex::encode(hash.finalize()));
                Ok(Ingested { staged, blob_digest: diff_id.clone(), diff_id })
            }
        }
    })
}

/// Makes a layer of a writable one. Where the driver can, its files are moved and nothing is copied.
///
/// # Errors
/// Those of the driver, and those of [`ingest`].
pub(crate) fn ingest_writable(driver: &dyn SnapshotDriver, id: &str) -> Result<Ingested> {
    let mut hash = Hash(Sha256::new());
    let mut buffered = io::BufWriter::with_capacity(BUFFER, &mut hash);
    let taken = driver.take_writable(id, &mut buffered)?;
    buffered.flush().map_err(|error| ImageError::io("hashing a layer", error))?;
    drop(buffered);
    let Some(staged) = taken else {
        return ingest_written(driver, |out| Ok(driver.diff_tar(id, out)?));
    };
    let diff_id = format!("sha256:{}", hex::encode(hash.0.finalize()));
    Ok(Ingested { staged, blob_digest: diff_id.clone(), diff_id })
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Feeder {
    full: Full,
    hash: Sha256,
}

impl Write for Feeder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.full.send(Ok(bytes.to_vec())).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes a stream in any known compression without unpacking it: diff id, and digest as it came.
pub(crate) fn hash_only(input: &mut dyn Read) -> Result<(String, String)> {
    pump(input, &mut Some).map_err(|error| ImageError::io("reading a layer", error))
}

type Full = SyncSender<io::Result<Vec<u8>>>;

/// Inflates and hashes a stream. Each full buffer goes to `pass`, which gives one to fill next, or `None`
/// when nobody wants more.
fn pump(
    input: &mut dyn Read,
    pass: &mut dyn FnMut(Vec<u8>) -> Option<Vec<u8>>,
) -> io::Result<(String, String)> {
    let mut plain = Plain::new(input)?;
    let mut hash = Sha256::new();
    let mut buffer = Vec::new();
    loop {
        buffer.resize(BUFFER, 0);
        let mut length = 0;
        // Filled up: each buffer costs a hand-over between threads.
        while length < BUFFER {
            match plain.read(&mut buffer[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.truncate(length);
        if length == 0 {
            break;
        }
        hash.update(&buffer);
        match pass(buffer) {
            Some(next) => buffer = next,
            // The unpacker has failed and its error is the one to tell: the rest need not be read.
            None => break,
        }
    }
    let diff_id = format!("sha256:{}", hex::encode(hash.finalize()));
    let blob_digest = plain.finish()?;
    let blob_digest = blob_digest.unwrap_or_else(|| diff_id.clone());
    Ok((diff_id, blob_digest))
}

/// The unpacker's end.
struct Pipe {
    incoming: Receiver<io::Result<Vec<u8>>>,
    empty: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.position == self.current.len() {
            let Ok(next) = self.incoming.recv() else { return Ok(0) };
            let used = std::mem::replace(&mut self.current, next?);
            let _ = self.empty.try_send(used);
            self.position = 0;
        }
        let length = buffer.len().min(self.current.len() - self.position);
        buffer[..length].copy_from_slice(&self.current[self.position..self.position + length]);
        self.position += length;
        Ok(length)
    }
}
