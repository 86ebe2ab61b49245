//! Addresses: which range a network gets, and which address an endpoint.

mod book;
mod pools;

pub(crate) use book::AddressBook;
pub(crate) use pools::{check_free, choose};
