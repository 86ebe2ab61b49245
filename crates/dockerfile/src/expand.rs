//! Variables in a word: `$name`, `${name}`, and all of its modifiers; quotes and escapes are removed.

use globset::{GlobBuilder, GlobMatcher};

/// Replaces variables by what `value` knows of them, and removes quotes and escapes. Unknown ones are empty.
///
/// # Errors
/// A modifier that says that the variable is needed (`${x:?message}`); one that is unknown or has no end; an open quote.
pub fn expand(word: &str, escape: char, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut reader = Reader { rest: word.chars().peekable(), escape, value };
    reader.until(None)
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    escape: char,
    value: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    /// Reads up to an unquoted `end`, or to the end of the text.
    fn until(&mut self, end: Option<char>) -> Result<String, String> {
        let mut out = String::new();
        while let Some(character) = self.rest.next() {
            match character {
                _ if Some(character) == end => return Ok(out),
                '\'' => self.single_quoted(&mut out)?,
                '"' => self.double_quoted(&mut out)?,
                '$' => out.push_str(&self.variable()?),
                _ if character == self.escape => out.extend(self.rest.next()),
                _ => out.push(character),
            }
        }
        match end {
            Some(_) => Err("syntax error: missing '}'".to_owned()),
            None => Ok(out),
        }
    }

    fn single_quoted(&mut self, out: &mut String) -> Result<(), String> {
        for character in self.rest.by_ref() {
            if character == '\'' {
                return Ok(());
            }
            out.push(character);
        }
        Err("unexpected end of statement while looking for matching single-quote".to_owned())
    }

    fn double_quoted(&mut self, out: &mut String) -> Result<(), String> {
        while let Some(character) = self.rest.next() {
            match character {
                '"' => return Ok(()),
                '$' => out.push_str(&self.variable()?),
                _ if character == self.escape => match self.rest.peek() {
                    Some(next) if *next == '"' || *next == '$' || *next == self.escape => {
                        out.extend(self.rest.next());
                    }
                    _ => out.push(character),
                },
                _ => out.push(character),
            }
        }
        Err("unexpected end of statement while looking for matching double-quote".to_owned())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(character) = self.rest.peek().copied() {
            let first = name.is_empty();
            if !(character == '_' || character.is_ascii_alphabetic() || !first && character.is_ascii_digit())
            {
                // `$1` and the like are single characters.
                if first && (character.is_ascii_digit() || "@*#?-!".contains(character)) {
                    name.extend(self.rest.next());
                }
                break;
            }
            name.push(character);
            self.rest.next();
        }
        name
    }

    fn variable(&mut self) -> Result<String, String> {
        if self.rest.peek() != Some(&'{') {
            let name = self.name();
            return Ok(if name.is_empty() {
                "$".to_owned()
            } else {
                (self.value)(&name).unwrap_or_default()
            });
        }
        self.rest.next();
        let name = self.name();
        if name.is_empty() {
            return Err("syntax error: bad substitution".to_owned());
        }
        let value = (self.value)(&name);
        match self.rest.next() {
            Some('}') => Ok(value.unwrap_or_default()),
            Some(':') => {
                let modifier = self.rest.next();
                let word = self.until(Some('}'))?;
                modified(modifier, &name, value.filter(|value| !value.is_empty()), word)
            }
            Some(modifier @ ('-' | '+' | '?')) => {
                let word = self.until(Some('}'))?;
                modified(Some(modifier), &name, value, word)
            }
            Some(modifier @ ('#' | '%')) => {
                let longest = self.rest.next_if_eq(&modifier).is_some();
                let pattern = self.until(Some('}'))?;
                Ok(trimmed(&value.unwrap_or_default(), &pattern, modifier == '#', longest))
            }
            Some('/') => {
                let all = self.rest.next_if_eq(&'/').is_some();
                let pattern = self.pattern()?;
                let replacement = self.until(Some('}'))?;
                Ok(replaced(&value.unwrap_or_default(), &pattern, &replacement, all))
            }
            Some(other) => Err(format!("unsupported modifier ({other}) in substitution")),
            None => Err("syntax error: missing '}'".to_owned()),
        }
    }

    /// A pattern up to the slash before its replacement.
    fn pattern(&mut self) -> Result<String, String> {
        let mut pattern = String::new();
        while let Some(character) = self.rest.next() {
            match character {
                '/' => return Ok(pattern),
                _ if character == self.escape => pattern.extend(self.rest.next()),
                '$' => pattern.push_str(&self.variable()?),
                _ => pattern.push(character),
            }
        }
        Err("syntax error: missing '/' in ${}".to_owned())
    }
}

