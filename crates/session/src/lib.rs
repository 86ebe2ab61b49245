//! What BuildKit's clients and daemons send each other, for both ends: gRPC on connections that HTTP/1 has left, and
//! trees of files of which only what is missing travels (`tonistiigi/fsutil`).

mod connection;
mod failure;
mod files;

pub use connection::{Caller, LARGEST_MESSAGE, Upgraded, call, origin, serve};
pub use failure::client_failed;
pub use files::{SEND_FILES, Selection, Tree, Wanted, receive, send};
