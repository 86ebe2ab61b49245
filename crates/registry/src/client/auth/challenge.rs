//! `WWW-Authenticate`: what a registry wants to see (RFC 9110, 11.6.1; the distribution project's token
//! specification).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token from another server.
    Bearer {
        /// That server's address.
        realm: String,
        /// Who the token is for.
        service: String,
        /// What the registry thinks the request needs.
        scope: String,
    },
}

impl Challenge {
    /// The challenge to be met: a token where one is offered.
    pub(super) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let all: Vec<Self> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| Self::parse(value.to_str().ok()?))
            .collect();
        let bearer = all.iter().find(|challenge| matches!(challenge, Self::Bearer { .. })).cloned();
        bearer.or_else(|| all.into_iter().next())
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (String::new(), String::new(), String::new());
        let mut left = rest.trim_start();
        while let Some((name, value, rest)) = parameter(left) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = value,
                "service" => service = value,
                "scope" => scope = value,
                _ => {}
            }
            left = rest;
        }
        (!realm.is_empty()).then_some(Self::Bearer { realm, service, scope })
    }
}

/// The first `name=value` or `name="value"`, and what comes after it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start_matches([' ', ',', '\t']);
    let (name, rest) = text.split_once('=')?;
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        return Some((name.trim(), rest[..end].to_owned(), &rest[end..]));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name.trim(), value, &quoted[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_as_registries_write_it() {
        let bearer = |realm: &str, service: &str, scope: &str| Challenge::Bearer {
            realm: realm.into(),
            service: service.into(),
            scope: scope.into(),
        };
        let text = r#"Bearer realm="https://a.example/t",service="r, s",scope="repository:x:pull,push""#;
        assert_eq!(
            Challenge::parse(text).unwrap(),
            bearer("https://a.example/t", "r, s", "repository:x:pull,push")
        );
        assert_eq!(
            Challenge::parse("bearer realm=https://a , service=b").unwrap(),
            bearer("https://a", "b", "")
        );
        assert_eq!(Challenge::parse(r#"Bearer realm="a\"b""#).unwrap(), bearer("a\"b", "", ""));
        assert_eq!(Challenge::parse(r#"Basic realm="x""#).unwrap(), Challenge::Basic);
        assert_eq!(Challenge::parse("BASIC").unwrap(), Challenge::Basic);
        for nothing in ["", "Negotiate abc", "Bearer", r#"Bearer service="x""#, r#"Bearer realm="x"#] {
            assert_eq!(Challenge::parse(nothing), None, "{nothing}");
        }
    }
}
