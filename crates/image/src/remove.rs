//! Removing images, by Docker's rules and with its sentences.

use crate::error::{ImageError, Result};
use crate::image::Image;
use crate::list::{Filters, Wanted};
use crate::reference::Reference;
use crate::store::Store;
use sampan_storage::StorageError;
use std::collections::HashSet;

/// A container that was made from an image.
#[derive(Debug, Clone)]
pub struct ImageUser {
    /// The container's id.
    pub container: String,
    /// The image's id.
    pub image: String,
    /// Whether it runs.
    pub running: bool,
}

/// How to remove.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Also when a stopped container uses the image, or it has several names.
    pub force: bool,
    /// Leaves parents without a name alone.
    pub no_prune: bool,
}

/// One line of what a removal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name was taken away: as users write it, and the image that had it.
    Untagged {
        /// `busybox:latest`
        name: String,
        /// The image's id.
        image: String,
    },
    /// An image is gone.
    DeletedImage(String),
    /// A layer is gone, by its chain id.
    DeletedLayer(String),
}

/// What a pruning did.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// In order.
    pub removed: Vec<Removed>,
    /// Bytes of the layers that are gone.
    pub reclaimed: u64,
}

fn short(id: &str) -> &str {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..12).unwrap_or(id)
}

/// Why an image cannot be removed.
struct Obstacle {
    /// Not even by force.
    hard: bool,
    /// A container uses it.
    used: bool,
    reason: String,
}

impl Store {
    /// Removes a name, or an image with all its names. `users` are the containers made from any image.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` with Docker's sentence.
    pub fn remove(&self, text: &str, options: RemoveOptions, users: &[ImageUser]) -> Result<Vec<Removed>> {
        let _changing = self.changing();
        let (image, reference) = self.resolve(text)?;
        let mut removed = Vec::new();
        let by_name = match reference {
            Some(reference) => {
                if self.remove_name(text, &reference, &image, options, users, &mut removed)? {
                    return Ok(removed);
                }
                true
            }
            None => {
                self.remove_only_repository(&image, options, users, &mut removed)?;
                false
            }
        };
        self.remove_image(&image, options.force, !options.no_prune, by_name, users, &mut removed)?;
        self.sweep_kept();
        Ok(removed)
    }

    /// Takes one name away. True when the image has others and stays.
    fn remove_name(
        &self,
        text: &str,
        reference: &Reference,
        image: &Image,
        options: RemoveOptions,
        users: &[ImageUser],
        removed: &mut Vec<Removed>,
    ) -> Result<bool> {
        if !options.force
            && is_single(&self.references_of(&image.id))
            && let Some(user) = users.iter().find(|user| user.image == image.id)
        {
            return Err(ImageError::Conflict(format!(
                "unable to remove repository reference {text:?} (must force) - container {} is using its referenced image {}",
                short(&user.container),
                short(&image.id)
            )));
        }
        let complete = match reference.digest() {
            Some(digest) if reference.tag().is_some() => reference.with_digest(digest),
            _ => reference.clone(),
        };
        self.untag(&complete, &image.id, removed)?;
        // Digests of a repository go with its last tag.
        let left = self.references_of(&image.id);
        let same = |other: &&Reference| other.repository() == complete.repository();
        if reference.digest().is_none() && !left.iter().filter(same).any(|other| other.digest().is_none()) {
            for other in left.iter().filter(same) {
                self.untag(other, &image.id, removed)?;
            }
        }
        Ok(!self.references_of(&image.id).is_empty())
    }

    /// By id: all names go when they are of one repository.
    fn remove_only_repository(
        &self,
        image: &Image,
        options: RemoveOptions,
        users: &[ImageUser],
        removed: &mut Vec<Removed>,
    ) -> Result<()> {
        let references = self.references_of(&image.id);
        if !is_single(&references) {
            return Ok(());
        }
        if let Some(obstacle) = self.obstacle(&image.id, options.force, false, users) {
            return Err(conflict(&image.id, &obstacle));
        }
        for reference in &references {
            self.untag(reference, &image.id, removed)?;
        }
        Ok(())
    }

    pub(crate) fn remove_image(
        &self,
        image: &Image,
        force: bool,
        prune: bool,
        quiet: bool,
        users: &[ImageUser],
        removed: &mut Vec<Removed>,
    ) -> Result<()> {
        if let Some(obstacle) = self.obstacle(&image.id, force, true, users) {
            // Untagging was what was asked for; the image stays, with or without a word.
            let dangling = self.references_of(&image.id).is_empty();
            if quiet && (!dangling || obstacle.used || obstacle.hard) {
                return Ok(());
            }
            return Err(conflict(&image.id, &obstacle));
        }
        for reference in self.references_of(&image.id) {
            self.untag(&reference, &image.id, removed)?;
        }
        let parent = image.parent.clone();
        let layers = self.take_out(&image.id)?;
        removed.push(Removed::DeletedImage(image.id.clone()));
        removed.extend(layers.into_iter().map(Removed::DeletedLayer));
        match parent.and_then(|parent| self.find(&parent).ok()) {
            Some(parent) if prune && self.references_of(&parent.id).is_empty() => {
                self.remove_image(&parent, false, true, true, users, removed)
            }
            _ => Ok(()),
        }
    }

