//! Which mounts a container gets: volumes of others, binds, long-form mounts, tmpfs and the image's
//! volumes, put together once at creation. Pure: nothing is made here.

use super::{MountRecord, MountRecordKind};
use crate::error::Error;
use crate::spec::{Bind, HostOptions, MountKind, MountRequest, Propagation};
use std::collections::BTreeMap;
use std::path::Path;

/// The mounts of a container, and what has to exist before it can start.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// In the order in which they are mounted (a mount on `/a` before one on `/a/b`).
    pub(crate) mounts: Vec<MountRecord>,
    /// Volumes to make when they do not exist: name, driver, driver options, labels.
    pub(crate) volumes: Vec<VolumeWish>,
    /// Bind sources to make as directories when they are missing.
    pub(crate) directories: Vec<String>,
}

/// A volume that has to exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VolumeWish {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) anonymous: bool,
}

/// Puts the mounts together. `from_others` are the mounts of the `volumes_from` containers with whether they
/// are to be read-only; `image_volumes` are paths; `fresh_name` makes up names of anonymous volumes.
///
/// # Errors
/// Two mounts on one path, a bad mode, a missing source of a long-form bind.
pub(crate) fn plan(
    host: &HostOptions,
    from_others: &[(Vec<MountRecord>, bool)],
    image_volumes: &[String],
    mut fresh_name: impl FnMut() -> String,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let mut by_target: BTreeMap<String, MountRecord> = BTreeMap::new();
    for (mounts, read_only) in from_others {
        for mount in mounts.iter().filter(|it| it.kind != MountRecordKind::Tmpfs) {
            let mut mount = mount.clone();
            mount.writable = mount.writable && !read_only;
            mount.anonymous = false;
            by_target.insert(mount.target.clone(), mount);
        }
    }
    let mut own: BTreeMap<String, MountRecord> = BTreeMap::new();
    let mut add = |mount: MountRecord| match own.insert(mount.target.clone(), mount) {
        None => Ok(()),
        Some(earlier) => Err(Error::Invalid(format!("Duplicate mount point: {}", earlier.target))),
    };
    for bind in &host.binds {
        add(short_form(bind, &host.volume_driver, &mut plan)?)?;
    }
    for request in &host.mounts {
        add(long_form(request, &mut fresh_name, &mut plan)?)?;
    }
    for (target, options) in &host.tmpfs {
        let target = clean_target(target)?;
        add(MountRecord {
            kind: MountRecordKind::Tmpfs,
            writable: !has_word(options, "ro"),
            tmpfs_options: options.clone(),
            target,
            ..Default::default()
        })?;
    }
    by_target.extend(own);
    for volume in image_volumes {
        let target = clean_target(volume)?;
        if !by_target.contains_key(&target) {
            let name = fresh_name();
            plan.volumes.push(VolumeWish {
                name: name.clone(),
                driver: host.volume_driver.clone(),
                anonymous: true,
                ..Default::default()
            });
            by_target.insert(target.clone(), volume_record(name, target, &host.volume_driver, true));
        }
    }
    plan.mounts = by_target.into_values().collect();
    plan.mounts.sort_by_key(|mount| mount.target.split('/').count());
    Ok(plan)
}

fn has_word(options: &str, word: &str) -> bool {
    options.split(',').any(|option| option == word)
}

fn volume_record(name: String, target: String, driver: &str, anonymous: bool) -> MountRecord {
    MountRecord {
        kind: MountRecordKind::Volume,
        name,
        target,
        driver: if driver.is_empty() { "local".into() } else { driver.into() },
        writable: true,
        anonymous,
        ..Default::default()
    }
}

/// `source:target[:mode]`.
fn short_form(bind: &Bind, driver: &str, plan: &mut Plan) -> Result<MountRecord, Error> {
    let target = clean_target(&bind.target)?;
    let mode = Mode::parse(&bind.mode)?;
    let mut record = if bind.source.starts_with('/') {
        plan.directories.push(bind.source.clone());
        MountRecord {
            source: clean(&bind.source),
            target,
            propagation: mode.propagation,
            ..Default::default()
        }
    } else {
        plan.volumes.push(VolumeWish {
            name: bind.source.clone(),
            driver: driver.into(),
            ..Default::default()
        });
        volume_record(bind.source.clone(), target, driver, false)
    };
    record.writable = !mode.read_only;
    record.no_copy = mode.no_copy;
    record.idmap = mode.idmap;
    record.mode.clone_from(&bind.mode);
    Ok(record)
}

