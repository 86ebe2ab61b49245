//! Images as a builder makes them: one step on another.

use crate::build_cache::{CachedChain, CachedStep};
use crate::config::{ConfigFile, History, ImageConfig, RootFs};
use crate::error::Result;
use crate::image::{Image, now, rfc3339};
use crate::ingest::ingest_writable;
use crate::make::{EMPTY_LAYER, platform};
use crate::remove::ImageUser;
use crate::store::Entering;
use crate::store::Store;
use std::sync::Arc;

/// A step of a build, ready to become an image.
#[derive(Debug, Clone, Default)]
pub struct BuildStep {
    /// The image it stands on; `None` for nothing.
    pub parent: Option<String>,
    /// What containers of the new image run with.
    pub config: ImageConfig,
    /// Everything that happened, oldest first, the parent's steps too. With a writable layer the last entry is about it.
    pub history: Vec<History>,
    /// The writable layer with the step's files.
    pub writable: Option<String>,
    /// Who made it.
    pub author: String,
    /// When it was made, for images that come out the same each time; nanoseconds since 1970. `None` is now.
    pub created: Option<i64>,
    /// It is not the finished image.
    pub unfinished: bool,
    /// Steps that the image tells builds elsewhere of.
    pub cached: Vec<CachedStep>,
}

impl Store {
    /// Removes an image that a step made, unless it has a name, children or containers; whether it is gone.
    ///
    /// # Errors
    /// What the file system said.
    pub fn forget_step(&self, id: &str, users: &[ImageUser]) -> Result<bool> {
        let _changing = self.changing();
        let Ok(image) = self.find(id) else { return Ok(true) };
        let names = self.names(&image.id);
        let is_needed = !names.tags.is_empty()
            || !names.digests.is_empty()
            || users.iter().any(|user| user.image == image.id)
            || Self::has_children(&self.state(), &image.id);
        if is_needed {
            return Ok(false);
        }
        self.remove_image(&image, false, false, true, users, &mut Vec::new())?;
        Ok(true)
    }

    /// Ids of unfinished images of builds that were made longer ago than this.
    #[must_use]
    pub fn steps_before(&self, age: std::time::Duration) -> Vec<String> {
        let latest = now() - i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        let state = self.state();
        let steps = state.images.values().filter(|image| image.step && image.entered_at < latest);
        steps.map(|image| image.id.clone()).collect()
    }

    /// Makes an image of a build's step. An empty layer is left out.
    ///
    /// # Errors
    /// `NotFound` for the parent or the writable layer; what the file system said.
    pub fn build_step(&self, step: &BuildStep) -> Result<Arc<Image>> {
        let layer = match &step.writable {
            Some(id) => Some(ingest_writable(&*self.driver, id)?),
            None => None,
        };
        let layer = layer.filter(|layer| layer.diff_id != EMPTY_LAYER);
        let parent = step.parent.as_deref().map(|id| self.find(id)).transpose()?;
        let (os, architecture, variant) = match &parent {
            Some(parent) => (parent.os.clone(), parent.architecture.clone(), parent.variant.clone()),
            None => platform(None)?,
        };
        let created = rfc3339(step.created.unwrap_or_else(now));
        let mut history = step.history.clone();
        for entry in &mut history {
            entry.created.get_or_insert_with(|| created.clone());
        }
        if let Some(last) = history.last_mut().filter(|_| step.writable.is_some()) {
            last.empty_layer = layer.is_none();
        }
        let mut diff_ids = parent.as_ref().map(|parent| parent.diff_ids.clone()).unwrap_or_default();
        diff_ids.extend(layer.as_ref().map(|layer| layer.diff_id.clone()));
        let file = ConfigFile {
            created: Some(created),
            author: step.author.clone(),
            architecture,
            variant,
            os,
            os_version: parent.as_ref().map(|parent| parent.os_version.clone()).unwrap_or_default(),
            docker_version: String::new(),
            container: String::new(),
            comment: String::new(),
            config: step.config.clone(),
            rootfs: RootFs { kind: "layers".into(), diff_ids },
            history,
            build_cache: match step.cached.is_empty() {
                true => Vec::new(),
                false => vec![CachedChain { first: 0, steps: step.cached.clone() }],
            },
        };
        // A built image stands alone: what it was made from can be removed under it.
        self.finish(&file, layer, None, None, Entering { step: step.unfinished, later: true })
    }
}
