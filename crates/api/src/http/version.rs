//! Versions of the API: what we speak, and what the path of a request asks for.

use sampan_error::{Error, Result};
use std::fmt;

/// A version of the API, `1.MINOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u16);

impl Version {
    /// The newest that we speak, and what a path without a version means.
    pub(crate) const NEWEST: Self = Self(51);
    /// The oldest that we speak.
    pub(crate) const OLDEST: Self = Self(24);

    /// The version that a path starts with (`/v1.43/info`), and the rest of the path.
    ///
    /// `None` when the first part is not a version; the sentence of a refusal otherwise, in the words that
    /// clients search for.
    pub(crate) fn split(path: &str) -> Option<(Result<Self>, &str)> {
        let rest = path.strip_prefix("/v")?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (text, rest) = rest.split_at(end);
        let (major, minor) = text.split_once('.')?;
        let (major, minor): (u16, u16) = (number(major)?, number(minor)?);
        let asked = (major, minor);
        let version = if asked < (1, Self::OLDEST.0) {
            Err(Error::invalid(format!(
                "client version {text} is too old. Minimum supported API version is {}, please upgrade your client to a newer version",
                Self::OLDEST
            )))
        } else if asked > (1, Self::NEWEST.0) {
            Err(Error::invalid(format!(
                "client version {text} is too new. Maximum supported API version is {}",
                Self::NEWEST
            )))
        } else {
            Ok(Self(minor))
        };
        Some((version, if rest.is_empty() { "/" } else { rest }))
    }
}

fn number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u16::MAX))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_taken_off_the_path() {
        let (version, rest) = Version::split("/v1.43/containers/json").expect("a version");
        assert_eq!((version.expect("spoken"), rest), (Version(43), "/containers/json"));
        assert!(Version::split("/volumes").is_none());
        assert!(Version::split("/vx.1/info").is_none());
        assert!(Version::split("/containers/json").is_none());
    }

    #[test]
    fn rule_2_too_old_and_too_new_are_refused_in_the_words_that_clients_parse() {
        let refusal = |path| Version::split(path).expect("a version").0.expect_err("refused").to_string();
        assert_eq!(
            refusal("/v1.23/info"),
            "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version"
        );
        assert_eq!(
            refusal("/v1.99/info"),
            "client version 1.99 is too new. Maximum supported API version is 1.51"
        );
        assert!(refusal("/v2.0/info").contains("too new"));
    }
}