fn modified(
    modifier: Option<char>,
    name: &str,
    value: Option<String>,
    word: String,
) -> Result<String, String> {
    match modifier {
        Some('-') => Ok(value.unwrap_or(word)),
        Some('+') => Ok(if value.is_some() { word } else { String::new() }),
        Some('?') => value.ok_or_else(|| {
            let message = if word.is_empty() { "is not allowed to be unset".to_owned() } else { word };
            format!("{name}: {message}")
        }),
        other => Err(format!(
            "unsupported modifier ({}) in substitution",
            other.map(String::from).unwrap_or_default()
        )),
    }
}

fn matcher(pattern: &str) -> Option<GlobMatcher> {
    GlobBuilder::new(pattern).literal_separator(false).build().ok().map(|glob| glob.compile_matcher())
}

/// Byte offsets at which a text can be cut.
fn cuts(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
}

fn trimmed(text: &str, pattern: &str, front: bool, longest: bool) -> String {
    let Some(matcher) = matcher(pattern) else { return text.to_owned() };
    let mut cuts = cuts(text);
    // From the shortest match to the longest, or the other way round.
    if front == longest {
        cuts.reverse();
    }
    let found = cuts.into_iter().find(|at| matcher.is_match(if front { &text[..*at] } else { &text[*at..] }));
    match found {
        Some(at) if front => text[at..].to_owned(),
        Some(at) => text[..at].to_owned(),
        None => text.to_owned(),
    }
}

fn replaced(text: &str, pattern: &str, replacement: &str, all: bool) -> String {
    let Some(matcher) = matcher(pattern) else { return text.to_owned() };
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let cuts = cuts(rest);
        let matched = cuts.iter().rev().find(|end| **end > 0 && matcher.is_match(&rest[..**end]));
        match matched {
            Some(end) => {
                out.push_str(replacement);
                rest = &rest[*end..];
                if !all {
                    break;
                }
            }
            None => {
                let next = cuts.get(1).copied().unwrap_or(rest.len());
                out.push_str(&rest[..next]);
                rest = &rest[next..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(word: &str) -> Result<String, String> {
        let value = |name: &str| match name {
            "x" => Some("foo.bar.baz".to_owned()),
            "empty" => Some(String::new()),
            _ => None,
        };
        expand(word, '\\', &value)
    }

    #[test]
    fn variables_and_modifiers() {
        for (word, expected) in [
            ("$x", "foo.bar.baz"),
            ("a${x}b", "afoo.bar.bazb"),
            ("$unset.", "."),
            ("$", "$"),
            ("\\$x", "$x"),
            ("'$x'", "$x"),
            ("\"$x y\"", "foo.bar.baz y"),
            ("\"a\\\"b\\c\"", "a\"b\\c"),
            ("${unset:-a b}", "a b"),
            ("${empty:-d}", "d"),
            ("${empty-d}", ""),
            ("${x:+yes}", "yes"),
            ("${empty:+yes}", ""),
            ("${empty+yes}", "yes"),
            ("${unset:-${x}}", "foo.bar.baz"),
            ("${x#*.}", "bar.baz"),
            ("${x##*.}", "baz"),
            ("${x%.*}", "foo.bar"),
            ("${x%%.*}", "foo"),
            ("${x/ba/BA}", "foo.BAr.baz"),
            ("${x//ba?/X}", "foo.X.X"),
            ("${x//./-}", "foo-bar-baz"),
        ] {
            assert_eq!(with(word).as_deref(), Ok(expected), "{word}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (word, said) in [
            ("${unset:?must be set}", "unset: must be set"),
            ("${unset?}", "unset: is not allowed to be unset"),
            ("${x", "missing '}'"),
            ("${x:", "missing '}'"),
            ("${}", "bad substitution"),
            ("${x^^}", "unsupported modifier (^)"),
            ("'x", "single-quote"),
            ("\"x", "double-quote"),
        ] {
            assert!(with(word).is_err_and(|error| error.contains(said)), "{word}: {:?}", with(word));
        }
    }
}
