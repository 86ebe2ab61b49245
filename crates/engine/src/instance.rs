//! The identity of a data root: every kernel object of this engine carries it.

use sampan_error::{Context, Result};
use std::io::Write;
use std::path::Path;

/// Reads the instance id of a data root, or makes one: eight characters of 0-9 and a-f.
///
/// # Errors
/// The data root cannot be written.
pub(crate) fn identify(data_root: &Path) -> Result<String> {
    let path = data_root.join("instance");
    if let Ok(text) = std::fs::read_to_string(&path) {
        let id = text.trim();
        if id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(id.to_owned());
        }
    }
    let id: String = crate::identity::random_id().chars().take(8).collect();
    let temporary = data_root.join("instance.new");
    let mut file =
        std::fs::File::create(&temporary).context(format!("cannot write {}", temporary.display()))?;
    file.write_all(id.as_bytes()).and_then(|()| file.sync_all()).context("cannot write the instance id")?;
    std::fs::rename(&temporary, &path).context("cannot write the instance id")?;
    Ok(id)
}
