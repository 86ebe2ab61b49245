//! Manifests and indexes: what a tag stands for (OCI image specification; Docker's schema 2).

use std::collections::BTreeMap;
use std::fmt;

use sampan_error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Docker's manifest of one image.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's list of manifests by platform.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// OCI's manifest of one image.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI's index of manifests.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Most layers of one image that are believed: overlayfs mounts fewer.
const MOST_LAYERS: usize = 500;
/// Most entries of one index.
const MOST_ENTRIES: usize = 2000;

/// A piece of content by its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    #[serde(default)]
    pub media_type: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
    /// For an entry of an index: what it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Whatever else its maker wrote.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Places outside the registry where it can be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// Most bytes of an image's configuration.
pub(crate) const LARGEST_CONFIG: u64 = 8 << 20;

/// What an image runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// `amd64`, `arm64`, …
    #[serde(default)]
    pub architecture: String,
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// `v7`, `v8`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Version of the system, of meaning for Windows only.
    #[serde(default, rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// Features of the system.
    #[serde(default, rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
}

impl Platform {
    /// What this machine runs.
    #[must_use]
    pub fn host() -> Self {
        let architecture = sampan_image::host_architecture().to_owned();
        Self { architecture, os: "linux".to_owned(), ..Self::default() }
    }

    /// Reads `os`, `architecture`, `os/architecture` or `os/architecture/variant`, as `--platform` takes it.
    ///
    /// # Errors
    /// `InvalidArgument` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::invalid(format!("\"{text}\": unknown operating system or architecture: invalid argument"))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let valid = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !parts.iter().all(valid) {
            return Err(bad());
        }
        let host = Self::host();
        let (os, architecture, variant) = match parts[..] {
            [one] if ["linux", "windows", "darwin", "freebsd"].contains(&one) => {
                (one, host.architecture.as_str(), "")
            }
            [one] => ("linux", one, ""),
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] => (os, architecture, variant),
            _ => return Err(bad()),
        };
        let (architecture, variant) = normal(architecture, variant);
        Ok(Self { os: os.to_lowercase(), architecture, variant, ..Self::default() })
    }

    /// Whether an image for `other` is what is meant by this.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let (architecture, variant) = normal(&self.architecture, &self.variant);
        let (other_architecture, other_variant) = normal(&other.architecture, &other.variant);
        let variants = variant.is_empty() || other_variant.is_empty() || variant == other_variant;
        self.os == other.os && architecture == other_architecture && variants
    }
}

/// Names that mean the same as one (containerd's platforms package normalises them so).
fn normal(architecture: &str, variant: &str) -> (String, String) {
    let architecture = architecture.to_lowercase();
    let (architecture, variant) = match (architecture.as_str(), variant) {
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8") | ("aarch64", "") => ("arm64", ""),
        ("i386" | "i486" | "i586" | "i686", _) => ("386", ""),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        (architecture, variant) => (architecture, variant),
    };
    (architecture.to_owned(), variant.to_owned())
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

/// How a layer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerKind {
    /// A tar, compressed with gzip.
    Gzip,
    /// A tar, compressed with zstd.
    Zstd,
    /// A tar.
    Plain,
    /// One that lies outside the registry and is of use to Windows only.
    Foreign,
    /// Something else.
    Unknown,
}

impl LayerKind {
    /// The kind that a media type means.
    #[must_use]
    pub fn of(media_type: &str) -> Self {
        match media_type {
            "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip" => Self::Gzip,
            "application/vnd.docker.image.rootfs.diff.tar.zstd"
            | "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd" => Self::Zstd,
            "application/vnd.docker.image.rootfs.diff.tar"
            | "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar" => Self::Plain,
            other if other.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar") => {
                Self::Foreign
            }
            _ => Self::Unknown,
        }
    }
}

/// The manifest of one image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The image's configuration.
    pub config: Descriptor,
    /// Its layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
}

/// Manifests by platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Index {
    /// The entries, in the order of preference.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
}

impl Index {
    /// The entry for a platform: first one with the very same variant, else the first that matches.
    #[must_use]
    pub fn choose(&self, wanted: &Platform) -> Option<&Descriptor> {
        let matching = || {
            self.manifests
                .iter()
                .filter(|entry| entry.platform.as_ref().is_some_and(|platform| wanted.matches(platform)))
        };
        let exact = matching().find(|entry| {
            entry.platform.as_ref().is_some_and(|platform| {
                normal(&platform.architecture, &platform.variant)
                    == normal(&wanted.architecture, &wanted.variant)
            })
        });
        exact.or_else(|| matching().next())
    }
}

/// What a tag or a digest stands for.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Document {
    /// One image.
    Manifest(Manifest),
    /// Images by platform.
    Index(Index),
}

/// The part that every document has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    manifests: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    layers: Option<serde::de::IgnoredAny>,
}

