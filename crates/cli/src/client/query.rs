//! Query strings, encoded as Go's `url.Values.Encode` does: sorted by name.

use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::Query;

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
