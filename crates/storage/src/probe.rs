//! What the file system under the data root can do: detected by trying, never assumed.

use crate::detached;
use crate::error::{Doing, Result};
use crate::staging::Staging;
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr, statfs};
use std::fs;
use std::path::Path;

/// What a directory's file system offers.
#[derive(Debug, Clone)]
pub struct Support {
    /// Its name as Docker shows it: `extfs`, `xfs`, `btrfs`, `tmpfs`, `overlayfs`, …
    pub file_system: &'static str,
    /// Whether overlay works on it, or one sentence that says why not.
    pub overlay: Result<(), String>,
}

/// Tries what overlay needs in a temporary directory below `root`, which is made when it is missing.
///
/// # Errors
/// When `root` cannot be made or written.
pub fn probe(root: &Path) -> Result<Support> {
    fs::create_dir_all(root).doing(|| format!("creating {}", root.display()))?;
    let scratch = Staging::in_directory(root)?;
    let overlay = try_overlay(scratch.path());
    Ok(Support { file_system: file_system(root)?, overlay })
}

/// Name of the file system that holds a path.
///
/// # Errors
/// When the path does not exist.
pub fn file_system(path: &Path) -> Result<&'static str> {
    let magic = statfs(path).doing(|| format!("reading the file system of {}", path.display()))?.f_type;
    // Magic numbers of statfs(2); names as in Docker's graphdriver.FsNames.
    Ok(match magic as u64 & 0xffff_ffff {
        0xef53 => "extfs",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x0102_1994 => "tmpfs",
        0x794c_7630 => "overlayfs",
        0x6969 => "nfs",
        0x2fc1_2fc1 => "zfs",
        0xf2f5_2010 => "f2fs",
        0x6573_5546 => "fuse",
        0xca45_1a4e => "bcachefs",
        _ => "<unknown>",
    })
}

fn try_overlay(scratch: &Path) -> Result<(), String> {
    let say = |what: &str, error: &dyn std::fmt::Display| {
        format!(
            "overlay cannot be used in {}: {what} ({error}); the vfs driver is slower and works everywhere",
            scratch.parent().unwrap_or(scratch).display()
        )
    };
    for name in ["lower", "upper", "work"] {
        fs::create_dir(scratch.join(name)).map_err(|error| say("a directory cannot be made", &error))?;
    }
    let upper = scratch.join("upper");
    setxattr(&upper, "trusted.overlay.opaque", b"y", XattrFlags::empty())
        .map_err(|error| say("its file system cannot keep trusted attributes", &error))?;
    mknodat(CWD, upper.join("removed"), FileType::CharacterDevice, Mode::empty(), 0)
        .map_err(|error| say("its file system cannot keep device nodes", &error))?;
    let mount = detached::overlay(
        &[scratch.join("lower")],
        Some((&upper, &scratch.join("work"))),
        &super::drivers::overlay::options(),
    )
    .map_err(|error| say("the kernel refuses to mount it", &error))?;
    rustix::fs::openat(
        &mount,
        "file",
        rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CREATE,
        Mode::from_raw_mode(0o600),
    )
    .map_err(|error| say("files cannot be written through it", &error))?;
    Ok(())
}