    fn references_of(&self, id: &str) -> Vec<Reference> {
        let state = self.state();
        state.names_of(id).into_iter().filter_map(|name| Reference::parse(name).ok()).collect()
    }

    fn untag(&self, reference: &Reference, image: &str, removed: &mut Vec<Removed>) -> Result<()> {
        self.clear_name(&reference.to_string())?;
        removed.push(Removed::Untagged { name: reference.familiar(), image: image.to_owned() });
        Ok(())
    }

    /// What stands against removing an image. With force only what cannot be forced.
    fn obstacle(&self, id: &str, force: bool, names_too: bool, users: &[ImageUser]) -> Option<Obstacle> {
        let user = |running: bool| users.iter().find(|user| user.image == id && user.running == running);
        if let Some(user) = user(true) {
            let reason = format!("image is being used by running container {}", short(&user.container));
            return Some(Obstacle { hard: true, used: true, reason });
        }
        if Self::has_children(&self.state(), id) {
            return Some(Obstacle {
                hard: true,
                used: false,
                reason: "image has dependent child images".into(),
            });
        }
        if force {
            return None;
        }
        if let Some(user) = user(false) {
            let reason = format!("image is being used by stopped container {}", short(&user.container));
            return Some(Obstacle { hard: false, used: true, reason });
        }
        if names_too && !self.references_of(id).is_empty() {
            let reason = "image is referenced in multiple repositories".into();
            return Some(Obstacle { hard: false, used: false, reason });
        }
        None
    }

    /// Removes images that nobody uses: those without a tag, or with `dangling=false` all that no
    /// container uses. Further filters: until, label, label!.
    ///
    /// # Errors
    /// `InvalidArgument` for a filter; the first failure of a removal.
    pub fn prune(&self, filters: &Filters, users: &[ImageUser]) -> Result<Pruned> {
        if let Some(unknown) =
            filters.keys().find(|key| !["dangling", "until", "label", "label!"].contains(&key.as_str()))
        {
            return Err(ImageError::Invalid(format!("invalid filter '{unknown}'")));
        }
        let wanted = Wanted::parse(self, filters)?;
        let dangling_only = wanted.dangling.unwrap_or(true);
        let _changing = self.changing();
        let before: std::collections::HashMap<String, u64> =
            self.driver.layers().into_iter().map(|layer| (layer.id, layer.size)).collect();
        let mut pruned = Pruned::default();
        // Children before their parents: until nothing more goes.
        loop {
            let mut gone = 0;
            for image in self.images() {
                let names = self.names(&image.id);
                let in_use = users.iter().any(|user| user.image == image.id);
                let tagged = !names.tags.is_empty() || (dangling_only && !names.digests.is_empty());
                if in_use
                    || (image.step && names.tags.is_empty())
                    || (dangling_only && tagged)
                    || !wanted.fits(&image)
                    || Self::has_children(&self.state(), &image.id)
                {
                    continue;
                }
                self.remove_image(&image, true, false, true, users, &mut pruned.removed)?;
                gone += 1;
            }
            if gone == 0 {
                break;
            }
        }
        pruned.removed.extend(self.sweep()?.into_iter().map(Removed::DeletedLayer));
        let partial = self.partials.remove_older_than(std::time::Duration::ZERO)? + self.sweep_kept();
        pruned.reclaimed = pruned
            .removed
            .iter()
            .filter_map(|removed| match removed {
                Removed::DeletedLayer(layer) => before.get(layer),
                _ => None,
            })
            .sum::<u64>()
            + partial;
        Ok(pruned)
    }

    /// Removes layers that no image names and nothing stands on: a process was killed before it could
    /// enter their image. Nothing is removed while an image is set aside as damaged.
    fn sweep(&self) -> Result<Vec<String>> {
        let mut gone = Vec::new();
        if !self.damaged().is_empty() {
            return Ok(gone);
        }
        loop {
            let known: HashSet<String> =
                self.images().iter().flat_map(|image| image.chain_ids.iter().cloned()).collect();
            let before = gone.len();
            let stray = |id: &String| !known.contains(id) && !self.protected.contains(id);
            for layer in self.driver.layers().into_iter().filter(|layer| stray(&layer.id)) {
                match self.driver.remove_layer(&layer.id) {
                    Ok(()) => {
                        self.unfinished.clear(&layer.id);
                        gone.push(layer.id);
                    }
                    // Another stray layer stands on it, or a container does.
                    Err(StorageError::LayerInUse { .. } | StorageError::NoSuchLayer(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if gone.len() == before {
                return Ok(gone);
            }
        }
    }
}

fn conflict(id: &str, obstacle: &Obstacle) -> ImageError {
    let force = if obstacle.hard { "cannot be forced" } else { "must be forced" };
    ImageError::Conflict(format!("unable to delete {} ({force}) - {}", short(id), obstacle.reason))
}

/// Whether the names are at most one tag, with digests of the same repository only.
fn is_single(references: &[Reference]) -> bool {
    let mut tags = references.iter().filter(|reference| reference.digest().is_none());
    let first = tags.next();
    if tags.next().is_some() {
        return false;
    }
    let Some(first) = first.or(references.first()) else { return true };
    references.iter().all(|other| other.repository() == first.repository())
}
