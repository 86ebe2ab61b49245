//! The name server at 127.0.0.11: containers on a network of one's own find each other by name.
//!
//! [`NameServers`] keeps who is where ([`Member`]) and answers on the sockets that were opened inside each container's
//! namespace. What nobody here is called goes to the host's own servers, or to those that the container was given.
//! Everything is in memory: a daemon that starts again is told anew, and queries wait in the sockets meanwhile.

mod answer;
mod directory;
mod forward;
mod host_servers;
mod question;
mod server;
mod view;

pub use directory::Member;
pub use server::NameServers;
pub use view::{Upstream, View};
