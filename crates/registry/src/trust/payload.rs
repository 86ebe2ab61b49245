//! What a signature says: the "simple signing" document.

use serde::Deserialize;

const TYPE: &str = "cosign container image signature";

/// The part that must be understood.
#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    critical: Critical,
}

#[derive(Debug, Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

impl Payload {
    /// Reads a payload; `None` for anything else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let payload: Self = serde_json::from_slice(bytes).ok()?;
        (payload.critical.kind == TYPE).then_some(payload)
    }

    /// Whether it is about the manifest with this digest.
    pub(super) fn names(&self, digest: &str) -> bool {
        self.critical.image.digest == digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_signature_of_an_image_counts() {
        let text = r#"{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":
            "sha256:aa"},"type":"cosign container image signature"},"optional":null}"#;
        let payload = Payload::parse(text.as_bytes()).unwrap();
        assert!(payload.names("sha256:aa"));
        assert!(!payload.names("sha256:ab"));
        assert!(Payload::parse(text.replace("cosign container", "atomic container").as_bytes()).is_none());
        assert!(Payload::parse(b"{}").is_none());
    }
}
