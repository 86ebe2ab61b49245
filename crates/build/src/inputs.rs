//! What a step depends on: its number in the cache, and the answer to why it was not found there.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// So many names are told.
const TOLD: usize = 5;

/// Files by their paths, each with some digits of its number.
pub(crate) type Listing = BTreeMap<String, String>;

/// Everything that a step depends on, by what it is called to users.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    by_name: BTreeMap<String, Value>,
    /// The files behind one of them, when they are not too many. They are part of that one's number already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<Listing>,
}

impl Inputs {
    /// Of these values.
    pub(crate) fn of<const N: usize>(pairs: [(&str, Value); N]) -> Self {
        let by_name = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { by_name, files: None }
    }

    /// The same with more.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.by_name.insert(name.to_owned(), value);
        self
    }

    /// The number that stands for all of them.
    pub(crate) fn key(&self) -> String {
        let text = serde_json::to_string(&self.by_name).unwrap_or_default();
        hex::encode(Sha256::digest(text))
    }

    /// What is another thing than it was, as a sentence's end.
    pub(crate) fn difference(&self, before: &Self) -> String {
        let names = self.by_name.keys().chain(before.by_name.keys());
        let mut changed: Vec<&str> = names
            .filter(|name| self.by_name.get(*name) != before.by_name.get(*name))
            .map(String::as_str)
            .collect();
        changed.sort_unstable();
        changed.dedup();
        let mut text = changed.join(", ");
        if let (Some(now), Some(then)) = (&self.files, &before.files) {
            let files = files(now, then);
            if !files.is_empty() {
                text.push_str(&format!(" ({files})"));
            }
        }
        text
    }
}

/// Which files are new, gone or others.
fn files(now: &Listing, then: &Listing) -> String {
    let changed = now.iter().filter_map(|(path, digits)| match then.get(path) {
        None => Some(format!("{path} is new")),
        Some(before) if before != digits => Some(format!("{path} changed")),
        Some(_) => None,
    });
    let gone = then.keys().filter(|path| !now.contains_key(*path)).map(|path| format!("{path} is gone"));
    let all: Vec<String> = changed.chain(gone).collect();
    let mut text = all.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > TOLD {
        text.push_str(&format!(" and {} more", all.len() - TOLD));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_named() {
        let of = |command: &str, files: &[(&str, &str)]| {
            let listing =
                files.iter().map(|(path, digits)| ((*path).to_owned(), (*digits).to_owned())).collect();
            let inputs = Inputs::of([("the command", json!(command)), ("the files", json!(files))]);
            Inputs { files: Some(listing), ..inputs }
        };
        let before = of("a", &[("x", "1"), ("y", "2"), ("z", "3")]);
        assert_eq!(of("b", &[("x", "1"), ("y", "2"), ("z", "3")]).difference(&before), "the command");
        let now = of("a", &[("x", "1"), ("y", "4"), ("n", "5")]);
        assert_eq!(now.difference(&before), "the files (n is new, y changed, z is gone)");
        assert_ne!(now.key(), before.key());
        let listless = Inputs { files: None, ..before.clone() };
        assert_eq!(listless.key(), before.key(), "the listing is no input of its own");
    }
}
