//! One small process per container: its protocol and its log files, shared with the daemon.
