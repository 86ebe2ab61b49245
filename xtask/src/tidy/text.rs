//! What no text of the repository may name: files outside the clone, and hosts that packages come from.

use super::tree::File;

/// Words that must not appear, and what to do instead. Written in two halves so that this file is clean.
const FORBIDDEN: [(&str, &str); 9] = [
    (concat!("..", "/shared"), "a path outside the clone means nothing to a reader"),
    (concat!("/work", "/main"), "a path of one machine means nothing on another"),
    (concat!("/work", "/shared"), "a path of one machine means nothing on another"),
    (concat!("crates", ".io"), "packages come from the machine's own cargo configuration"),
    (concat!("static.rust-", "lang.org"), "the toolchain comes from the machine's own rustup"),
    (concat!("deb.", "debian.org"), "read the mirror from the machine's apt configuration"),
    (concat!("snapshot.", "debian.org"), "read the mirror from the machine's apt configuration"),
    (concat!("pypi", ".org"), "packages come from the machine's own pip configuration"),
    (concat!("registry.", "npmjs.org"), "packages come from the machine's own npm configuration"),
];

/// Looks for forbidden words line by line. Cargo's own lock file names its source and is left alone.
pub(crate) fn check(file: &File) -> Vec<String> {
    if file.path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.content.lines()) {
        for (word, reason) in FORBIDDEN {
            if line.contains(word) {
                findings.push(format!("{}:{number}: names {word}: {reason}", file.path));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, content: &str) -> usize {
        check(&File { path: path.into(), content: content.into() }).len()
    }

    #[test]
    fn every_forbidden_word_is_found() {
        for (word, _) in FORBIDDEN {
            assert_eq!(findings("README.md", &format!("see\nthere: {word}/x")), 1, "{word}");
        }
        assert_eq!(findings("README.md", "crates and io"), 0);
        assert_eq!(findings("Cargo.lock", concat!("crates", ".io")), 0);
    }
}
