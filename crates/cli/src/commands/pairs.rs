//! `key=value` texts of flags: labels and driver options.

use std::collections::BTreeMap;

/// Checks a label: its name must not be empty.
pub(crate) fn label(text: &str) -> Result<String, String> {
    let name = text.split('=').next().unwrap_or_default();
    if name.trim().is_empty() { Err(format!("invalid label '{text}': empty name")) } else { Ok(text.into()) }
}

/// Puts `key=value` into a map; a later one replaces it, and a missing value is empty.
///
/// # Errors
/// None: the type is that of a flag's setter.
#[expect(clippy::unnecessary_wraps, reason = "a flag's setter")]
pub(crate) fn map_entry(map: &mut BTreeMap<String, String>, text: &str) -> Result<(), String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    map.insert(key.into(), value.into());
    Ok(())
}

/// The pairs as a map, the last of equal names counting.
pub(crate) fn to_map(pairs: &[String]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}
