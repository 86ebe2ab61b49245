//! `.dockerignore`, and the patterns of `COPY --exclude`: which files are left out.
//!
//! The rules are those of Docker's documentation ("Build context", ".dockerignore files") and of the library that both
//! Docker and BuildKit use, `moby/patternmatcher`: Go's `filepath.Match` with `**`, a pattern that begins with `!` takes
//! back in, and the last one that matches a file or a folder above it decides.

mod pattern;

pub use pattern::matches;

/// Patterns, in order; the last one that matches decides.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: String,
    exception: bool,
}

impl Ignore {
    /// Reads the text of a file. Lines that begin with `#` say nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines();
        Self::of(lines.filter(|line| !line.starts_with('#')))
    }

    /// These patterns.
    pub fn of<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let rules = patterns.filter_map(|line| {
            let line = line.trim();
            let (exception, pattern) =
                line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let pattern = clean(pattern);
            (!pattern.is_empty()).then_some(Rule { pattern, exception })
        });
        Self { rules: rules.collect() }
    }

    /// Adds a path that comes along whatever the others say.
    pub fn except(&mut self, path: &str) {
        self.rules.push(Rule { pattern: escape(&clean(path)), exception: true });
    }

    /// Whether a path (relative, with slashes) is left out: it or a folder above it is matched.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
        let above: Vec<&str> = above.collect();
        let decided = self.rules.iter().rev().find(|rule| above.iter().any(|it| matches(&rule.pattern, it)));
        decided.is_some_and(|rule| !rule.exception)
    }

    /// Whether something below an excluded folder may come along all the same.
    #[must_use]
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.exception)
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The patterns, clean, as others read them.
    #[must_use]
    pub fn patterns(&self) -> Vec<String> {
        let shown = |rule: &Rule| format!("{}{}", if rule.exception { "!" } else { "" }, rule.pattern);
        self.rules.iter().map(shown).collect()
    }
}

/// A path without `.`, `..` and doubled slashes. It cannot rise above the folder.
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
    fn patterns_are_clean() {
        let text = "\u{feff}# a comment\n  *.md \n\n!README.md\n/build/\n./a/../b//c\n! x\n#\n.\n";
        assert_eq!(Ignore::parse(text).patterns(), ["*.md", "!README.md", "build", "b/c", "!x"]);
    }
}