impl Document {
    /// Reads a document that came with this `Content-Type`.
    ///
    /// # Errors
    /// `InvalidArgument` for what is neither, is both (CVE-2021-41190), or is of Docker's schema 1.
    pub fn parse(bytes: &[u8], media_type: &str) -> Result<Self> {
        let damaged = |error| Error::invalid(format!("the manifest is damaged: {error}"));
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.schema_version == 1 {
            return Err(Error::invalid(
                "the image has a manifest of schema 1, which has been given up by its makers: push it again with a newer client",
            ));
        }
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let known = [DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX].contains(&media_type);
        if known && !head.media_type.is_empty() && head.media_type != media_type {
            return Err(Error::invalid(format!(
                "the manifest says that it is of type {}, and the registry that it is of type {media_type}",
                head.media_type
            )));
        }
        if head.manifests.is_some() && head.layers.is_some() {
            return Err(Error::invalid(
                "the manifest lists both layers and manifests, so it is not clear what it is",
            ));
        }
        let kind = if known { media_type } else { head.media_type.as_str() };
        let is_index = match kind {
            DOCKER_LIST | OCI_INDEX => true,
            DOCKER_MANIFEST | OCI_MANIFEST => false,
            _ => head.manifests.is_some(),
        };
        if is_index {
            let index: Index = serde_json::from_slice(bytes).map_err(damaged)?;
            most("manifests", index.manifests.len(), MOST_ENTRIES)?;
            index.manifests.iter().try_for_each(check)?;
            return Ok(Self::Index(index));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(damaged)?;
        most("layers", manifest.layers.len(), MOST_LAYERS)?;
        manifest.layers.iter().chain([&manifest.config]).try_for_each(check)?;
        Ok(Self::Manifest(manifest))
    }
}

fn most(what: &str, count: usize, limit: usize) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::invalid(format!("the manifest lists {count} {what}, of which no more than {limit} are taken")))
}

fn check(descriptor: &Descriptor) -> Result<()> {
    if is_digest(&descriptor.digest) {
        return Ok(());
    }
    Err(Error::invalid(format!("the manifest names {:?}, which is no digest", descriptor.digest)))
}

/// Whether a text is a SHA-256 digest as registries write it.
pub(crate) fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:");
    hex.is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn entry(platform: &str) -> Descriptor {
        Descriptor {
            digest: DIGEST.into(),
            platform: Some(Platform::parse(platform).unwrap()),
            ..Descriptor::default()
        }
    }

    #[test]
    fn the_best_entry_of_an_index_is_chosen() {
        let index = Index {
            manifests: ["linux/arm/v6", "linux/arm/v7", "linux/amd64", "linux/arm64/v8"].map(entry).to_vec(),
        };
        let chosen = |platform: &str| {
            index
                .choose(&Platform::parse(platform).unwrap())
                .map(|entry| entry.platform.clone().unwrap().to_string())
        };
        assert_eq!(chosen("linux/arm").unwrap(), "linux/arm/v7");
        assert_eq!(chosen("linux/arm/v6").unwrap(), "linux/arm/v6");
        assert_eq!(chosen("x86_64").unwrap(), "linux/amd64");
        assert_eq!(chosen("linux/arm64").unwrap(), "linux/arm64");
        assert_eq!(chosen("linux/s390x"), None);
        assert!(Platform::parse("linux//v7").is_err());
        assert!(Platform::parse("a/b/c/d").is_err());
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        let descriptor = format!(r#"{{"mediaType":"x","digest":"{DIGEST}","size":1}}"#);
        let both = format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[],"manifests":[]}}"#);
        assert!(Document::parse(both.as_bytes(), OCI_MANIFEST).is_err());
        let other = format!(r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[]}}"#);
        assert!(Document::parse(other.as_bytes(), OCI_MANIFEST).is_err());
        assert!(matches!(Document::parse(other.as_bytes(), OCI_INDEX), Ok(Document::Index(_))));
        assert!(matches!(Document::parse(other.as_bytes(), "text/plain"), Ok(Document::Index(_))));
        assert!(Document::parse(br#"{"schemaVersion":1}"#, "").unwrap_err().message().contains("schema 1"));
        let wrong = r#"{"schemaVersion":2,"config":{"digest":"sha256:../../x","size":1}}"#;
        assert!(Document::parse(wrong.as_bytes(), OCI_MANIFEST).unwrap_err().message().contains("no digest"));
    }

    #[test]
    fn ten_thousand_layers_are_refused() {
        let descriptor = format!(r#"{{"mediaType":"x","digest":"{DIGEST}","size":1}}"#);
        let layers = vec![descriptor.as_str(); 10_000].join(",");
        let text = format!(r#"{{"schemaVersion":2,"config":{descriptor},"layers":[{layers}]}}"#);
        let error = Document::parse(text.as_bytes(), OCI_MANIFEST).unwrap_err();
        assert!(error.message().contains("10000 layers"), "{error}");
    }
}
