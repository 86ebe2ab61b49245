//! The one transactional store: records and their versions, in SQLite.
//!
//! A record is a value with a key in a collection (containers, image references, volumes, …), kept as
//! JSON with the version of its type. Two connections share the file: one with `synchronous=FULL` for
//! what a user would miss after a power cut, one with `NORMAL` for the rest (see [`Durability`]).
//! A record that cannot be read is set aside and reported, never deleted, and never stops the start.

mod collection;
mod database;
mod error;
mod events;

pub use collection::{Collection, Damaged, Loaded};
pub use database::{Database, Opened};
pub use error::{Error, Result};
pub use events::EventLog;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A type whose values the store keeps.
pub trait Record: Serialize + DeserializeOwned {
    /// Name of the collection, a plain word such as `container`. Never changes once released.
    const COLLECTION: &'static str;
    /// Version of the stored form; goes up when [`Record::migrate`] learns an older form.
    const VERSION: u32;

    /// The key, unique in the collection.
    fn key(&self) -> String;

    /// Turns a value of an older version into the current form.
    ///
    /// # Errors
    /// A sentence that says why the value cannot be read; the record is then set aside.
    fn migrate(version: u32, value: serde_json::Value) -> std::result::Result<serde_json::Value, String> {
        if version <= Self::VERSION {
            Ok(value)
        } else {
            Err(format!("it was written by a newer version (form {version}, known up to {})", Self::VERSION))
        }
    }
}

/// How soon a change is safe on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// On disk before the call returns: a power cut does not lose it.
    Full,
    /// Safe against a kill of the process at once; a power cut may lose the last moments.
    Normal,
}
