//! The command line: flags with or without values, in the forms that Go's programs accept.

/// A flag that a command knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    name: &'static str,
    short: Option<char>,
    takes_value: bool,
}

impl Flag {
    /// A flag without a value.
    pub(crate) const fn switch(name: &'static str) -> Self {
        Self { name, short: None, takes_value: false }
    }

    /// A flag with a value.
    pub(crate) const fn value(name: &'static str) -> Self {
        Self { name, short: None, takes_value: true }
    }

    /// Adds a one-letter form.
    pub(crate) const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    fn is(self, given: &str) -> bool {
        self.name == given || self.short.is_some_and(|letter| given.chars().eq([letter]))
    }
}

/// The flags that were given.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    given: Vec<(&'static str, String)>,
}

impl Arguments {
    /// Parses flags up to the first argument that is none; what remains is returned as it is.
    pub(crate) fn parse<'a>(known: &[Flag], given: &'a [String]) -> Result<(Self, &'a [String]), String> {
        let mut found = Self::default();
        let mut rest = given;
        while let Some((first, more)) = rest.split_first() {
            if first == "--" {
                return Ok((found, more));
            }
            let Some(text) = first.strip_prefix("--").or_else(|| first.strip_prefix('-')) else { break };
            if text.is_empty() {
                break;
            }
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            let flag = known
                .iter()
                .find(|flag| flag.is(name))
                .ok_or_else(|| format!("flag provided but not defined: -{name}"))?;
            rest = more;
            let value = match (flag.takes_value, inline) {
                (_, Some(value)) => value,
                (false, None) => "true".to_owned(),
                (true, None) => {
                    let (value, more) =
                        rest.split_first().ok_or_else(|| format!("flag needs an argument: -{name}"))?;
                    rest = more;
                    value.clone()
                }
            };
            found.given.push((flag.name, value));
        }
        Ok((found, rest))
    }

    /// As [`Arguments::parse`], with flags also after the first plain argument (`delete ID --force`).
    pub(crate) fn parse_mixed(known: &[Flag], given: &[String]) -> Result<(Self, Vec<String>), String> {
        let mut all = Self::default();
        let mut plain = Vec::new();
        let mut rest = given;
        loop {
            let (found, remaining) = Self::parse(known, rest)?;
            all.given.extend(found.given);
            let Some((first, more)) = remaining.split_first() else { return Ok((all, plain)) };
            plain.push(first.clone());
            rest = more;
        }
    }

    /// The last value of a flag.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a flag.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !matches!(value, "false" | "0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_accepted() {
        let known = [Flag::value("bundle").short('b'), Flag::switch("force").short('f')];
        let given: Vec<String> =
            ["-b", "/x", "--force", "id", "--other"].iter().map(ToString::to_string).collect();
        let (found, rest) = Arguments::parse(&known, &given).unwrap();
        assert_eq!((found.value("bundle"), found.has("force")), (Some("/x"), true));
        assert_eq!(rest, ["id", "--other"]);
        assert!(Arguments::parse_mixed(&known, &given).is_err());
        let (found, plain) = Arguments::parse_mixed(&known, &["id".into(), "-f=false".into()]).unwrap();
        assert!(!found.has("force"));
        assert_eq!(plain, ["id"]);
    }
}
