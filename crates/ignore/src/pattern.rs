//! Go's `filepath.Match` with `**`.

use std::collections::HashSet;

/// Whether a pattern matches a whole path. `**` stands for any number of folders, `*` and `?` never for a slash.
#[must_use]
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    Match { pattern: &pattern, path: &path, failed: HashSet::new() }.from(0, 0)
}

/// One comparison. What failed once is not tried again: no pattern takes longer than its length times the path's.
struct Match<'a> {
    pattern: &'a [char],
    path: &'a [char],
    failed: HashSet<(usize, usize)>,
}

impl Match<'_> {
    fn from(&mut self, at: usize, path: usize) -> bool {
        if self.failed.contains(&(at, path)) {
            return false;
        }
        let found = self.step(at, path);
        if !found {
            self.failed.insert((at, path));
        }
        found
    }

    fn step(&mut self, at: usize, path: usize) -> bool {
        let next = self.path.get(path).copied();
        match &self.pattern[at..] {
            [] => next.is_none(),
            ['*', '*', rest @ ..] => {
                let after = at + 2 + usize::from(rest.first() == Some(&'/'));
                let rest_is_empty = after == self.pattern.len();
                // Whole folders: what follows begins at a name.
                let begins = |at: usize| at == path || self.path.get(at - 1) == Some(&'/');
                let names: Vec<usize> = (path..=self.path.len()).filter(|at| begins(*at)).collect();
                rest_is_empty || names.into_iter().any(|path| self.from(after, path))
            }
            ['*', ..] => {
                let most = self.path[path..].iter().position(|character| *character == '/');
                let most = most.map_or(self.path.len(), |most| path + most);
                (path..=most).any(|path| self.from(at + 1, path))
            }
            ['?', ..] => next.is_some_and(|it| it != '/') && self.from(at + 1, path + 1),
            ['[', rest @ ..] => match class(rest, next) {
                Some(length) => self.from(at + 1 + length, path + 1),
                None => false,
            },
            ['\\', literal, ..] => next == Some(*literal) && self.from(at + 2, path + 1),
            [literal, ..] => next == Some(*literal) && self.from(at + 1, path + 1),
        }
    }
}

/// `a-z]`, `^a]`: how long the class is, when it has the character.
fn class(pattern: &[char], character: Option<char>) -> Option<usize> {
    let end = pattern.iter().position(|character| *character == ']')?;
    let character = character.filter(|character| *character != '/')?;
    let (negated, set) = match &pattern[..end] {
        ['^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    let mut rest = set;
    while let [first, tail @ ..] = rest {
        match tail {
            ['-', last, tail @ ..] => {
                found |= (*first..=*last).contains(&character);
                rest = tail;
            }
            _ => {
                found |= *first == character;
                rest = tail;
            }
        }
    }
    (found != negated).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("**/d", "x/d", true),
            ("**/d", "x/d.md", false),
            ("**/d", "x/ad", false),
            ("a**/d", "ax/d", true),
            ("*", "a/b", false),
            ("\\*", "*", true),
            ("[a", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_forever() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(400)));
        assert!(!matches(&format!("{}b", "**/".repeat(300)), &"a/".repeat(300)));
    }
}
