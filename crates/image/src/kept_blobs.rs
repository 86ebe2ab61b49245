//! Compressed forms of layers that are kept as they came, where the operator wants it (`keep-blobs`): a push to another
//! registry then sends the very same bytes, so that digests stay.

use crate::error::{Doing, Result};
use crate::partial::Partial;
use crate::store::Store;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::PathBuf;

impl Store {
    fn kept_path(&self, digest: &str) -> PathBuf {
        self.kept.join(digest.replace(':', "-"))
    }

    /// Keeps a layer's bytes, all of which have come and were found right.
    ///
    /// # Errors
    /// What the file system said.
    pub fn keep_blob(&self, digest: &str, partial: &Partial) -> Result<()> {
        fs::create_dir_all(&self.kept).doing(|| format!("creating {}", self.kept.display()))?;
        partial.move_to(&self.kept_path(digest))
    }

    /// The bytes of a form that was kept.
    pub fn kept_blob(&self, digest: &str) -> Option<File> {
        File::open(self.kept_path(digest)).ok()
    }

    /// Removes kept forms of layers that no image has any more. Returns the bytes that were freed.
    pub(crate) fn sweep_kept(&self) -> u64 {
        let kept: Vec<_> = fs::read_dir(&self.kept).into_iter().flatten().flatten().collect();
        if kept.is_empty() {
            return 0;
        }
        let mut needed = HashSet::new();
        for image in self.images() {
            for diff_id in &image.diff_ids {
                let forms = self.known_blobs(diff_id).into_iter();
                needed.extend(forms.map(|blob| blob.digest.replace(':', "-")));
            }
        }
        let mut freed = 0;
        for entry in kept {
            if needed.contains(&*entry.file_name().to_string_lossy()) {
                continue;
            }
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            if fs::remove_file(entry.path()).is_ok() {
                freed += size;
            }
        }
        freed
    }
}
