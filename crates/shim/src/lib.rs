//! One small process per container: its protocol and its log files, shared with the daemon.

pub mod log;
pub mod protocol;
pub mod timestamp;
