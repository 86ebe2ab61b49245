//! Base images without a registry, prepared once per machine by tests/lab/images.sh.

use std::path::PathBuf;
use std::process::Command;

use crate::settings::{lab, repository};

/// A small image with a shell, `httpd` and the usual tools.
pub const BUSYBOX: &str = "busybox";
/// Debian bookworm, minimal, trusting the authorities that this machine trusts.
pub const DEBIAN: &str = "debian";
/// The same with PostgreSQL 15 and Redis.
pub const SERVICES: &str = "services";

/// The root file system of an image as a tar file, prepared if it is not there yet.
///
/// # Panics
/// When it cannot be prepared.
pub fn tar_of(image: &str) -> PathBuf {
    let tar = lab().join("images").join(format!("{image}.tar"));
    if !tar.exists() {
        let script = repository().join("tests/lab/images.sh");
        let status = Command::new(&script).arg(image).status();
        assert!(status.is_ok_and(|status| status.success()), "{} {image} failed", script.display());
    }
    tar
}
