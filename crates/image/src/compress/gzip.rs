//! gzip on several cores: the stream is cut into blocks of a fixed length, each compressed by itself and put behind
//! the other in one member (RFC 1952), as pigz does. Any gunzip reads it.

use super::Hashed;
use crate::error::{ImageError, Result};
use flate2::{Compress, Crc, FlushCompress, Status};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Plain bytes of one block: the digest depends on it.
const BLOCK: usize = 1 << 20;
/// Level of compression: the digest depends on it too. Four percent larger than at level 6, in two thirds of the time.
const LEVEL: u32 = 3;
/// Most threads that compress.
const MOST_WORKERS: usize = 8;
/// Magic, deflate, no flags, no time, no extra flags, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty last block with fixed codes (RFC 1951, 3.2.6): ends the stream behind blocks that are all flushed.
const LAST: [u8; 2] = [0x03, 0x00];

/// A block to compress, and where its result goes.
type Job = (Vec<u8>, SyncSender<Block>);

struct Block {
    compressed: io::Result<Vec<u8>>,
    sum: Crc,
}

/// Compresses what `produce` writes. Gives the digest of the plain bytes.
pub(super) fn write(
    out: &mut dyn Write,
    produce: impl FnOnce(&mut dyn Write) -> Result<()> + Send,
) -> Result<String> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    let (jobs, queue) = sync_channel::<Job>(workers);
    let (order, results) = sync_channel::<Receiver<Block>>(workers * 2);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&queue));
        }
        let producer = scope.spawn(move || {
            let mut cutter = Cutter { jobs, order, block: Vec::with_capacity(BLOCK) };
            let mut hashed = Hashed { out: &mut cutter, hash: Sha256::new() };
            produce(&mut hashed)?;
            let digest = hashed.digest();
            cutter.cut().map_err(|error| ImageError::io("compressing a layer", error))?;
            Ok(digest)
        });
        let written = assemble(out, &results);
        // A producer that still writes must find nobody listening.
        drop(results);
        let produced = producer.join().unwrap_or_else(|_| {
            Err(ImageError::io("compressing a layer", io::Error::other("the reading thread panicked")))
        });
        // When the receiver went away the producer fails too, and the receiver's reason is the one to tell.
        match (written, produced) {
            (Err(error), _) => Err(ImageError::io("sending a layer", error)),
            (Ok(()), produced) => produced,
        }
    })
}

/// Writes the blocks in order, between header and trailer.
fn assemble(out: &mut dyn Write, results: &Receiver<Receiver<Block>>) -> io::Result<()> {
    out.write_all(&HEADER)?;
    let mut sum = Crc::new();
    for result in results {
        let block = result.recv().map_err(|_| io::Error::other("a compressing thread panicked"))?;
        out.write_all(&block.compressed?)?;
        sum.combine(&block.sum);
    }
    out.write_all(&LAST)?;
    out.write_all(&sum.sum().to_le_bytes())?;
    // The length modulo 2^32 (RFC 1952, 2.3.1).
    out.write_all(&sum.amount().to_le_bytes())
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((plain, result)) = job else { return };
        let mut sum = Crc::new();
        sum.update(&plain);
        // Whoever assembles may have given up.
        let _ = result.send(Block { compressed: compress(&plain), sum });
    }
}

/// One block as raw deflate, flushed to a byte's border.
fn compress(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut deflate = Compress::new(flate2::Compression::new(LEVEL), false);
    let mut compressed = Vec::with_capacity(plain.len() / 2 + 1024);
    loop {
        let done = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX).min(plain.len());
        let status = deflate.compress_vec(&plain[done..], &mut compressed, FlushCompress::Sync)?;
        let all_in = deflate.total_in() == plain.len() as u64;
        // Room that is left says that everything was flushed (zlib's manual, deflate).
        if all_in && compressed.len() < compressed.capacity() {
            return Ok(compressed);
        }
        if status == Status::StreamEnd {
            return Err(io::Error::other("deflate ended early"));
        }
        compressed.reserve(64 << 10);
    }
}

/// Cuts a stream into blocks and hands them out.
struct Cutter {
    jobs: SyncSender<Job>,
    order: SyncSender<Receiver<Block>>,
    block: Vec<u8>,
}

impl Cutter {
    fn cut(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
        let (sender, receiver) = sync_channel(1);
        self.order.send(receiver).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.jobs.send((block, sender)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(())
    }
}

impl Write for Cutter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..length]);
        if self.block.len() == BLOCK {
            self.cut()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn compressed(plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let digest = write(&mut out, |to| {
            plain.chunks(70_000).try_for_each(|chunk| to.write_all(chunk)).map_err(|e| ImageError::io("x", e))
        })
        .unwrap();
        assert_eq!(digest, crate::image::digest(plain));
        out
    }

    #[test]
    fn any_gunzip_reads_it_and_it_is_the_same_each_time() {
        let mut seed = 1_u32;
        let mut noise = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 17] {
            let plain: Vec<u8> = (0..length).map(|at| if at % 3 == 0 { noise() } else { b'x' }).collect();
            let out = compressed(&plain);
            assert_eq!(out, compressed(&plain));
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&out[..]).read_to_end(&mut back).unwrap();
            assert!(back == plain, "{length}");
        }
    }

    #[test]
    fn a_receiver_that_goes_away_ends_it() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = write(&mut Full, |to| {
            loop {
                to.write_all(&[0; 100_000]).map_err(|error| ImageError::io("x", error))?;
            }
        })
        .unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
