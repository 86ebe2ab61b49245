//! Mounting what a volume's options say at its directory, on the host, as Docker does: a memory file system is one for
//! all containers that use it at the same time.

use super::{Volumes, options};
use crate::error::{Doing, Result, StorageError};
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::ffi::CString;
use std::path::Path;

impl Volumes {
    /// Whether a volume's files are somewhere else and have to be mounted for its use.
    #[must_use]
    pub fn needs_mount(&self, name: &str) -> bool {
        self.get(name).is_ok_and(|record| record.options.values().any(|value| !value.is_empty()))
    }

    /// Mounts what a volume's options say, unless it is there already.
    ///
    /// # Errors
    /// What mount(2) says, with the volume's name; a bind from a path that does not exist.
    pub fn mount(&self, name: &str) -> Result<()> {
        let record = self.get(name)?;
        let Some(wanted) = options::parse(&record.options)? else { return Ok(()) };
        let target = self.data(name);
        if is_mount(&target) {
            return Ok(());
        }
        let doing = || {
            format!("failed to mount local volume {name}: mount {} at {}", wanted.device, target.display())
        };
        let data = CString::new(wanted.data.join(","))
            .map_err(|_| StorageError::Invalid(format!("the options of volume {name} hold a zero byte")))?;
        let data = (!wanted.data.is_empty()).then_some(data);
        mount(wanted.device.as_str(), &target, wanted.kind.as_str(), wanted.flags, data.as_deref())
            .map_err(std::io::Error::from)
            .doing(doing)?;
        // A bind takes its flags only when it is mounted once more (mount(2)).
        let own = wanted.flags - (MountFlags::BIND | MountFlags::REC);
        if wanted.flags.contains(MountFlags::BIND) && !own.is_empty() {
            mount_remount(&target, MountFlags::BIND | own, c"").map_err(std::io::Error::from).doing(doing)?;
        }
        Ok(())
    }

    /// Takes the mount of a volume away; files that are open stay open.
    ///
    /// # Errors
    /// What umount(2) says.
    pub fn unmount(&self, name: &str) -> Result<()> {
        let target = self.data(name);
        while is_mount(&target) {
            unmount(&target, UnmountFlags::DETACH)
                .map_err(std::io::Error::from)
                .doing(|| format!("unmounting volume {name}"))?;
        }
        Ok(())
    }
}

/// Whether something is mounted at this very path (statx(2), `STATX_ATTR_MOUNT_ROOT`, Linux 5.8).
fn is_mount(path: &Path) -> bool {
    statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
