//! Command-line flags with the semantics that scripts written for `docker` rely on (those of Go's pflag).
//!
//! A command binds each flag to a field of its `Args` once; the same declaration drives parsing, the
//! error texts and `--help`. Differences from the usual Rust parsers that matter here: `--flag=false`
//! and `-f=false` for booleans, clusters whose last member takes the rest (`-itd`, `-p80:80`), parsing
//! that ends at the first positional argument where the command says so, and the exact error sentences.

mod parse;
mod quantities;
mod usage;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use parse::{FlagError, Parsed};
pub(crate) use quantities::{parse_duration, parse_size};
pub(crate) use values::{comma_separated, parse_bool, quote};

/// What a flag does with the text it is given; the error is the part after the last colon of
/// `invalid argument "x" for "--flag" flag: `.
pub(crate) type Setter<'a> = Box<dyn FnMut(&str) -> Result<(), String> + 'a>;

/// One flag: its names, its help and the field it writes to.
pub(crate) struct Flag<'a> {
    pub(super) name: &'static str,
    /// A second name that help does not show.
    pub(super) also: Option<&'static str>,
    pub(super) shorthand: Option<char>,
    pub(super) usage: &'static str,
    /// The type's name as help shows it: `string`, `list`, `bool`, `int`, ….
    pub(super) type_name: &'static str,
    /// The default as help shows it; empty when there is nothing to show.
    pub(super) default: String,
    /// The value that the bare flag stands for (`true` for booleans).
    pub(super) bare: Option<&'static str>,
    pub(super) hidden: bool,
    /// Not Docker's: shown apart, and not at all to those who call the program `docker`.
    pub(super) own: bool,
    pub(super) deprecated: Option<&'static str>,
    pub(super) set: Setter<'a>,
    pub(super) changed: bool,
}

impl Flag<'_> {
    /// Keeps the flag out of `--help`.
    pub(crate) fn hidden(&mut self) -> &mut Self {
        self.hidden = true;
        self
    }

    /// Marks a flag that Docker does not have.
    pub(crate) fn own(&mut self) -> &mut Self {
        self.own = true;
        self
    }

    /// Accepts the flag, says on stderr that it is deprecated, and keeps it out of `--help`.
    pub(crate) fn deprecated(&mut self, advice: &'static str) -> &mut Self {
        self.deprecated = Some(advice);
        self.hidden = true;
        self
    }

    /// The default that help shows, where it is not the field's own value.
    pub(crate) fn shown_default(&mut self, default: impl Into<String>) -> &mut Self {
        self.default = default.into();
        self
    }

    /// A second name, which help does not show.
    pub(crate) fn also(&mut self, name: &'static str) -> &mut Self {
        self.also = Some(name);
        self
    }

    /// The flag may stand without a value and then means this one.
    pub(crate) fn bare(&mut self, value: &'static str) -> &mut Self {
        self.bare = Some(value);
        self
    }
}

/// What completion needs to know of a flag.
pub(crate) struct FlagSummary {
    pub(crate) name: &'static str,
    pub(crate) shorthand: Option<char>,
    pub(crate) usage: &'static str,
    /// The next word is its value.
    pub(crate) takes_value: bool,
}

/// The flags of one command, borrowed from the fields they write to.
#[derive(Default)]
pub(crate) struct FlagSet<'a> {
    pub(super) flags: Vec<Flag<'a>>,
}

impl<'a> FlagSet<'a> {
    /// A flag of any type. `shorthand` is one letter or empty.
    pub(crate) fn value(
        &mut self,
        name: &'static str,
        shorthand: &'static str,
        type_name: &'static str,
        usage: &'static str,
        set: impl FnMut(&str) -> Result<(), String> + 'a,
    ) -> &mut Flag<'a> {
        self.flags.push(Flag {
            name,
            also: None,
            shorthand: shorthand.chars().next(),
            usage,
            type_name,
            default: String::new(),
            bare: None,
            hidden: false,
            own: false,
            deprecated: None,
            set: Box::new(set),
            changed: false,
        });
        let last = self.flags.len() - 1;
        &mut self.flags[last]
    }

    /// Shows `--help` among the options, as docker does where `-h` means something else.
    pub(crate) fn help_flag(&mut self) -> &mut Flag<'a> {
        self.value("help", "", "bool", "Print usage", |_| Ok(())).bare("true")
    }

    /// The flags that help shows, by name.
    pub(crate) fn summaries(&self) -> Vec<FlagSummary> {
        let mut summaries: Vec<FlagSummary> = self
            .flags
            .iter()
            .filter(|flag| !flag.hidden)
            .map(|flag| FlagSummary {
                name: flag.name,
                shorthand: flag.shorthand,
                usage: flag.usage,
                takes_value: flag.bare.is_none(),
            })
            .collect();
        summaries.sort_by_key(|summary| summary.name);
        summaries
    }

    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.flags.iter().position(|flag| flag.name == name || flag.also == Some(name))
    }

    pub(super) fn lettered(&self, letter: char) -> Option<usize> {
        self.flags.iter().position(|flag| flag.shorthand == Some(letter))
    }
}
