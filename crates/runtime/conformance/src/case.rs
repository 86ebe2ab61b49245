//! What a case is.

use serde_json::Value;

use crate::bench::Trial;

/// The outcome of a case: what was found instead.
pub(crate) type Outcome = Result<(), String>;

/// One MUST of the specification.
#[derive(Clone)]
pub(crate) struct Case {
    /// A short name, unique.
    pub(crate) name: String,
    /// Document and section.
    pub(crate) section: &'static str,
    /// What the runtime must do, in our words.
    pub(crate) must: String,
    /// Checks it.
    pub(crate) check: Check,
    /// What the mutated runtime does wrong.
    pub(crate) mutation: Mutation,
    /// Runtimes (part of their version text) that are known not to do it, and why.
    pub(crate) deviations: &'static [(&'static str, &'static str)],
}

/// How a case is checked.
#[derive(Clone)]
pub(crate) enum Check {
    /// A specification and what the probe must report.
    Facts {
        /// Changes the base specification.
        edit: fn(&mut Value),
        /// Judges the report.
        judge: fn(&Value) -> Outcome,
    },
    /// As `Facts`, with one parameter for a family of cases.
    Family { parameter: &'static str, edit: fn(&mut Value, &str), judge: fn(&Value, &str) -> Outcome },
    /// A specification that `create` must refuse, leaving nothing behind.
    Refused(fn(&mut Value)),
    /// Anything else.
    Trial(fn(&Trial<'_>) -> Outcome),
}

/// What the mutated runtime does wrong.
#[derive(Clone)]
pub(crate) enum Mutation {
    /// It changes the specification before it takes it.
    Edit(fn(&mut Value)),
    /// It drops or replaces the parameter of a family.
    EditFamily(fn(&mut Value, &str)),
    /// It does nothing on this command, and reports success.
    Skip(&'static str),
    /// It does the command, and reports success whatever came of it.
    Succeed(&'static str),
    /// It does the command and then this one too.
    Also(&'static str, &'static [&'static str]),
    /// It changes the document that the command prints.
    Print(&'static str, fn(&mut Value)),
}

/// Requires a condition.
pub(crate) fn require(condition: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(otherwise()) }
}

/// Requires two values to be equal.
pub(crate) fn equal(what: &str, found: &Value, wanted: &Value) -> Outcome {
    require(found == wanted, || format!("{what} is {found}, not {wanted}"))
}
