//! Streams in gzip, zstd, bzip2, xz or no compression, told by their first bytes.

use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read};

/// A stream may grow to this many bytes before its ratio is looked at,
const RATIO_FROM: u64 = 256 << 20;
/// and then by no more than this factor: gzip cannot pass 1032, and zstd bombs reach millions.
const LARGEST_RATIO: u64 = 2000;

/// The plain bytes of a stream, with the digest of what came in.
pub(crate) struct Plain<'a> {
    source: Source<'a>,
    produced: u64,
}

enum Source<'a> {
    Plain(Counted<'a>),
    Gzip(Box<flate2::bufread::MultiGzDecoder<BufReader<Hashed<'a>>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Hashed<'a>>>),
    Bzip2(Box<bzip2::bufread::MultiBzDecoder<BufReader<Hashed<'a>>>>),
    Xz(Box<lzma_rust2::XzReader<BufReader<Hashed<'a>>>>),
}

impl<'a> Plain<'a> {
    /// Looks at the first bytes.
    pub(crate) fn new(input: &'a mut dyn Read) -> io::Result<Self> {
        let mut head = Vec::with_capacity(4);
        Read::take(&mut *input, 4).read_to_end(&mut head)?;
        let source = match head.as_slice() {
            [0x1f, 0x8b, ..] => {
                Source::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(hashed(head, input))))
            }
            [0x28, 0xb5, 0x2f, 0xfd] => {
                Source::Zstd(zstd::stream::read::Decoder::with_buffer(hashed(head, input))?)
            }
            [b'B', b'Z', b'h', ..] => {
                Source::Bzip2(Box::new(bzip2::bufread::MultiBzDecoder::new(hashed(head, input))))
            }
            [0xfd, b'7', b'z', b'X'] => {
                Source::Xz(Box::new(lzma_rust2::XzReader::new(hashed(head, input), true)))
            }
            _ => Source::Plain(Counted { head, position: 0, input, count: 0 }),
        };
        Ok(Self { source, produced: 0 })
    }

    fn consumed(&self) -> u64 {
        match &self.source {
            Source::Plain(counted) => counted.count,
            Source::Gzip(decoder) => decoder.get_ref().get_ref().input.count,
            Source::Zstd(decoder) => decoder.get_ref().get_ref().input.count,
            Source::Bzip2(decoder) => decoder.get_ref().get_ref().input.count,
            Source::Xz(decoder) => decoder.inner().get_ref().input.count,
        }
    }

    /// Reads what follows the compressed data, and gives the digest of all that came in; `None` when the
    /// stream was plain: it is that of the plain bytes.
    pub(crate) fn finish(self) -> io::Result<Option<String>> {
        let mut rest = match self.source {
            Source::Plain(_) => return Ok(None),
            Source::Gzip(decoder) => decoder.into_inner(),
            Source::Zstd(decoder) => decoder.finish(),
            Source::Bzip2(decoder) => decoder.into_inner(),
            Source::Xz(decoder) => decoder.into_inner(),
        };
        while !rest.fill_buf()?.is_empty() {
            let length = rest.buffer().len();
            rest.consume(length);
        }
        let hashed = rest.into_inner();
        Ok(Some(format!("sha256:{}", hex::encode(hashed.hash.finalize()))))
    }
}

impl Read for Plain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.source {
            Source::Plain(counted) => return counted.read(buffer),
            Source::Gzip(decoder) => decoder.read(buffer),
            Source::Zstd(decoder) => decoder.read(buffer),
            Source::Bzip2(decoder) => decoder.read(buffer),
            Source::Xz(decoder) => decoder.read(buffer),
        }
        .map_err(damaged)?;
        self.produced += length as u64;
        if self.produced > RATIO_FROM && self.produced / LARGEST_RATIO > self.consumed().max(1) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("refusing a stream that grows more than {LARGEST_RATIO} times when decompressed"),
            ));
        }
        Ok(length)
    }
}

/// Damage has many error kinds in the decoders; errors of the input itself keep theirs.
fn damaged(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
            io::Error::new(io::ErrorKind::InvalidData, format!("damaged compression: {error}"))
        }
        _ => error,
    }
}

fn hashed(head: Vec<u8>, input: &mut dyn Read) -> BufReader<Hashed<'_>> {
    let input = Counted { head, position: 0, input, count: 0 };
    BufReader::with_capacity(128 << 10, Hashed { input, hash: Sha256::new() })
}

/// A stream without its compression, which its first bytes tell: for archives that are no layers.
///
/// # Errors
/// The stream cannot be read.
pub fn decompressed<'a>(mut input: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::with_capacity(4);
    Read::take(&mut input, 4).read_to_end(&mut head)?;
    let kind = head.clone();
    let input = io::Cursor::new(head).chain(input);
    Ok(match &kind[..] {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(input)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::stream::read::Decoder::new(input)?),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::read::MultiBzDecoder::new(input)),
        [0xfd, b'7', b'z', b'X'] => Box::new(lzma_rust2::XzReader::new(input, true)),
        _ => Box::new(input),
    })
}

/// Counts, and gives the first bytes again.
struct Counted<'a> {
    head: Vec<u8>,
    position: usize,
    input: &'a mut dyn Read,
    count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = if self.position < self.head.len() {
            let length = buffer.len().min(self.head.len() - self.position);
            buffer[..length].copy_from_slice(&self.head[self.position..self.position + length]);
            self.position += length;
            length
        } else {
            self.input.read(buffer)?
        };
        self.count += length as u64;
        Ok(length)
    }
}

struct Hashed<'a> {
    input: Counted<'a>,
    hash: Sha256,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.hash.update(&buffer[..length]);
        Ok(length)
    }
}
