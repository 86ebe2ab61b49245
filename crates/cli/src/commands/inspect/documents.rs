//! `inspect --as FORM`: containers as another place has them written.

use super::super::ashore::Place;
use super::super::output::print;
use crate::client::{Query, own_path};
use crate::failure::{ExitStatus, Result};
use crate::session::Session;
use serde_json::Value as Json;

/// What the flag says in help.
pub(super) const HELP: &str =
    "Show containers as files of another kind of place (kubernetes), or of a target";

/// Prints them, one after the other. They hold the values of secrets, as `inspect` itself does.
///
/// # Errors
/// No such container; no such form.
pub(super) fn documents(session: &Session, form: &str, names: &[String]) -> Result<ExitStatus> {
    if names.iter().any(|name| Place::parse(name).is_some()) {
        return Err("--as shows containers of this engine: name them without a target".into());
    }
    let client = session.client()?;
    let mut all = Vec::new();
    for name in names {
        let answer: Json =
            client.get(&own_path(name, "documents")?, &Query::new().with("as", form))?.json()?;
        all.push(answer["Documents"].as_str().unwrap_or_default().to_owned());
    }
    print(&all.join("---\n"))?;
    Ok(ExitStatus::SUCCESS)
}
