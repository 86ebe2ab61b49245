//! The policy file: which signatures images need, by the beginning of their names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sampan_error::{Error, Result};
use serde::Deserialize;

use super::key::Key;
use crate::prefix;

/// What images of a prefix need.
#[derive(Debug, Clone)]
pub(super) enum Requirement {
    /// Nothing.
    Accept,
    /// They may not be used.
    Reject,
    /// A signature by one of these keys.
    Signed(Vec<Key>),
}

/// Requirements by prefix.
#[derive(Debug, Clone)]
pub struct Policy {
    source: String,
    default: Requirement,
    prefixes: Vec<(String, Requirement)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "accept")]
    default: Written,
    #[serde(default)]
    prefixes: BTreeMap<String, Written>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    Accept,
    Reject,
    SignedBy(Vec<PathBuf>),
}

fn accept() -> Written {
    Written::Accept
}

impl Default for Policy {
    /// Everything is accepted: there is no policy file.
    fn default() -> Self {
        Self { source: String::new(), default: Requirement::Accept, prefixes: Vec::new() }
    }
}

impl Policy {
    /// Reads a policy file and the keys that it names, relative to its own folder:
    ///
    /// ```json
    /// {
    ///   "default": "accept",
    ///   "prefixes": {
    ///     "registry.example/shop": {"signed-by": ["keys/release.pub"]},
    ///     "registry.example/old": "reject"
    ///   }
    /// }
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` that names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let source = path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|error| Error::invalid(format!("the trust policy {source} cannot be read: {error}")))?;
        let file: File = serde_json::from_slice(&text)
            .map_err(|error| Error::invalid(format!("the trust policy {source} is not valid: {error}")))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut prefixes = Vec::new();
        for (prefix, written) in file.prefixes {
            prefixes.push((prefix, requirement(written, folder)?));
        }
        Ok(Self { source, default: requirement(file.default, folder)?, prefixes })
    }

    /// The file's path.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// What images of a repository need, with the prefix that says so: the longest that covers it.
    pub(super) fn requirement(&self, repository: &str) -> (&str, &Requirement) {
        let covering = self.prefixes.iter().filter(|(prefix, _)| prefix::covers(prefix, repository));
        match covering.max_by_key(|(prefix, _)| prefix.len()) {
            Some((prefix, requirement)) => (prefix, requirement),
            None => ("every image", &self.default),
        }
    }
}

fn requirement(written: Written, folder: &Path) -> Result<Requirement> {
    Ok(match written {
        Written::Accept => Requirement::Accept,
        Written::Reject => Requirement::Reject,
        Written::SignedBy(paths) if paths.is_empty() => {
            return Err(Error::invalid("a trust policy's \"signed-by\" must name at least one key"));
        }
        Written::SignedBy(paths) => Requirement::Signed(
            paths.iter().map(|path| Key::read(&folder.join(path))).collect::<Result<_>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Policy> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        std::fs::write(&path, text).unwrap();
        Policy::read(&path)
    }

    #[test]
    fn the_longest_prefix_decides() {
        let policy = read(
            r#"{"default":"reject","prefixes":{"a.example":"accept","a.example/b":"reject",
                "a.example/b/c":"accept"}}"#,
        )
        .unwrap();
        let accepts = |name: &str| matches!(policy.requirement(name).1, Requirement::Accept);
        assert!(accepts("a.example/x"));
        assert!(!accepts("a.example/b"));
        assert!(!accepts("a.example/b/x"));
        assert!(accepts("a.example/b/c/d"));
        assert!(accepts("a.example/bb"));
        assert!(!accepts("other.example/x"));
    }

    #[test]
    fn a_policy_that_cannot_be_kept_is_refused() {
        assert!(read("{").is_err());
        assert!(read(r#"{"prefixes":{"a":{"signed-by":[]}}}"#).is_err());
        assert!(read(r#"{"prefixes":{"a":{"signed-by":["missing.pub"]}}}"#).is_err());
        assert!(read(r#"{"prefixs":{}}"#).is_err());
    }
}