fn long_form(
    request: &MountRequest,
    fresh_name: &mut impl FnMut() -> String,
    plan: &mut Plan,
) -> Result<MountRecord, Error> {
    let target = clean_target(&request.target)?;
    let mut record = match &request.kind {
        MountKind::Bind(options) => {
            if !request.source.starts_with('/') {
                return Err(Error::Invalid(format!(
                    "invalid mount config for type \"bind\": invalid mount path: '{}' mount path must be absolute",
                    request.source
                )));
            }
            if options.create_mountpoint {
                plan.directories.push(request.source.clone());
            } else if !Path::new(&request.source).exists() {
                return Err(Error::Invalid(format!(
                    "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    request.source
                )));
            }
            MountRecord {
                source: clean(&request.source),
                propagation: options.propagation,
                non_recursive: options.non_recursive,
                read_only_non_recursive: options.read_only_non_recursive,
                ..Default::default()
            }
        }
        MountKind::Volume(options) => {
            let anonymous = request.source.is_empty();
            let name = if anonymous { fresh_name() } else { request.source.clone() };
            plan.volumes.push(VolumeWish {
                name: name.clone(),
                driver: options.driver.clone(),
                options: options.driver_options.clone(),
                labels: options.labels.clone(),
                anonymous,
            });
            MountRecord {
                no_copy: options.no_copy,
                subpath: options.subpath.clone(),
                ..volume_record(name, String::new(), &options.driver, anonymous)
            }
        }
        MountKind::Tmpfs(options) => MountRecord {
            kind: MountRecordKind::Tmpfs,
            tmpfs_options: tmpfs_options(options),
            ..Default::default()
        },
        MountKind::Image(options) => MountRecord {
            kind: MountRecordKind::Image,
            source: request.source.clone(),
            subpath: options.subpath.clone(),
            ..Default::default()
        },
    };
    record.target = target;
    record.writable = !request.read_only && record.kind != MountRecordKind::Image;
    Ok(record)
}

fn tmpfs_options(options: &crate::spec::TmpfsOptions) -> String {
    let mut words = Vec::new();
    if options.size_bytes > 0 {
        words.push(format!("size={}", options.size_bytes));
    }
    if options.mode > 0 {
        words.push(format!("mode={:o}", options.mode));
    }
    words.extend(options.options.iter().filter(|it| !it.is_empty()).map(|it| it.join("=")));
    words.join(",")
}

/// What the third part of a short-form bind says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mode {
    read_only: bool,
    no_copy: bool,
    idmap: bool,
    propagation: Propagation,
}

impl Mode {
    fn parse(text: &str) -> Result<Self, Error> {
        let mut mode = Self::default();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            match word {
                "ro" => mode.read_only = true,
                "nocopy" => mode.no_copy = true,
                "idmap" => mode.idmap = true,
                // Labels of SELinux and hints for other systems have no meaning here; Docker takes them too.
                "rw" | "z" | "Z" | "consistent" | "cached" | "delegated" | "default" => {}
                "shared" => mode.propagation = Propagation::Shared,
                "rshared" => mode.propagation = Propagation::RecursiveShared,
                "slave" => mode.propagation = Propagation::Slave,
                "rslave" => mode.propagation = Propagation::RecursiveSlave,
                "private" => mode.propagation = Propagation::Private,
                "rprivate" => mode.propagation = Propagation::RecursivePrivate,
                _ => return Err(Error::Invalid(format!("invalid mode: {text}"))),
            }
        }
        Ok(mode)
    }
}

/// An absolute path without `.`, `..` and double slashes.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

fn clean_target(target: &str) -> Result<String, Error> {
    if !target.starts_with('/') {
        return Err(Error::Invalid(format!("invalid mount path: '{target}' mount path must be absolute")));
    }
    let cleaned = clean(target);
    if cleaned == "/" {
        return Err(Error::Invalid("invalid volume specification: destination can't be '/'".into()));
    }
    Ok(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(source: &str, target: &str, mode: &str) -> Bind {
        Bind { source: source.into(), target: target.into(), mode: mode.into() }
    }

    fn planned(binds: Vec<Bind>, image: &[&str]) -> Result<Plan, Error> {
        let host = HostOptions { binds, ..Default::default() };
        let image: Vec<String> = image.iter().map(|path| (*path).to_owned()).collect();
        plan(&host, &[], &image, || "fresh".to_owned())
    }

    #[test]
    fn a_bind_covers_the_images_volume() {
        let plan =
            planned(vec![bind("data", "/data/", "ro"), bind("/srv", "/srv", "")], &["/data", "/cache"])
                .expect("fine");
        let targets: Vec<_> = plan
            .mounts
            .iter()
            .map(|mount| (mount.target.as_str(), mount.name.as_str(), mount.writable))
            .collect();
        assert_eq!(targets, [("/cache", "fresh", true), ("/data", "data", false), ("/srv", "", true)]);
        assert_eq!(plan.directories, ["/srv"]);
        assert_eq!(plan.volumes.len(), 2);
    }

    #[test]
    fn one_path_twice_and_bad_modes_are_refused() {
        let twice = planned(vec![bind("a", "/x", ""), bind("b", "/x/", "")], &[]).expect_err("refused");
        assert_eq!(twice.to_string(), "Duplicate mount point: /x");
        assert_eq!(
            planned(vec![bind("a", "/x", "wr")], &[]).expect_err("refused").to_string(),
            "invalid mode: wr"
        );
        assert!(
            planned(vec![bind("a", "/", "")], &[]).expect_err("refused").to_string().contains("can't be '/'")
        );
        assert!(
            planned(vec![bind("a", "x", "")], &[])
                .expect_err("refused")
                .to_string()
                .contains("must be absolute")
        );
    }

    #[test]
    fn outer_mounts_come_before_inner_ones() {
        let plan = planned(vec![bind("b", "/a/b/c", ""), bind("a", "/a", "")], &[]).expect("fine");
        assert_eq!(plan.mounts[0].target, "/a");
    }
}
