//! Ids and names.

use std::fmt::Write;

/// 64 random hexadecimal digits.
pub(crate) fn random_id() -> String {
    let bytes: [u8; 32] = rand::random();
    let mut id = String::with_capacity(64);
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    // Twelve digits that are all decimal would make a host name that some programs read as a number.
    if id.as_bytes()[..12].iter().all(u8::is_ascii_digit) { random_id() } else { id }
}

/// Whether a container may be called so (the slash already taken off): `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
pub(crate) fn is_valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > 1
        && bytes[0].is_ascii_alphanumeric()
        && bytes[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}

const MOODS: &[&str] = &[
    "amber", "bold", "brisk", "calm", "candid", "clever", "coastal", "daring", "deft", "eager", "early",
    "fair", "fleet", "fond", "gentle", "glad", "golden", "grand", "hardy", "honest", "jolly", "keen", "kind",
    "light", "lively", "lucid", "lucky", "mellow", "merry", "modest", "nimble", "noble", "patient", "plain",
    "proud", "quick", "quiet", "ready", "robust", "salty", "serene", "sharp", "silent", "silver", "steady",
    "stout", "sunny", "swift", "tidal", "trim", "true", "vivid", "warm", "wise", "witty", "young",
];

const VESSELS: &[&str] = &[
    "ark", "barge", "barque", "brig", "canoe", "caravel", "catboat", "clipper", "cog", "coracle", "corvette",
    "currach", "cutter", "dhow", "dinghy", "dory", "falkusa", "felucca", "ferry", "frigate", "galleon",
    "galley", "gondola", "gulet", "hoy", "hulk", "jangada", "junk", "kayak", "ketch", "knarr", "launch",
    "lighter", "longship", "lugger", "packet", "pinnace", "pirogue", "polacca", "pram", "proa", "punt",
    "raft", "sampan", "schooner", "scow", "shallop", "skiff", "sloop", "smack", "tartane", "tender", "tjalk",
    "trawler", "trireme", "tug", "wherry", "xebec", "yacht", "yawl",
];

/// A made-up name, `mood_vessel`; after a few tries a number is added.
pub(crate) fn made_up_name(attempt: u32) -> String {
    let pick = |words: &[&'static str]| words[rand::random_range(0..words.len())];
    let name = format!("{}_{}", pick(MOODS), pick(VESSELS));
    if attempt < 3 { name } else { format!("{name}{}", rand::random_range(0..10_000_u32)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_64_digits_and_differ() {
        let id = random_id();
        assert_eq!(id.len(), 64);
        assert_ne!(id, random_id());
    }

    #[test]
    fn names_follow_dockers_pattern() {
        for good in ["web", "a1", "My.web-1_x"] {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in ["", "a", "_web", ".web", "web/one", "wéb", "a b"] {
            assert!(!is_valid_name(bad), "{bad}");
        }
        assert!(is_valid_name(&made_up_name(5)));
    }
}
