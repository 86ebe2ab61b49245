//! What a pull or a push tells while it works.

/// One step, in the form of Docker's progress stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferStep {
    /// A line of its own, such as `Digest: sha256:…`, or for a part of the image `Pull complete`.
    Status {
        /// Short id of the layer, the tag, or empty for a line of its own.
        id: String,
        /// Docker's words.
        status: String,
    },
    /// Bytes of a layer that have gone through so far.
    Progress {
        /// Short id of the layer.
        id: String,
        /// `Downloading`, `Extracting`, `Pushing`.
        status: &'static str,
        /// Bytes so far.
        current: u64,
        /// Bytes in all, 0 when not known.
        total: u64,
    },
    /// A manifest was pushed: the object that push sends as `aux`.
    Pushed {
        /// The tag.
        tag: String,
        /// Digest of the manifest.
        digest: String,
        /// Bytes of the manifest.
        size: u64,
    },
}
