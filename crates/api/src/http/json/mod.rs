//! JSON as Go's decoder reads it: keys in any case, `null` is the same as absent, unknown keys are passed over.

mod fields;
mod tree;
mod value;

#[cfg(test)]
pub(crate) use fields::names;
use sampan_error::{Error, Result};
use serde::de::DeserializeOwned;
use tree::Tree;
use value::GoValue;

/// Decodes a body of exactly one JSON value.
///
/// # Errors
/// The body is empty, is not JSON, holds more than one value, or has a value of a wrong type.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::invalid("invalid JSON: got EOF while reading request body"));
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Tree>();
    let value = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) => return Err(Error::invalid(format!("invalid JSON: {error}"))),
        None => return Err(Error::invalid("invalid JSON: got EOF while reading request body")),
    };
    if bytes[values.byte_offset()..].iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(Error::invalid("unexpected content after JSON"));
    }
    T::deserialize(GoValue(value)).map_err(|error| Error::invalid(format!("invalid JSON: {error}")))
}

/// Decodes a value that was read already.
///
/// # Errors
/// As [`decode`].
#[cfg(test)]
pub(crate) fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    decode(value.to_string().as_bytes())
}

/// The same for a body that may be empty, which is the same as `{}`.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_optional<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T> {
    if bytes.iter().all(u8::is_ascii_whitespace) { Ok(T::default()) } else { decode(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Outer {
        tty: bool,
        memory: i64,
        swappiness: Option<i64>,
        cmd: Option<Vec<String>>,
        labels: BTreeMap<String, String>,
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Inner {
        name: String,
    }

    #[test]
    fn keys_match_in_any_case_and_null_is_absent() {
        let outer: Outer = decode(
            br#"{"tTy":true,"MEMORY":7,"Swappiness":null,"cmd":["a",null],"labels":{"Tty":"x"},"INNER":{"nAME":"n"},"other":[1]}"#,
        )
        .expect("decoded");
        assert!(outer.tty);
        assert_eq!((outer.memory, outer.swappiness), (7, None));
        assert_eq!(outer.cmd, Some(vec!["a".into(), String::new()]));
        assert_eq!(outer.labels["Tty"], "x");
        assert_eq!(outer.inner.name, "n");
        assert_eq!(decode::<Outer>(b"null").expect("null"), Outer::default());
        assert_eq!(
            decode::<Outer>(br#"{"Inner":null,"Labels":null,"Tty":null}"#).expect("nulls"),
            Outer::default()
        );
        assert_eq!(decode::<Outer>(br#"{"memory":1,"Memory":2}"#).expect("twice").memory, 2);
    }

    #[test]
    fn a_wrong_type_is_refused_and_its_field_named() {
        let refusal = |body: &str| decode::<Outer>(body.as_bytes()).expect_err("refused").to_string();
        assert!(refusal(r#"{"Memory":"7"}"#).contains("Memory"));
        assert!(refusal(r#"{"Memory":1.5}"#).contains("Memory"));
        assert!(refusal(r#"{"Tty":1}"#).contains("Tty"));
        assert!(refusal(r#"{"Inner":{"Name":5}}"#).contains("Inner.Name"));
        assert!(refusal("[]").contains("invalid"));
    }

    #[test]
    fn rule_11_an_empty_body_is_fine_where_it_may_be_and_trailing_json_is_not() {
        assert_eq!(decode_optional::<Outer>(b" \n").expect("empty"), Outer::default());
        assert_eq!(
            decode::<Outer>(b"{} {}").expect_err("trailing").to_string(),
            "unexpected content after JSON"
        );
        assert!(decode::<Outer>(b"{} \n").is_ok());
        assert!(decode::<Outer>(b"").is_err());
        assert!(decode::<Outer>(b"{\"a\"").is_err());
    }
}
