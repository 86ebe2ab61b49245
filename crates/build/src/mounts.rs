//! What a RUN step sees beside its files: binds of the context and of other stages, caches, memory.

use crate::build::Build;
use crate::context::Context;
use crate::copy::{self, Manner};
use crate::digest::digest;
use crate::files;
use crate::state::State;
use crate::steps::tokio_blocking;
use sampan_dockerfile::Mount;
use sampan_engine::spec::{BindOptions, HostOptions, MountKind, MountRequest};
use sampan_error::{Context as _, Error, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// The mounts of one step, ready; what they need is held until it is over.
#[derive(Default)]
pub(crate) struct Mounts {
    pub(crate) requests: Vec<MountRequest>,
    /// Variables that only this step's program sees.
    pub(crate) env: Vec<String>,
    /// Secrets and sockets of agents, which go with the step.
    pub(crate) private: Vec<crate::secrets::Private>,
    tmpfs: Vec<(String, String)>,
    /// Where things are mounted.
    pub(crate) targets: Vec<String>,
    _copies: Vec<Context>,
    _locks: Vec<OwnedMutexGuard<()>>,
}

impl Mounts {
    pub(crate) fn apply(&self, host: &mut HostOptions) {
        host.mounts.extend(self.requests.iter().cloned());
        host.tmpfs.extend(self.tmpfs.iter().cloned());
    }
}

impl Build {
    /// The mounts with their variables replaced, and what of them counts for the step's outcome.
    pub(crate) async fn mount_inputs(
        &self,
        state: &State,
        index: usize,
        mounts: &[Mount],
    ) -> Result<(Vec<Mount>, Vec<serde_json::Value>)> {
        let mut expanded = Vec::new();
        let mut inputs = Vec::new();
        for mount in mounts {
            let mut mount = mount.clone();
            for field in [&mut mount.target, &mut mount.source, &mut mount.from, &mut mount.id] {
                *field = state.expand(field)?;
            }
            if !mount.target.is_empty() {
                mount.target = files::clean(&state.absolute(&mount.target));
            }
            // The contents of caches and secrets do not count, as everywhere.
            let digest = match mount.kind.as_str() {
                "bind" => {
                    let root =
                        self.root_of(index, Some(mount.from.as_str()).filter(|it| !it.is_empty())).await?;
                    let known = if mount.from.is_empty() { self.known_contents() } else { None };
                    let source = mount.source.clone();
                    tokio_blocking(move || {
                        let found = copy::sources(root.as_fd(), &[source], false)?;
                        Ok(digest(root.as_fd(), &found, &Manner::default(), known)?.0)
                    })
                    .await?
                }
                _ => String::new(),
            };
            inputs.push(serde_json::json!([mount.kind, mount.target, mount.writable, digest]));
            expanded.push(mount);
        }
        Ok((expanded, inputs))
    }

    /// Makes the mounts of a step ready.
    pub(crate) async fn mounts(&self, state: &State, index: usize, mounts: &[Mount]) -> Result<Mounts> {
        let mut ready = Mounts::default();
        // In one order for all, so that two steps never wait for each other.
        let alone = mounts.iter().filter(|mount| mount.kind == "cache" && mount.sharing != "shared");
        let alone: BTreeSet<_> = alone.map(cache_id).collect();
        for id in alone {
            ready._locks.push(self.builder.engine.build_alone(&format!("mount {id}")).await);
        }
        for mount in mounts {
            match mount.kind.as_str() {
                "bind" => self.bind(index, mount, &mut ready).await?,
                "cache" => self.cache_folder(state, index, mount, &mut ready).await?,
                "tmpfs" => {
                    let size =
                        if mount.size.is_empty() { String::new() } else { format!("size={}", mount.size) };
                    ready.tmpfs.push((mount.target.clone(), size));
                }
                "secret" => {
                    self.secret(mount, &mut ready).await?;
                    continue;
                }
                "ssh" => {
                    self.agent(mount, &mut ready).await?;
                    continue;
                }
                other => return Err(Error::invalid(format!("unsupported mount type {other:?}"))),
            }
            ready.targets.push(mount.target.clone());
        }
        Ok(ready)
    }

    async fn bind(&self, index: usize, mount: &Mount, ready: &mut Mounts) -> Result<()> {
        let from = Some(mount.from.as_str()).filter(|from| !from.is_empty());
        let root = self.root_of(index, from).await?;
        let source = if mount.source.is_empty() { "/".to_owned() } else { mount.source.clone() };
        if from.is_none() && !mount.writable {
            let found = files::open(root.as_fd(), &source).map_err(|error| {
                Error::invalid(format!("{source:?}: not found in the build context")).caused_by(error)
            })?;
            let link = format!("/proc/self/fd/{}", found.as_raw_fd());
            let path = std::fs::read_link(link).context("a mount's source cannot be found")?;
            ready.requests.push(request(&path, mount));
            return Ok(());
        }
        // What is written to it is not kept, and other stages have no path of their own: both get a copy.
        let folder = self.builder.folder()?;
        let (copied, path) = tokio_blocking(move || {
            let copied = Context::empty(&folder)?;
            let found = copy::sources(root.as_fd(), &[source], false)?;
            let is_file = found.first().is_some_and(|source| !source.is_directory);
            copy::copy(root.as_fd(), &found, copied.root.as_fd(), "/mount", &Manner::default())?;
            let path = copied.path().join("mount");
            if !is_file && !path.exists() {
                std::fs::create_dir(&path).context("a mount's source cannot be made")?;
            }
            Ok((copied, path))
        })
        .await?;
        ready.requests.push(request(&path, mount));
        ready._copies.push(copied);
        Ok(())
    }

    async fn cache_folder(
        &self,
        state: &State,
        index: usize,
        mount: &Mount,
        ready: &mut Mounts,
    ) -> Result<()> {
        let name = hex::encode(Sha256::digest(cache_id(mount)));
        let path = self.builder.folder()?.join("mounts").join(name);
        let number = |text: &str| -> Result<u32> {
            let text = state.expand(text)?;
            text.parse().map_err(|_| Error::invalid(format!("{text:?} is no id")))
        };
        if !path.exists() {
            if mount.from.is_empty() {
                std::fs::create_dir_all(&path).context("a cache cannot be made")?;
            } else {
                self.begin_cache(index, mount, &path).await?;
            }
            let mode = if mount.mode.is_empty() { "755" } else { &mount.mode };
            let mode = u32::from_str_radix(mode, 8)
                .map_err(|_| Error::invalid(format!("{mode:?} is no octal mode")))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
            let owner = |text: &str| if text.is_empty() { Ok(0) } else { number(text) };
            chown(&path, Some(owner(&mount.user)?), Some(owner(&mount.group)?))?;
        }
        ready.requests.push(request(&path, mount));
        Ok(())
    }

    /// A new cache that begins with what another stage, image or context has.
    async fn begin_cache(&self, index: usize, mount: &Mount, path: &Path) -> Result<()> {
        let root = self.root_of(index, Some(&mount.from)).await?;
        let source = if mount.source.is_empty() { "/".to_owned() } else { mount.source.clone() };
        let (folder, path) = (self.builder.folder()?, path.to_owned());
        tokio_blocking(move || {
            let copied = Context::empty(&folder)?;
            let found = copy::sources(root.as_fd(), &[source], false)?;
            copy::copy(root.as_fd(), &found, copied.root.as_fd(), "/cache/", &Manner::default())?;
            let whole = copied.path().join("cache");
            if !whole.exists() {
                std::fs::create_dir(&whole).context("a cache cannot be made")?;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).context("a cache cannot be made")?;
            }
            // Whole or not at all; another step may have been faster.
            match std::fs::rename(&whole, &path) {
                Err(error) if !path.exists() => Err(Error::from(error)),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Takes the empty folders away that were made only to mount something there.
    pub(crate) async fn remove_mount_points(
        &self,
        container: &str,
        image: &str,
        targets: Vec<String>,
    ) -> Result<()> {
        if targets.is_empty() {
            return Ok(());
        }
        let engine = self.builder.engine.clone();
        let (container, image) = (container.to_owned(), image.to_owned());
        tokio_blocking(move || {
            let before = Arc::new(engine.build_view(&image)?);
            let root = engine.build_root(&container)?;
            for target in targets {
                let parts: Vec<&str> = target.split('/').filter(|part| !part.is_empty()).collect();
                for count in (1..=parts.len()).rev() {
                    let path = parts[..count].join("/");
                    if files::kind(before.as_fd(), &path).is_some() {
                        break;
                    }
                    files::remove_empty(root.as_fd(), &path);
                }
            }
            Ok(())
        })
        .await
    }
}

/// Which cache a mount means.
fn cache_id(mount: &Mount) -> &str {
    if mount.id.is_empty() { &mount.target } else { &mount.id }
}

pub(crate) fn request(path: &Path, mount: &Mount) -> MountRequest {
    MountRequest {
        source: path.to_string_lossy().into_owned(),
        target: mount.target.clone(),
        read_only: !mount.writable,
        consistency: String::new(),
        kind: MountKind::Bind(BindOptions::default()),
    }
}
