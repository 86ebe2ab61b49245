//! Repositories of backups in restic's format (restic's documentation, "Repository Format"): what is stored once is stored
//! once, everything is encrypted, and restic itself can check, list and restore it.
//!
//! A [`Repository`] is a folder and a password. A snapshot is made of [`Part`]s, folders and files of the host under names
//! of their own, so that it looks the same wherever they lie. Everything blocks.

mod parts;
mod repository;
mod retention;

pub use parts::Part;
pub use repository::{Ready, Repository, Saved, Snapshot};
pub use retention::Retention;

#[cfg(test)]
mod tests;
