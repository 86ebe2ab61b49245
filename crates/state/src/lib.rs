//! The one transactional store: records and their versions.
