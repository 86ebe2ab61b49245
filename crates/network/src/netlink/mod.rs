//! Netlink: messages written and read by hand, because a container's start waits for each microsecond.
//!
//! [`Request`] collects messages for one datagram; the kernel handles them in order and answers inside the
//! same system call. [`Attributes`] walks through what comes back.

mod attributes;
mod request;

pub(crate) mod address;
pub(crate) mod conntrack;
pub(crate) mod link;
pub(crate) mod netfilter;
pub(crate) mod route;

pub(crate) use attributes::Attributes;
pub(crate) use request::{APPEND, CREATE, DUMP, EXCLUSIVE, REPLACE, Request};

/// Netlink pads everything to 4 bytes.
pub(crate) const fn aligned(length: usize) -> usize {
    (length + 3) & !3
}
