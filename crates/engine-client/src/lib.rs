//! A client of any engine that speaks the Docker API.
//!
//! [`Address`] says where the engine is, [`Client`] asks it. It knows HTTP and nothing of what is said over it: bodies are
//! JSON values or streams of bytes. Every request has a connection of its own, so a long answer keeps nobody waiting.

mod address;
mod connect;
mod failure;
mod frames;
mod output;
mod request;

pub use address::{Address, Certificates};
pub use connect::Connection;
pub use failure::{Failure, Result};
pub use frames::{Frame, Frames};
pub use output::output;
pub use request::{Client, Content, Query};
