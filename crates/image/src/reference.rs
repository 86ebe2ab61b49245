//! Names of images, by the grammar of the distribution project's `reference` package.

use crate::error::{ImageError, Result};
use std::fmt;

const DEFAULT_DOMAIN: &str = "docker.io";
const OFFICIAL: &str = "library/";
/// Most bytes of a name with its domain.
const LONGEST_NAME: usize = 255;

/// A complete name: domain, path, and a tag or a digest or both or neither.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Parses a name as a user writes it: `busybox`, `me/tool:1`, `localhost:5000/a/b@sha256:…`.
    ///
    /// # Errors
    /// `InvalidArgument` with Docker's sentence.
    pub fn parse(text: &str) -> Result<Self> {
        if is_full_id(text) {
            return Err(ImageError::InvalidReference(format!(
                "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
            )));
        }
        let (domain, rest) = split_domain(text);
        let name_end = rest.find([':', '@']).unwrap_or(rest.len());
        if rest[..name_end].to_lowercase() != rest[..name_end] {
            return Err(ImageError::InvalidReference(format!(
                "invalid reference format: repository name ({}) must be lowercase",
                &rest[..name_end]
            )));
        }
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (rest.as_str(), None),
        };
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(tag.to_owned())),
            None => (rest, None),
        };
        let good = is_domain(&domain)
            && path.split('/').all(is_path_component)
            && tag.as_deref().is_none_or(is_tag)
            && digest.as_deref().is_none_or(is_digest);
        if !good {
            return Err(invalid());
        }
        if domain.len() + 1 + path.len() > LONGEST_NAME {
            return Err(ImageError::InvalidReference(format!(
                "repository name must not be more than {LONGEST_NAME} characters"
            )));
        }
        Ok(Self { domain, path: path.to_owned(), tag, digest })
    }

    /// Registry's host, with a port if there is one.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Name within the registry.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, `algorithm:hex`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same, with tag `latest` when there is neither tag nor digest.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same name with another tag and no digest.
    ///
    /// # Errors
    /// `InvalidArgument` for a bad tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self> {
        if !is_tag(tag) {
            return Err(ImageError::InvalidReference("invalid tag format".into()));
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// The same name with this digest and no tag.
    #[must_use]
    pub fn with_digest(&self, digest: &str) -> Self {
        Self { tag: None, digest: Some(digest.to_owned()), ..self.clone() }
    }

    /// Domain and path: `docker.io/library/busybox`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// Domain and path as users write them: `busybox`, `me/tool`, `localhost:5000/a`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.domain != DEFAULT_DOMAIN {
            return self.repository();
        }
        let short = match self.path.strip_prefix(OFFICIAL) {
            Some(name) if !name.contains('/') => name,
            _ => &self.path,
        };
        // A path of Docker Hub may look like another registry's name, or like an id.
        let (domain, path) = split_domain(short);
        let means_the_same = domain == self.domain && path == self.path && !is_full_id(short);
        if means_the_same { short.to_owned() } else { self.repository() }
    }

    /// The whole as users write it: `busybox:latest`.
    #[must_use]
    pub fn familiar(&self) -> String {
        self.suffixed(self.familiar_name())
    }

    fn suffixed(&self, mut name: String) -> String {
        if let Some(tag) = &self.tag {
            name.push(':');
            name.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            name.push('@');
            name.push_str(digest);
        }
        name
    }
}

/// The complete form: `docker.io/library/busybox:latest`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.suffixed(self.repository()))
    }
}

fn invalid() -> ImageError {
    ImageError::InvalidReference("invalid reference format".into())
}

/// 64 lower-case hexadecimal digits: an id and never a name.
pub(crate) fn is_full_id(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

pub(crate) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The first part is a registry when it looks like a host: with a dot, a port, capitals, or `localhost`.
fn split_domain(text: &str) -> (String, String) {
    let (domain, rest) = match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first =>
        {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, text),
    };
    let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
    let name_end = rest.find([':', '@']).unwrap_or(rest.len());
    let rest = if domain == DEFAULT_DOMAIN && !rest[..name_end].contains('/') {
        format!("{OFFICIAL}{rest}")
    } else {
        rest.to_owned()
    };
    (domain.to_owned(), rest)
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let good = !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
            return good && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let component = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    host.split('.').all(component) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_path_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !plain(*first) || !plain(*last) {
        return false;
    }
    let separators = text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    separators
        .filter(|run| !run.is_empty())
        .all(|run| matches!(run, "." | "_" | "__") || run.chars().all(|c| c == '-'))
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

/// `algorithm:hex`; of the algorithms only sha256 and sha512 are known, with their exact lengths.
pub(crate) fn is_digest(text: &str) -> bool {
    match text.split_once(':') {
        Some(("sha256", hex)) => hex.len() == 64 && is_hex(hex),
        Some(("sha512", hex)) => hex.len() == 128 && is_hex(hex),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_complete_and_familiar() {
        let cases = [
            ("busybox", "docker.io/library/busybox", "busybox"),
            ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
            ("me/tool", "docker.io/me/tool", "me/tool"),
            ("index.docker.io/library/a", "docker.io/library/a", "a"),
            ("docker.io/a", "docker.io/library/a", "a"),
            ("localhost/a", "localhost/a", "localhost/a"),
            ("localhost:5000/a/b:x", "localhost:5000/a/b:x", "localhost:5000/a/b:x"),
            ("[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"),
            ("Host/a", "Host/a", "Host/a"),
            ("a--b/c_d__e.f", "docker.io/a--b/c_d__e.f", "a--b/c_d__e.f"),
        ];
        for (text, complete, familiar) in cases {
            let reference = Reference::parse(text).unwrap();
            assert_eq!((reference.to_string().as_str(), reference.familiar().as_str()), (complete, familiar));
        }
        let digest = format!("a@sha256:{}", "0".repeat(64));
        assert_eq!(Reference::parse(&digest).unwrap().or_latest().familiar(), digest);
        assert_eq!(Reference::parse("a").unwrap().or_latest().familiar(), "a:latest");
    }

    #[test]
    fn bad_names_get_dockers_sentences() {
        for bad in [
            "",
            ":",
            "a:",
            "a@",
            "a:b:c",
            "a//b",
            "-a",
            "a-",
            "a___b",
            "a..b",
            "a:-x",
            "a@sha256:00",
            "a b",
            "/a",
            "é",
        ] {
            assert_eq!(Reference::parse(bad).unwrap_err().to_string(), "invalid reference format", "{bad:?}");
        }
        assert_eq!(
            Reference::parse("Busybox").unwrap_err().to_string(),
            "invalid reference format: repository name (library/Busybox) must be lowercase"
        );
        assert!(Reference::parse(&"a".repeat(64)).unwrap_err().to_string().contains("64-byte hexadecimal"));
        assert!(Reference::parse(&"g/".repeat(150)).is_err());
    }
}
