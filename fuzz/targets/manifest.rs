//! Manifests and indexes of registries: whatever they say, it is an error or something that makes sense.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sampan_registry::{DOCKER_MANIFEST, Document, OCI_INDEX, Platform};

fuzz_target!(|bytes: &[u8]| {
    for media_type in [DOCKER_MANIFEST, OCI_INDEX, "text/plain"] {
        match Document::parse(bytes, media_type) {
            Ok(Document::Manifest(manifest)) => {
                for part in manifest.layers.iter().chain([&manifest.config]) {
                    assert!(part.digest.starts_with("sha256:") && part.digest.len() == 71);
                }
            }
            Ok(Document::Index(index)) => {
                if let Some(entry) = index.choose(&Platform::host()) {
                    assert!(entry.platform.as_ref().is_some_and(|platform| Platform::host().matches(platform)));
                }
            }
            Err(error) => assert!(!error.message().is_empty()),
        }
    }
});
