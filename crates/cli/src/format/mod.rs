//! Output: Go templates, tables, JSON and human units, each byte as Docker's CLI prints it.
//!
//! [`table::Format`] renders lists; [`inspect`] single objects; [`objects`] says for each kind of thing
//! which fields it has. None of this talks to a daemon.

pub(crate) mod inspect;
pub(crate) mod json;
pub(crate) mod objects;
pub(crate) mod reference;
pub(crate) mod schema;
pub(crate) mod table;
pub(crate) mod tabwriter;
pub(crate) mod template;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod units;
pub(crate) mod value;
