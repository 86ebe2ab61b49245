//! References, the content store, layers and archives.
