//! Query parameters and forms, read with Docker's leniency.

use sampan_error::{Error, Result};

/// Parameters in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Parameters of a query (`a=1&b=two%20words`). What cannot be decoded is left as it is.
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name, true), decode(value, true))
            })
            .collect();
        Self { pairs }
    }

    /// The first value of a parameter, `""` when it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.given(name).unwrap_or_default()
    }

    /// The first value of a parameter.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A value that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `""`, `0`, `no`, `false` and `none` are false, all else is true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        let value = self.get(name).trim().to_ascii_lowercase();
        !matches!(value.as_str(), "" | "0" | "no" | "false" | "none")
    }

    /// The same, with another value for an absent parameter.
    pub(crate) fn flag_or(&self, name: &str, absent: bool) -> bool {
        if self.given(name).is_some() { self.flag(name) } else { absent }
    }

    /// A whole number; `None` when the parameter is absent or empty.
    ///
    /// # Errors
    /// It is not a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Error::invalid(format!("bad parameter {name}: {text:?} is not a number"))),
        }
    }
}

/// Decodes `%41`, and `+` as a space where it means one.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (bytes[at], hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) if plus_is_space => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8(decoded).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_11_booleans() {
        let form = Form::parse("a=&b=0&c=no&d=false&e=none&f=1&g=True&h=yes&i=2&j&k=FALSE");
        for name in ["a", "b", "c", "d", "e", "j", "k", "absent"] {
            assert!(!form.flag(name), "{name}");
        }
        for name in ["f", "g", "h", "i"] {
            assert!(form.flag(name), "{name}");
        }
    }

    #[test]
    fn values_are_decoded() {
        let form = Form::parse("path=%2Fetc%2Fhosts&note=a+b%zz&x=1&x=2");
        assert_eq!(form.get("path"), "/etc/hosts");
        assert_eq!(form.get("note"), "a b%zz");
        assert_eq!(form.all("x").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(decode("a+b", false), "a+b");
        assert!(form.number("path").is_err());
        assert_eq!(form.number("x").expect("a number"), Some(1));
    }
}
