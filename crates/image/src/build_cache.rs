//! What an image tells builds elsewhere: which of its layers came of which steps. A part of the configuration that only
//! this engine reads; others pass it by.

use crate::config::{ConfigFile, ImageConfig, RootFs};
use crate::error::{Doing, Result};
use crate::image::Image;
use crate::make::platform;
use serde::{Deserialize, Serialize};

/// A step of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedStep {
    /// The number of the step's inputs.
    pub key: String,
    /// The step, as users wrote it.
    pub text: String,
    /// How many layers there were after it, counted from the first of its chain.
    pub layers: usize,
}

/// Layers that lie on each other, with the steps that made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedChain {
    /// Its first layer among those of the configuration.
    pub first: usize,
    /// The steps.
    pub steps: Vec<CachedStep>,
}

/// A configuration as far as it is about a cache.
#[derive(Debug, Clone)]
pub struct BuildCache {
    config: ConfigFile,
}

impl BuildCache {
    /// Reads a configuration.
    ///
    /// # Errors
    /// `InvalidArgument` when it is none.
    pub fn read(config: &[u8]) -> Result<Self> {
        let config = serde_json::from_slice(config)
            .map_err(std::io::Error::from)
            .doing(|| "reading a configuration".into())?;
        Ok(Self { config })
    }

    /// Its chains; none when no build left any.
    pub fn chains(&self) -> &[CachedChain] {
        &self.config.build_cache
    }

    /// The configuration of the image that the first `layers` layers of a chain make; `None` when there are fewer.
    pub fn step(&self, chain: &CachedChain, layers: usize) -> Option<Vec<u8>> {
        let end = chain.first.checked_add(layers)?;
        let diff_ids = self.config.rootfs.diff_ids.get(chain.first..end)?.to_vec();
        let file = ConfigFile {
            rootfs: RootFs { kind: "layers".into(), diff_ids },
            build_cache: Vec::new(),
            config: ImageConfig::default(),
            history: Vec::new(),
            ..self.config.clone()
        };
        serde_json::to_vec(&file).ok()
    }
}

/// The configuration of something that is only a cache: the layers of several images, one after the other.
///
/// # Errors
/// It cannot be written.
pub fn cache_config(images: &[(std::sync::Arc<Image>, Vec<CachedStep>)]) -> Result<Vec<u8>> {
    let (os, architecture, variant) = platform(None)?;
    let (mut diff_ids, mut chains) = (Vec::new(), Vec::new());
    for (image, steps) in images {
        chains.push(CachedChain { first: diff_ids.len(), steps: steps.clone() });
        diff_ids.extend(image.diff_ids.iter().cloned());
    }
    let file = ConfigFile {
        os,
        architecture,
        variant,
        rootfs: RootFs { kind: "layers".into(), diff_ids },
        build_cache: chains,
        ..ConfigFile::default()
    };
    serde_json::to_vec(&file).map_err(std::io::Error::from).doing(|| "writing a cache".into())
}
