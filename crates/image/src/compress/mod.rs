//! Layers in compressed form, on their way to a registry.

mod gzip;

use crate::error::{ImageError, Result};
use crate::store::Store;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// How a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// What every registry and engine takes.
    Gzip,
    /// Smaller and quicker; engines from 2021 on take it.
    Zstd,
    /// Not at all.
    Plain,
}

impl Compression {
    /// The layer's media type (OCI image specification, layer.md).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            Self::Plain => "application/vnd.oci.image.layer.v1.tar",
        }
    }
}

/// A layer that was written in compressed form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressedLayer {
    /// Digest of the compressed bytes, all of them.
    pub digest: String,
    /// How many they are, those that were skipped with them.
    pub size: u64,
    /// Their media type.
    pub media_type: String,
}

/// Level of zstd: its own default, a good deal smaller than gzip at three times its speed.
const ZSTD_LEVEL: i32 = 3;

impl Store {
    /// Writes a layer in compressed form, without its first `skip` bytes, which the receiver has already. The same
    /// layer gives the same bytes each time, on any number of cores.
    ///
    /// # Errors
    /// `NotFound`; `DataLoss` when the layer is damaged on the disk (the receiver has then got bytes that must not
    /// be used); what the receiver said.
    pub fn compressed_layer(
        &self,
        chain_id: &str,
        diff_id: &str,
        compression: Compression,
        skip: u64,
        out: &mut dyn Write,
    ) -> Result<CompressedLayer> {
        let mut counted = Counted { out, hash: Sha256::new(), size: 0, skip };
        let produce = |plain: &mut dyn Write| Ok(self.driver.layer_tar(chain_id, plain)?);
        let found = match compression {
            Compression::Gzip => gzip::write(&mut counted, produce)?,
            Compression::Zstd => {
                let failed = |error| ImageError::io("compressing a layer", error);
                let mut encoder =
                    zstd::stream::write::Encoder::new(&mut counted, ZSTD_LEVEL).map_err(failed)?;
                let mut hashed = Hashed { out: &mut encoder, hash: Sha256::new() };
                produce(&mut hashed)?;
                let found = hashed.digest();
                encoder.finish().map_err(failed)?;
                found
            }
            Compression::Plain => {
                let mut hashed = Hashed { out: &mut counted, hash: Sha256::new() };
                produce(&mut hashed)?;
                hashed.digest()
            }
        };
        if found != diff_id {
            return Err(ImageError::Damaged(format!(
                "layer {diff_id} is damaged on the disk: its digest is now {found}"
            )));
        }
        Ok(CompressedLayer {
            digest: format!("sha256:{}", hex::encode(counted.hash.finalize())),
            size: counted.size,
            media_type: compression.media_type().to_owned(),
        })
    }
}

/// Hashes what goes through.
struct Hashed<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
}

impl Hashed<'_> {
    fn digest(self) -> String {
        format!("sha256:{}", hex::encode(self.hash.finalize()))
    }
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.out.write(bytes)?;
        self.hash.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Hashes and counts everything, and leaves out the beginning.
struct Counted<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    size: u64,
    skip: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left_out = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.out.write_all(&bytes[left_out..])?;
        self.skip -= left_out as u64;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
