//! The HTTP side that every resource shares: calls, replies, versions, JSON, and the table of routes.

pub(crate) mod body;
pub(crate) mod call;
mod environment;
pub(crate) mod failure;
pub(crate) mod filters;
pub(crate) mod form;
pub(crate) mod hijack;
pub(crate) mod json;
pub(crate) mod reply;
pub(crate) mod router;
pub(crate) mod time;
pub(crate) mod version;

pub(crate) use body::Body;
pub(crate) use call::Call;
pub(crate) use environment::environment;
pub(crate) use form::Form;
pub(crate) use hijack::{Outcome, Taken};
pub(crate) use router::{Handler, Route, Router, delete, early, get, head, post, put};
pub(crate) use version::Version;
