//! Contexts that are fetched: repositories, and archives or Dockerfiles on web servers.

use crate::steps::tokio_blocking;
use crate::{Builder, Context};
use sampan_engine::blocking_reader;
use sampan_error::{Error, Result};
use std::io::Read;

/// So many bytes tell what a file is: one block of a tar archive.
const HEAD: u64 = 512;
/// The largest Dockerfile that is fetched.
const LARGEST: u64 = 16 << 20;

impl Builder {
    /// Fetches a context from elsewhere: a repository, an archive, or a Dockerfile alone.
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn fetch(&self, address: &str) -> Result<Context> {
        let parent = self.folder()?;
        if sampan_git::is_address(address) {
            let address = address.to_owned();
            return tokio_blocking(move || {
                let context = Context::empty(&parent)?;
                let folder = sampan_git::checkout(&address, context.path(), false)
                    .map_err(|error| error.context("failed to fetch the context"))?;
                context.below(&folder)
            })
            .await;
        }
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(Error::invalid(format!(
                "unable to prepare context: {address:?} is neither a repository nor an address of an archive"
            )));
        }
        let stream = self.engine.images().open_url(address).await?;
        let mut reader = blocking_reader(stream);
        tokio_blocking(move || {
            let mut head = Vec::new();
            reader.by_ref().take(HEAD).read_to_end(&mut head)?;
            let is_archive = is_archive(&head);
            let mut whole = std::io::Cursor::new(head).chain(reader);
            if is_archive {
                return Context::unpack(&parent, &mut whole);
            }
            let context = Context::empty(&parent)?;
            let mut text = Vec::new();
            whole.take(LARGEST).read_to_end(&mut text)?;
            std::fs::write(context.path().join("Dockerfile"), text)?;
            Ok(context)
        })
        .await
    }
}

/// A tar archive, plain or compressed.
fn is_archive(head: &[u8]) -> bool {
    const COMPRESSED: [&[u8]; 4] =
        [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"BZh", &[0xfd, b'7', b'z', b'X', b'Z']];
    head.get(257..262) == Some(b"ustar") || COMPRESSED.iter().any(|magic| head.starts_with(magic))
}
