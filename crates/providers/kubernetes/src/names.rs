//! What a container's things are called in a cluster, and how they are marked.

use serde_json::{Map, Value, json};

/// The label of everything that is ours.
pub(crate) const MANAGED: &str = "sampan.managed";
/// The label with the name that [`object`] makes of the service's: a label's value is short, a container's name may not be.
pub(crate) const SERVICE: &str = "sampan.service";
/// The annotation with the service's whole name.
pub(crate) const NAME: &str = "sampan.name";
/// The annotation with the specification's fingerprint, of a pod template.
pub(crate) const FINGERPRINT: &str = "sampan.fingerprint";
/// The annotation with the image as users write it, of a pod template.
pub(crate) const IMAGE: &str = "sampan.image";
/// The annotation with the number of replicas before a stop.
pub(crate) const STOPPED: &str = "sampan.stopped";
/// Which of a service's things an object is, where a kind holds several: a label.
pub(crate) const ROLE: &str = "sampan.role";

/// FNV-1a, so that two names that look alike once their odd characters are gone stay two.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The name of an object: a label of RFC 1035, which is the narrowest that any kind asks for; at most 50 characters, so that
/// there is room for an ending. A hash is added when that is not all of the name.
pub(crate) fn object(name: &str) -> String {
    const MOST: usize = 50;
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let begins_well = kept.starts_with(|c: char| c.is_ascii_lowercase());
    if kept == name && begins_well && name.len() <= MOST && !name.ends_with('-') {
        return kept;
    }
    let begun = if begins_well { kept } else { format!("c-{kept}") };
    let short: String = begun.chars().take(MOST - 9).collect();
    format!("{}-{:08x}", short.trim_end_matches('-'), hash(name))
}

/// The secret with the environment of one specification. Each has its own, so that going back finds the values of then.
pub(crate) fn environment_secret(name: &str, fingerprint: &str) -> String {
    format!("{}-env-{fingerprint}", object(name))
}

/// The secret with which nodes read the registry.
pub(crate) fn pull_secret(name: &str) -> String {
    format!("{}-pull", object(name))
}

/// The labels of everything of a service.
pub(crate) fn labels(name: &str) -> Map<String, Value> {
    [
        ("app.kubernetes.io/managed-by".to_owned(), json!("sampan")),
        ("app.kubernetes.io/name".to_owned(), json!(object(name))),
        (MANAGED.to_owned(), json!("1")),
        (SERVICE.to_owned(), json!(object(name))),
    ]
    .into_iter()
    .collect()
}

/// The selector of everything of a service.
pub(crate) fn selector(name: &str) -> String {
    format!("{MANAGED}=1,{SERVICE}={}", object(name))
}

/// Whether a text can be the key of an annotation: an optional DNS name with `/`, and a name of at most 63 characters.
pub(crate) fn is_annotation(key: &str) -> bool {
    let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
    let ends = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let name_fits = name.len() <= 63
        && ends(name)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let prefix_fits = !key.contains('/')
        || (ends(prefix)
            && prefix.len() <= 253
            && prefix
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.')));
    name_fits && prefix_fits
}

#[cfg(test)]
mod tests {
    use super::{is_annotation, object};

    #[test]
    fn names_fit_and_stay_apart() {
        assert_eq!(object("web"), "web");
        for (one, other) in [("a.b", "a-b"), ("Web", "web"), ("web_", "web"), ("1web", "web")] {
            assert_ne!(object(one), object(other));
        }
        for name in
            ["1web", "web_", "a-container-with-a-name-that-is-longer-than-any-label-may-be-there", "Ü"]
        {
            let made = object(name);
            assert!(made.len() <= 50 && made.starts_with(|c: char| c.is_ascii_lowercase()), "{made}");
            assert!(made.ends_with(|c: char| c.is_ascii_alphanumeric()), "{made}");
        }
    }

    #[test]
    fn keys_of_annotations() {
        for key in ["a", "com.docker.compose.project", "example.com/a_b"] {
            assert!(is_annotation(key), "{key}");
        }
        for key in ["", "a b", "-a", "a/b/c", "/a", "Example.com/a", &"x".repeat(64)] {
            assert!(!is_annotation(key), "{key}");
        }
    }
}
