//! `X-Sampan-Environment`: what the environment of whoever calls says about clouds.

use super::Call;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::HeaderMap;
use sampan_error::{Error, Result};
use std::collections::BTreeMap;

/// The header: a JSON object of variables in URL-safe base64.
const HEADER: &str = "X-Sampan-Environment";

/// How the names of variables begin that are taken from a caller.
const PREFIXES: [&str; 6] = ["AWS_", "AZURE_", "GOOGLE_", "ALIBABA_CLOUD_", "KUBECONFIG", "SAMPAN_REGISTRY_"];

/// The variables that came with a call; none when it has no such header. They hold secrets: they are for this call only,
/// and never stored nor logged.
///
/// # Errors
/// The header cannot be read. The error says nothing of what it holds.
pub(crate) fn environment<E>(call: &Call<E>) -> Result<BTreeMap<String, String>> {
    decoded(&call.headers)
}

fn decoded(headers: &HeaderMap) -> Result<BTreeMap<String, String>> {
    let Some(value) = headers.get(HEADER).filter(|value| !value.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    let bad = || Error::invalid(format!("invalid {HEADER} header: it is a JSON object of strings in base64"));
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&URL_SAFE, config).decode(value).map_err(|_| bad())?;
    let mut variables: BTreeMap<String, String> = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    variables.retain(|name, _| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<BTreeMap<String, String>> {
        decoded(&HeaderMap::from_iter([(HEADER.parse().expect("a name"), text.parse().expect("a value"))]))
    }

    #[test]
    fn only_what_is_about_clouds_is_taken_and_errors_tell_nothing() {
        assert!(decoded(&HeaderMap::new()).expect("none").is_empty());
        let json = br#"{"AWS_REGION":"eu-west-1","PATH":"/evil"}"#;
        let text = base64::engine::general_purpose::URL_SAFE.encode(json);
        let expected = BTreeMap::from([("AWS_REGION".to_owned(), "eu-west-1".to_owned())]);
        assert_eq!(of(&text).expect("read"), expected);
        assert_eq!(of(text.trim_end_matches('=')).expect("read"), expected);
        let text = base64::engine::general_purpose::URL_SAFE.encode(br#"{"AWS_SECRET":["hidden"]}"#);
        assert!(!of(&text).expect_err("no string").to_string().contains("hidden"));
        assert!(of("!").is_err());
    }
}
