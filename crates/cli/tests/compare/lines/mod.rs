//! The command lines. Single quotes keep blanks together; `what is typed|line` answers a question.

mod changes;
mod lists;
mod local;
mod objects;
mod templates;

pub(crate) use changes::CHANGES;
pub(crate) use lists::{CONFIGURED, LISTS};
pub(crate) use local::{ACCOUNTS, CONTEXTS, HELP};
pub(crate) use objects::{INSPECT, SYSTEM};
pub(crate) use templates::TEMPLATES;

use super::Line;

/// A line that nothing is typed for.
const fn line(words: &'static str) -> Line {
    Line { words, input: "", environment: &[] }
}

/// A line that asks.
const fn typed(input: &'static str, words: &'static str) -> Line {
    Line { words, input, environment: &[] }
}

/// A line in another environment.
const fn with(environment: &'static [(&'static str, &'static str)], words: &'static str) -> Line {
    Line { words, input: "", environment }
}
