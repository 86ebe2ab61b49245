//! Images under a disk budget.

use super::Images;
use sampan_error::Result;
use sampan_image::{CollectOptions, CollectedImages, Image};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// An image that was used or came within this stays, whatever the budget: somebody is about to use it.
const MINIMUM_AGE: Duration = Duration::from_secs(120);

impl Images {
    /// Removes images until the budget is kept: the configured one, unless the caller names another.
    ///
    /// # Errors
    /// No budget at all; the first failure of a removal.
    pub async fn collect(
        &self,
        budget: Option<u64>,
        minimum_age: Option<Duration>,
        dry_run: bool,
    ) -> Result<CollectedImages> {
        let budget = budget.or(self.engine.inner.config.image_budget).ok_or_else(|| {
            sampan_error::Error::invalid(
                "there is no budget for images: name one, or set image-disk-budget in the daemon's configuration",
            )
        })?;
        let options = CollectOptions { budget, minimum_age: minimum_age.unwrap_or(MINIMUM_AGE), dry_run };
        let (engine, users) = (self.engine.clone(), self.all_users());
        let collected = crate::blocking(move || Ok(engine.inner.images.collect(options, &users)?)).await?;
        self.tell_removed(&collected.removed);
        Ok(collected)
    }

    /// Sees to the configured budget after images came; at most one such collection runs.
    pub(crate) fn collect_later(&self) {
        if self.engine.inner.config.image_budget.is_none()
            || self.engine.inner.collecting.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let images = self.clone();
        tokio::spawn(async move {
            match images.collect(None, None, false).await {
                Ok(collected) if collected.images.is_empty() => {}
                Ok(collected) => tracing::info!(
                    images = collected.images.len(),
                    bytes = collected.before - collected.after,
                    "removed images that were not used for longest, to keep the disk budget"
                ),
                Err(error) => tracing::error!(%error, "the disk budget of images cannot be kept"),
            }
            images.engine.inner.collecting.store(false, Ordering::Release);
        });
    }

    /// Keeps an image from being collected, or no longer.
    ///
    /// # Errors
    /// No such image.
    pub async fn pin(&self, name: &str, pinned: bool) -> Result<Arc<Image>> {
        let (engine, name) = (self.engine.clone(), name.to_owned());
        crate::blocking(move || Ok(engine.inner.images.pin(&name, pinned)?)).await
    }
}
