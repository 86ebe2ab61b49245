//! Every setting of the tests is described in one place.

use super::tree::File;

/// The place.
pub(crate) const PLACE: &str = "docs/testing.md";

/// What the name of such a setting starts with. In two halves, so that this file names none.
const PREFIX: &str = concat!("SAMPAN", "_TEST_");

/// Looks for settings in all files and expects each in the text of [`PLACE`].
pub(crate) fn check(files: &[File]) -> Vec<String> {
    let described = files.iter().find(|file| file.path == PLACE).map_or("", |file| &file.content);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != PLACE) {
        for (number, line) in (1..).zip(file.content.lines()) {
            for name in names(line).filter(|name| !described.contains(&format!("`{name}`"))) {
                findings.push(format!("{}:{number}: {name} is not described in {PLACE}", file.path));
            }
        }
    }
    findings
}

fn names(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(PREFIX).filter_map(|(at, _)| {
        let rest = &line[at..];
        let letters = rest.chars().take_while(|letter| letter.is_ascii_uppercase() || *letter == '_').count();
        (letters > PREFIX.len()).then(|| &rest[..letters])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_not_described_is_found() {
        let file = |path: &str, content: String| File { path: path.into(), content };
        let place = file(PLACE, format!("`{PREFIX}ENGINE` chooses"));
        let good = file("tests/a.rs", format!("var(\"{PREFIX}ENGINE\")"));
        let bad = file("tests/b.rs", format!("var(\"{PREFIX}SECRET\") and {PREFIX}* in general"));
        assert_eq!(check(&[place, good, bad]).len(), 1);
    }
}
