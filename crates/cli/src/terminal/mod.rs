//! The terminal: raw mode, window size, detach keys, and the streams of a container.
