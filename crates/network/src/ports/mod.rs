//! Published ports: who holds which, the sockets that keep them, and those that relay.

mod publish;
mod reserve;
mod table;

pub(crate) use publish::{plan, release};
pub(crate) use reserve::{is_missing, listen};
pub(crate) use table::PortTable;
