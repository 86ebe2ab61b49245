//! What the engine says of a path in a container.

use base64::Engine;
use serde::Deserialize;

use crate::client::{Body, Client, Query, Response, object_path};
use crate::failure::{Failure, Result};

/// Bits of Go's `os.FileMode`, which the API uses.
mod mode {
    pub(super) const DIRECTORY: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const DEVICE: u32 = 1 << 26;
    pub(super) const IRREGULAR: u32 = 1 << 19;
}

/// The `X-Docker-Container-Path-Stat` header.
#[derive(Debug, Deserialize)]
pub(super) struct PathStat {
    #[serde(default)]
    mode: u32,
    #[serde(rename = "linkTarget", default)]
    pub(super) link_target: String,
}

impl PathStat {
    /// Asks for a path.
    ///
    /// # Errors
    /// There is no such path or container.
    pub(super) fn ask(client: &Client, container: &str, path: &str) -> Result<Self> {
        let archive = object_path("container", container, "archive")?;
        Self::of(&client.request("HEAD", &archive, &Query::new().with("path", path), Body::None)?)
    }

    /// Reads it from an answer.
    ///
    /// # Errors
    /// The header is missing or is not what it should be.
    pub(super) fn of(response: &Response) -> Result<Self> {
        let header = response.header("x-docker-container-path-stat").unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(header).map_err(|error| {
            Failure::message(format!("unable to get resource stat from response: {error}"))
        })?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub(super) fn is_directory(&self) -> bool {
        self.mode & mode::DIRECTORY != 0
    }

    pub(super) fn is_symlink(&self) -> bool {
        self.mode & mode::SYMLINK != 0
    }

    /// Why nothing can be copied there.
    pub(super) fn unfit(&self) -> Option<&'static str> {
        match self.mode {
            device if device & mode::DEVICE != 0 => Some("got a device"),
            irregular if irregular & mode::IRREGULAR != 0 => Some("got an irregular file"),
            _ => None,
        }
    }
}
