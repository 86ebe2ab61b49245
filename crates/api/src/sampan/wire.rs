//! The body of our run route.

use crate::containers::wire::CreateBody;
use serde::Deserialize;

/// Create, attach, start and wait in one request. The answer is a stream of frames with an eight-byte head
/// (type, three zeros, length big-endian): 16 the id and warnings as JSON, 1 and 2 output, 17 the exit status
/// as JSON, 18 the client detached.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RunBody {
    pub(super) name: String,
    pub(super) config: CreateBody,
    pub(super) platform: String,
    pub(super) detach: bool,
    pub(super) attach: Attach,
    pub(super) detach_keys: String,
    /// Rows and columns.
    pub(super) size: Option<Vec<u16>>,
}

/// Which streams the client wants.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Attach {
    pub(super) stdin: bool,
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}
