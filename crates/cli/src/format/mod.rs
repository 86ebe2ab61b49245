//! Output: Go templates, tables, JSON and human units, each byte as Docker's CLI prints it.
//!
//! [`table::Format`] renders lists; [`inspect`] single objects; [`objects`] says for each kind of thing
//! which fields it has. None of this talks to a daemon.

pub mod inspect;
pub mod json;
pub mod objects;
pub mod reference;
pub mod schema;
pub mod table;
pub mod tabwriter;
pub mod template;
pub mod text;
pub mod time;
pub mod units;
pub mod value;
