//! What is in volumes, on its way there and back.

use crate::specification::Volume;
use std::fmt;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};

/// Which end of a transfer is at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedRole {
    /// It gets the files.
    Receive,
    /// It has them.
    Send,
}

/// What is to run beside the volumes of a service: our own program, in a container that goes away with the stream.
#[derive(Debug, Clone)]
pub struct SeedRequest {
    /// The service.
    pub service: String,
    /// Its volumes. Those that are not there are made, marked as the service's.
    pub volumes: Vec<Volume>,
    /// Which end.
    pub role: SeedRole,
    /// The image with the program, by id.
    pub image_id: String,
    /// The same as a file in the form of `docker save`.
    pub archive: PathBuf,
}

/// The two directions of a stream to the program there. Dropped, it ends.
pub struct Seed {
    /// What it says.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// What it is told.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
}

impl SeedRequest {
    /// The program's arguments: where the n-th volume is mounted is `/volumes/n`.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let role = if self.role == SeedRole::Send { "send" } else { "receive" };
        let folders = (0..self.volumes.len()).map(Self::folder);
        ["seed".to_owned(), role.to_owned()].into_iter().chain(folders).collect()
    }

    /// Where a volume is mounted.
    #[must_use]
    pub fn folder(number: usize) -> String {
        format!("/volumes/{number}")
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}
