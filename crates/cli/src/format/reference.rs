//! Image names: `docker.io/library/busybox:latest@sha256:…` and the short forms people write.

/// A parsed image name. The domain and path are always there, as in `docker.io` and `library/busybox`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The registry.
    pub(crate) domain: String,
    /// The repository within it.
    pub(crate) path: String,
    /// The tag, where one was written.
    pub(crate) tag: Option<String>,
    /// The digest, where one was written.
    pub(crate) digest: Option<String>,
}

impl Reference {
    /// Reads a name as a user may write it; nothing when it is not one (or is a bare 64-digit id).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                (name, Some(digest.to_string()).filter(|digest| is_digest(digest))?.into())
            }
            None => (text, None),
        };
        let slash = name.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match name[slash..].split_once(':') {
            Some((_, tag)) => {
                (&name[..name.len() - tag.len() - 1], Some(tag.to_string()).filter(|tag| is_tag(tag))?.into())
            }
            None => (name, None),
        };
        let (domain, path) = match name.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first =>
            {
                (first.to_string(), rest.to_string())
            }
            _ => ("docker.io".to_string(), name.to_string()),
        };
        let domain = if domain == "index.docker.io" { "docker.io".into() } else { domain };
        let path =
            if domain == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path };
        let component = |part: &str| {
            part.starts_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
                && part.ends_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
                && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        };
        path.split('/').all(component).then_some(Self { domain, path, tag, digest })
    }

    /// The name as people write it: without `docker.io` and `library`.
    pub(crate) fn familiar_name(&self) -> String {
        if self.domain != "docker.io" {
            return format!("{}/{}", self.domain, self.path);
        }
        match self.path.strip_prefix("library/") {
            Some(official) if !official.contains('/') => official.into(),
            _ => self.path.clone(),
        }
    }
}

impl std::fmt::Display for Reference {
    /// The whole name: `docker.io/library/busybox:latest`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag.len() <= 128
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty() && hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names() {
        let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        for (text, familiar, tag) in [
            ("busybox", Some("busybox"), None),
            ("busybox:1.36", Some("busybox"), Some("1.36")),
            ("docker.io/library/busybox", Some("busybox"), None),
            ("index.docker.io/user/app:x", Some("user/app"), Some("x")),
            ("localhost:5000/a/b:c", Some("localhost:5000/a/b"), Some("c")),
            ("ghcr.io/x/y", Some("ghcr.io/x/y"), None),
            (&format!("busybox:1@{digest}"), Some("busybox"), Some("1")),
            ("Busybox", None, None),
            (&digest[7..], None, None),
            ("a:b:c", None, None),
            ("", None, None),
        ] {
            let parsed = Reference::parse(text);
            assert_eq!(parsed.as_ref().map(Reference::familiar_name).as_deref(), familiar, "{text}");
            assert_eq!(parsed.and_then(|parsed| parsed.tag).as_deref(), tag, "{text}");
        }
    }
}
