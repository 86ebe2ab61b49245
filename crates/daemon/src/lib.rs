//! Wiring only: configuration, sockets, start-up, recovery.
