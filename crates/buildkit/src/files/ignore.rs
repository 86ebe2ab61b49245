//! `.dockerignore`, as patterns for the client: it leaves the files out itself.

/// The patterns of a file, each clean and relative, as `moby/patternmatcher` reads them.
pub(crate) fn patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .filter_map(|line| match line.strip_prefix('!') {
            Some(rest) => Some(format!("!{}", clean(rest.trim())?)),
            None => clean(line),
        })
        .collect()
}

/// A path without `.`, `..` and doubled slashes; `None` when nothing is left.
fn clean(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if path.starts_with('/') => {}
            other => parts.push(other),
        }
    }
    let clean = parts.join("/");
    match clean.as_str() {
        "" if path.starts_with('/') => None,
        "" => Some(".".to_owned()),
        _ => Some(clean),
    }
}

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn lines_become_patterns() {
        let text = "\u{feff}# a comment\n  *.md \n\n!README.md\n/build/\n./a/../b//c\n! x\n#\n..\n";
        assert_eq!(patterns(text), ["*.md", "!README.md", "build", "b/c", "!x", ".."]);
    }
}
