//! Walks the arguments and sets the flags.

use super::FlagSet;
use super::values::quote;

/// What was left after the flags were taken out.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The positional arguments.
    pub(crate) arguments: Vec<String>,
    /// The names of the flags that were given, each once.
    pub(crate) changed: Vec<&'static str>,
    /// `--help` was given.
    pub(crate) help: bool,
}

impl Parsed {
    /// Whether this flag was given on the command line, even if with its default value.
    pub(crate) fn changed(&self, name: &str) -> bool {
        self.changed.contains(&name)
    }
}

/// Why the arguments could not be taken, in pflag's words.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct FlagError(pub(crate) String);

impl FlagSet<'_> {
    /// Sets every flag found in `arguments` and returns the rest.
    ///
    /// With `interspersed` off the first positional argument ends the flags (run, exec, create).
    ///
    /// # Errors
    /// The first argument that is not a known flag or has a value that its flag refuses.
    pub(crate) fn parse(&mut self, arguments: &[String], interspersed: bool) -> Result<Parsed, FlagError> {
        let mut parsed = Parsed::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                parsed.arguments.extend(rest.cloned());
                break;
            }
            if let Some(long) = argument.strip_prefix("--") {
                self.parse_long(argument, long, &mut rest, &mut parsed)?;
            } else if argument.len() > 1 && argument.starts_with('-') {
                self.parse_cluster(&argument[1..], &mut rest, &mut parsed)?;
            } else {
                parsed.arguments.push(argument.clone());
                if !interspersed {
                    parsed.arguments.extend(rest.cloned());
                    break;
                }
            }
        }
        Ok(parsed)
    }

    fn parse_long<'i>(
        &mut self,
        argument: &str,
        long: &str,
        rest: &mut impl Iterator<Item = &'i String>,
        parsed: &mut Parsed,
    ) -> Result<(), FlagError> {
        if long.starts_with(['-', '=']) {
            return Err(FlagError(format!("bad flag syntax: {argument}")));
        }
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let Some(index) = self.named(name) else {
            if name == "help" {
                parsed.help = value.is_none_or(|value| super::values::parse_bool(value).unwrap_or(true));
                return Ok(());
            }
            return Err(FlagError(format!("unknown flag: --{name}")));
        };
        let value = match (value, self.flags[index].bare) {
            (Some(value), _) => value,
            (None, Some(bare)) => bare,
            (None, None) => match rest.next() {
                Some(next) => next,
                None => return Err(FlagError(format!("flag needs an argument: {argument}"))),
            },
        };
        self.set(index, value, parsed)
    }

    /// A cluster of one-letter flags without its dash: `itd`, `p80:80`, `d=false`.
    fn parse_cluster<'i>(
        &mut self,
        cluster: &str,
        rest: &mut impl Iterator<Item = &'i String>,
        parsed: &mut Parsed,
    ) -> Result<(), FlagError> {
        let mut remaining = cluster;
        while let Some(letter) = remaining.chars().next() {
            let after = &remaining[letter.len_utf8()..];
            let Some(index) = self.lettered(letter) else {
                if letter == 'h' {
                    println!("Flag shorthand -h has been deprecated, use --help");
                    parsed.help = true;
                    remaining = after;
                    continue;
                }
                return Err(FlagError(format!("unknown shorthand flag: '{letter}' in -{remaining}")));
            };
            if let Some(value) = after.strip_prefix('=').filter(|value| !value.is_empty()) {
                return self.set(index, value, parsed);
            }
            if let Some(bare) = self.flags[index].bare {
                self.set(index, bare, parsed)?;
                remaining = after;
            } else if !after.is_empty() {
                return self.set(index, after, parsed);
            } else if let Some(next) = rest.next() {
                return self.set(index, next, parsed);
            } else {
                return Err(FlagError(format!("flag needs an argument: '{letter}' in -{remaining}")));
            }
        }
        Ok(())
    }

    fn set(&mut self, index: usize, value: &str, parsed: &mut Parsed) -> Result<(), FlagError> {
        let flag = &mut self.flags[index];
        if let Err(reason) = (flag.set)(value) {
            let names = match flag.shorthand {
                Some(letter) => format!("-{letter}, --{}", flag.name),
                None => format!("--{}", flag.name),
            };
            return Err(FlagError(format!(
                "invalid argument {} for {} flag: {reason}",
                quote(value),
                quote(&names)
            )));
        }
        if flag.name == "help" {
            parsed.help = super::values::parse_bool(value).unwrap_or(true);
        }
        if !flag.changed {
            flag.changed = true;
            parsed.changed.push(flag.name);
        }
        if let Some(advice) = flag.deprecated {
            println!("Flag --{} has been deprecated, {advice}", flag.name);
        }
        Ok(())
    }
}
