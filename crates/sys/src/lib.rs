//! The only unsafe code: system calls, netlink sockets, file descriptors.
