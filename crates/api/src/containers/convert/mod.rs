//! Conversions between Docker's JSON and the engine's words.

mod create;
mod endpoint;
#[cfg(test)]
mod fields;
pub(crate) mod host;
mod inspect;
mod list;
mod mount;
mod port;
mod process;
mod resources;
mod shown;
mod stats;
mod version_rules;

pub(crate) use create::spec;
pub(crate) use endpoint::options as endpoint_options;
pub(crate) use inspect::inspect;
pub(crate) use list::summary;
pub(crate) use process::process;
pub(crate) use resources::{ulimit, update};
pub(crate) use stats::{stats, without_container};

use sampan_error::Error;

/// A refusal of a value.
fn invalid(message: impl Into<String>) -> Error {
    Error::invalid(message)
}

/// A refusal of a field that is known and cannot be honoured, by its name.
fn unsupported(field: &str, why: &str) -> Error {
    Error::invalid(format!("{field} is not supported: {why}"))
}
