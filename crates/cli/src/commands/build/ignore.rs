//! `.dockerignore`: which files of a folder stay at home.

/// The patterns of a file, in order; the last one that matches decides.
#[derive(Debug, Default, Clone)]
pub(super) struct Ignore {
    rules: Vec<(String, bool)>,
}

impl Ignore {
    /// Reads the file's text. Lines that begin with `#` say nothing; `!` takes back in.
    pub(super) fn parse(text: &str) -> Self {
        let rules =
            text.trim_start_matches('\u{feff}').lines().filter(|line| !line.starts_with('#')).filter_map(
                |line| {
                    let line = line.trim();
                    let (exception, pattern) =
                        line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
                    let clean = clean(pattern);
                    (!clean.is_empty()).then_some((clean, exception))
                },
            );
        Self { rules: rules.collect() }
    }

    /// Adds a path that comes along whatever the others say.
    pub(super) fn except(&mut self, path: &str) {
        self.rules.push((escape(&clean(path)), true));
    }

    /// Whether a path (relative, with slashes) stays at home: it or a folder above it is matched.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
        let above: Vec<&str> = above.collect();
        let decided =
            self.rules.iter().rev().find(|(pattern, _)| above.iter().any(|path| matches(pattern, path)));
        decided.is_some_and(|(_, exception)| !exception)
    }

    /// Whether something below an excluded folder may come along all the same.
    pub(super) fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|(_, exception)| *exception)
    }
}

fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn escape(path: &str) -> String {
    let mut out = String::new();
    for character in path.chars() {
        if "*?[\\".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Go's `filepath.Match` with `**`, which matches any number of folders.
fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let path: Vec<char> = path.chars().collect();
    at(&pattern, &path)
}

fn at(pattern: &[char], path: &[char]) -> bool {
    match pattern {
        [] => path.is_empty(),
        ['*', '*', rest @ ..] => {
            let rest = rest.strip_prefix(&['/']).unwrap_or(rest);
            rest.is_empty() || (0..=path.len()).any(|skip| at(rest, &path[skip..]))
        }
        ['*', rest @ ..] => {
            let most = path.iter().position(|character| *character == '/').unwrap_or(path.len());
            (0..=most).any(|skip| at(rest, &path[skip..]))
        }
        ['?', rest @ ..] => path.first().is_some_and(|character| *character != '/') && at(rest, &path[1..]),
        ['[', rest @ ..] => class(rest, path),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            path.first() == Some(literal) && at(rest, &path[1..])
        }
    }
}

/// `[a-z]`, `[^a]`.
fn class(pattern: &[char], path: &[char]) -> bool {
    let Some(end) = pattern.iter().position(|character| *character == ']') else { return false };
    let Some(character) = path.first().filter(|character| **character != '/') else { return false };
    let (negated, set) = match &pattern[..end] {
        ['^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    let mut rest = set;
    while let [first, tail @ ..] = rest {
        match tail {
            ['-', last, tail @ ..] => {
                found |= (first..=last).contains(&character);
                rest = tail;
            }
            _ => {
                found |= first == character;
                rest = tail;
            }
        }
    }
    found != negated && at(&pattern[end + 1..], &path[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_decides() {
        let ignore = Ignore::parse(
            "# comment\n*.log\n**/node_modules\n/build/\n!build/keep\ndocs/*.md\n!docs/read*\n\\#odd\n",
        );
        for (path, excluded) in [
            ("a.log", true),
            ("sub/a.log", false),
            ("node_modules", true),
            ("x/y/node_modules/z", true),
            ("build/a/b", true),
            ("build/keep", false),
            ("build/keep/x", false),
            ("docs/a.md", true),
            ("docs/readme.md", false),
            ("docs/sub/a.md", false),
            ("#odd", true),
        ] {
            assert_eq!(ignore.excludes(path), excluded, "{path}");
        }
        let mut all = Ignore::parse("*\n");
        all.except("sub/Dockerfile");
        assert!(all.excludes("x") && !all.excludes("sub/Dockerfile") && all.has_exceptions());
    }

    #[test]
    fn patterns_are_gos() {
        for (pattern, path, expected) in [
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("**/*.go", "a/b/c.go", true),
            ("**/*.go", "c.go", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**", "a/x", true),
            ("*", "a/b", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
