//! References, the content store, layers and archives.
//!
//! [`Store`] holds the images of one data root: configurations by digest in an OCI layout, layers unpacked
//! in the snapshot driver, names in the database. Everything is synchronous, safe from many threads at
//! once, and whole after a kill at any point: layers first, then the configuration, then the name.

mod attestation;
mod blobs;
mod build_cache;
mod build_step;
mod changes;
mod collect;
mod compress;
mod compression;
mod config;
mod error;
mod image;
mod incoming;
mod ingest;
mod kept_blobs;
mod kept_manifests;
mod known_blobs;
mod list;
mod load;
mod make;
mod partial;
mod pool;
mod recovery;
mod reference;
mod remove;
mod save;
mod store;

pub use attestation::Attestation;
pub use build_cache::{BuildCache, CachedChain, CachedStep, cache_config};
pub use build_step::BuildStep;
pub use changes::apply_changes;
pub use collect::{CollectOptions, CollectedImage, CollectedImages};
pub use compress::{CompressedLayer, Compression};
pub use compression::decompressed;
pub use config::{Healthcheck, History, ImageConfig};
pub use error::{ImageError, Result};
pub use image::{Image, chain_ids, digest};
pub use incoming::{Finished, Incoming, IncomingLayer};
pub use kept_manifests::KeptManifest;
pub use known_blobs::{KnownBlob, KnownBlobs};
pub use list::{DiskUsage, Filters, HistoryRow, Summary};
pub use load::{LoadProgress, Loaded};
pub use make::{CommitRequest, ImportOptions, host_architecture};
pub use partial::{Partial, PartialReader};
pub use reference::Reference;
pub use remove::{ImageUser, Pruned, RemoveOptions, Removed};
pub use store::{Inspected, Names, ReferenceRecord, Store, Tagged};
