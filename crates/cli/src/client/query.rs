//! Query strings, encoded as Go's `url.Values.Encode` does: sorted by name.

use std::fmt;

use crate::failure::{Failure, Result};

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// No parameters.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter; the same name may be added several times.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.pairs.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a parameter if the condition holds.
    #[must_use]
    pub(crate) fn with_if(self, condition: bool, name: &str, value: impl Into<String>) -> Self {
        if condition { self.with(name, value) } else { self }
    }

    /// Adds the API's `filters` parameter unless there are none: `{"name":{"value":true}}`.
    #[must_use]
    pub(crate) fn with_filters(self, filters: &[(String, String)]) -> Self {
        if filters.is_empty() {
            return self;
        }
        let mut grouped: std::collections::BTreeMap<&str, std::collections::BTreeMap<&str, bool>> =
            std::collections::BTreeMap::new();
        for (name, value) in filters {
            grouped.entry(name).or_default().insert(value, true);
        }
        let text = serde_json::to_string(&grouped).unwrap_or_default();
        self.with("filters", text)
    }
}

impl fmt::Display for Query {
    /// With the leading `?`, or nothing when there are no parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pairs: Vec<&(String, String)> = self.pairs.iter().collect();
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        for (index, (name, value)) in pairs.into_iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(f, "{separator}{}={}", escape(name), escape(value))?;
        }
        Ok(())
    }
}

/// Escapes one query component: letters, digits and `-_.~` stay, a blank becomes `+`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Escapes a path as Go's `url.URL` does: what may not stand in one, and what would end it.
pub(super) fn escape_path(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => escaped.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// The path of something that the user named: `/containers/web/stop`. The last part may be empty.
///
/// # Errors
/// The name is empty.
pub(crate) fn object_path(kind: &str, name: &str, action: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Failure::message(format!("invalid {kind} name or ID: value is empty")));
    }
    let separator = if action.is_empty() { "" } else { "/" };
    Ok(format!("/{kind}s/{name}{separator}{action}"))
}

/// The path of one of our own routes about a container: `/sampan/containers/web/scale`.
///
/// # Errors
/// The name is empty.
pub(crate) fn own_path(container: &str, action: &str) -> Result<String> {
    Ok(format!("/sampan{}", object_path("container", container, action)?))
}

#[cfg(test)]
mod tests {
    use super::{Query, escape_path, object_path};

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(object_path("container", " web ", "stop").unwrap(), "/containers/web/stop");
        assert_eq!(escape_path("/containers/a b?x=1#\r\n/json"), "/containers/a%20b%3Fx=1%23%0D%0A/json");
        assert!(object_path("container", " ", "stop").is_err());
    }

    #[test]
    fn sorted_and_escaped() {
        let query = Query::new().with("t", "1 0").with("signal", "A/B").with_filters(&[
            (String::from("label"), String::from("a=b")),
            (String::from("label"), String::from("c")),
        ]);
        assert_eq!(
            query.to_string(),
            "?filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%2C%22c%22%3Atrue%7D%7D&signal=A%2FB&t=1+0"
        );
        assert_eq!(Query::new().to_string(), "");
    }
}
