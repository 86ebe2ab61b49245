//! Names that say nothing about what a file holds.

/// Names that a file or folder must not have, without their ending.
const FORBIDDEN: [&str; 7] = ["common", "helper", "helpers", "misc", "miscellaneous", "util", "utils"];

/// Looks at each part of a path.
pub(crate) fn check(path: &str) -> Option<String> {
    let part = path.split('/').find(|part| FORBIDDEN.contains(&part.split('.').next().unwrap_or(part)))?;
    Some(format!("{path}: {part} says nothing: name it after what it holds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_found_anywhere_in_the_path() {
        assert!(check("crates/engine/src/utils.rs").is_some());
        assert!(check("crates/engine/src/helpers/mod.rs").is_some());
        assert!(check("tests/common").is_some());
        assert!(check("crates/engine/src/commons_of_memory.rs").is_none());
    }
}
