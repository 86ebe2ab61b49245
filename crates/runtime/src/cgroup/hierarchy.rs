//! Which cgroup hierarchies this host has mounted, and where.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::Directory;
use crate::error::{During, Error, Result};

/// One mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// v1: its controllers, or `name=…`. v2: the controllers available at its root.
    pub(super) controllers: Vec<String>,
    /// Where it is mounted.
    pub(super) root: PathBuf,
    /// Whether it is cgroup v2.
    pub(super) unified: bool,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hierarchies {
    pub(super) list: Vec<Hierarchy>,
}

impl Hierarchies {
    /// What is mounted; looked up once.
    pub(super) fn mounted() -> Result<&'static Self> {
        static FOUND: OnceLock<Hierarchies> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let table = std::fs::read_to_string("/proc/self/mountinfo").during(|| "read the mount table")?;
        let mut found = Self::parse(&table);
        for hierarchy in found.list.iter_mut().filter(|hierarchy| hierarchy.unified) {
            let names = super::read(&hierarchy.root, "cgroup.controllers").unwrap_or_default();
            hierarchy.controllers = names.split_whitespace().map(str::to_owned).collect();
        }
        if found.list.is_empty() {
            return Err(Error::Unsupported(
                "no cgroups are mounted on this host: mount cgroup2 on /sys/fs/cgroup".into(),
            ));
        }
        Ok(FOUND.get_or_init(|| found))
    }

    /// Finds the hierarchies in the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
    fn parse(table: &str) -> Self {
        let mut list: Vec<Hierarchy> = Vec::new();
        for line in table.lines() {
            let Some((mount, rest)) = line.split_once(" - ") else { continue };
            let mut rest = rest.split(' ');
            let (Some(kind), Some(_source), Some(options)) = (rest.next(), rest.next(), rest.next()) else {
                continue;
            };
            let Some(point) = mount.split(' ').nth(4) else { continue };
            let controllers: Vec<String> = match kind {
                "cgroup" => {
                    options.split(',').filter(|name| is_controller(name)).map(str::to_owned).collect()
                }
                "cgroup2" => Vec::new(),
                _ => continue,
            };
            let unified = kind == "cgroup2";
            // A later mount at another place is the same hierarchy once more (a container manager's).
            if list.iter().any(|known| known.unified == unified && known.controllers == controllers) {
                continue;
            }
            list.push(Hierarchy { controllers, root: PathBuf::from(unescape(point)), unified });
        }
        Self { list }
    }

    /// Whether the controllers are on v2.
    pub(super) fn is_unified(&self) -> bool {
        self.list.iter().all(|hierarchy| hierarchy.unified)
    }

    /// The hierarchy in which a directory lies.
    pub(super) fn of(&self, directory: &Directory) -> Option<&Hierarchy> {
        self.list.iter().find(|hierarchy| {
            hierarchy.unified == directory.unified && directory.path.starts_with(&hierarchy.root)
        })
    }
}

impl Hierarchy {
    /// The directory `path` below the root, whether it exists or not.
    pub(super) fn directory(&self, path: impl AsRef<Path>) -> Directory {
        Directory { controllers: self.controllers.clone(), path: self.root.join(path), unified: self.unified }
    }
}

/// Of a v1 mount's options, those that name controllers or the hierarchy.
fn is_controller(option: &str) -> bool {
    const OTHER: [&str; 6] = ["rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode"];
    let parameter = option.starts_with("release_agent=") || option.starts_with("seclabel");
    !OTHER.contains(&option) && !parameter && !matches!(option, "favordynmods" | "nofavordynmods")
}

/// Mount tables write spaces and the like as three octal digits.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hybrid_and_pure_hosts_are_told_apart() {
        let hybrid = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
                      40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = Hierarchies::parse(hybrid);
        assert!(!found.is_unified());
        assert_eq!(found.list[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(found.list[1].controllers, ["name=systemd"]);
        assert_eq!(found.list[2].root, Path::new("/sys/fs/cgroup/unified"));
        let pure = "30 22 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";
        assert!(Hierarchies::parse(pure).is_unified());
    }
}
