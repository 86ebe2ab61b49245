//! The files of volumes, brought from one place to another over any stream of bytes, in rounds that carry only what
//! changed since the last one.
//!
//! Both ends are this crate: one in the daemon, one in the program of the built-in image, which runs beside the volumes at
//! the other place (the seed container). A [`Sender`] knows what the receiver has: it asks once ([`Message::Tree`]), and
//! remembers from then on. A round walks the files, reads those whose change time moved (inode(7): nothing but the kernel
//! sets it), sends the blocks that differ, and ends with both sides' digest of everything, the receiver's as it reads it
//! from its own disk.

mod entry;
mod fold;
mod message;
mod receive;
mod scan;
mod send;
mod serve;
#[cfg(test)]
mod tests;

pub use message::{Data, Message, Round};
pub use receive::Receiver;
pub use send::Sender;
pub use serve::{Role, serve};
