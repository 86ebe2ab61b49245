//! The nouns: containers, exec, events, health, restart, stats.
//!
//! [`Engine`] is the one way in: the HTTP API, and later the controllers, call its methods and nothing
//! below it. It knows no wire format.

pub mod containers;
pub mod events;
pub mod spec;
pub mod supervisor;
