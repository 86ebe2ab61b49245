//! The only unsafe code: system calls, netlink sockets, file descriptors.

pub mod bpf;
pub mod capability;
pub mod credentials;
pub mod descriptor;
pub mod heap;
pub mod keyring;
pub mod loop_device;
pub mod memfd;
pub mod mount;
pub mod namespace;
pub mod netlink;
pub mod netlink_packet_filter;
pub mod packet_information;
pub mod pidfd;
pub mod process;
pub mod quota;
pub mod scheduling;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod terminal;
