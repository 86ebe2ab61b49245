//! What Docker gives a container by default.
