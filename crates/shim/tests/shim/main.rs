//! Drives the real shim program with real containers of busybox. Needs root and /bin/busybox.

mod attach;
mod lab;
mod life;
mod logs;
mod memory;
mod relays;
mod throughput;
