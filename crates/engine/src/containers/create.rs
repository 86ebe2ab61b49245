//! Making a container: everything is checked and resolved first, then made, and undone when a step fails.

use super::container::Container;
use super::{ContainerRecord, Created, EndpointRecord, MountRecordKind, Resolved, merge, mounts};
use crate::Engine;
use crate::error::Error;
use crate::spec::{ContainerSpec, NetworkMode, UtsMode};
use sampan_error::{Context, Result};
use sampan_state::Durability;
use sampan_storage::WritableOptions;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a made-up name is tried before giving up; each try has a wider choice than the one before.
const NAME_ATTEMPTS: u32 = 20;

impl Engine {
    /// Makes a container.
    ///
    /// # Errors
    /// A contradiction in the specification, an image or container that does not exist, a name in use.
    pub async fn create(&self, name: Option<String>, spec: ContainerSpec) -> Result<Created> {
        self.recovered().await;
        let engine = self.clone();
        let container = crate::blocking(move || engine.create_blocking(name, spec)).await?;
        let record = container.record();
        self.container_event(&record, "create", &[]);
        Ok(Created { id: record.id.clone(), warnings: record.warnings.clone() })
    }

    pub(crate) fn create_blocking(
        &self,
        name: Option<String>,
        spec: ContainerSpec,
    ) -> Result<Arc<Container>> {
        let id = crate::identity::random_id();
        let name = self.take_name(name, &id)?;
        let made = self.create_named(&id, &name, spec);
        if made.is_err() {
            self.inner.registry.release_name(&name, &id);
        }
        made
    }

    fn create_named(&self, id: &str, name: &str, spec: ContainerSpec) -> Result<Arc<Container>> {
        let (record, plan) = self.draft(id, name, spec)?;
        let durability = if record.spec.host.auto_remove { Durability::Normal } else { Durability::Full };
        let mut undo =
            Undo { engine: self, record: &record, volumes: Vec::new(), writable: false, armed: true };
        for wish in &plan.volumes {
            if self.make_volume(wish)? && wish.anonymous {
                undo.volumes.push(wish.name.clone());
            }
        }
        // A source may be a file or a socket; only what is missing becomes a directory.
        for directory in plan.directories.iter().filter(|path| !std::path::Path::new(path).exists()) {
            std::fs::create_dir_all(directory)
                .context(format!("error while creating mount source path '{directory}'"))?;
        }
        self.make_layer(&record)?;
        undo.writable = true;
        std::fs::create_dir_all(&record.directory)
            .context(format!("cannot make {}", record.directory.display()))?;
        self.copy_up(&record)?;
        self.save(&record, durability)?;
        undo.armed = false;
        drop(undo);
        let container = Container::new(record);
        self.inner.registry.insert(Arc::clone(&container));
        Ok(container)
    }

    /// Reserves the wanted name, or a made-up one.
    fn take_name(&self, wanted: Option<String>, id: &str) -> Result<String> {
        if let Some(wanted) = wanted.filter(|name| !name.is_empty()) {
            let name = wanted.strip_prefix('/').unwrap_or(&wanted).to_owned();
            if !crate::identity::is_valid_name(&name) {
                return Err(Error::InvalidName(name).into());
            }
            self.inner.registry.reserve_name(&name, id)?;
            return Ok(name);
        }
        for attempt in 0..NAME_ATTEMPTS {
            let name = crate::identity::made_up_name(attempt);
            if self.inner.registry.reserve_name(&name, id).is_ok() {
                return Ok(name);
            }
        }
        let name = id.chars().take(12).collect::<String>();
        self.inner.registry.reserve_name(&name, id)?;
        Ok(name)
    }

    /// The record of the new container, and what has to be made for it. Makes nothing.
    fn draft(
        &self,
        id: &str,
        name: &str,
        mut spec: ContainerSpec,
    ) -> Result<(ContainerRecord, mounts::Plan)> {
        let mut warnings = super::check::check(&spec, self.inner.machine.cpus)?;
        self.check_runtime(&spec)?;
        crate::oci::check_security(&spec.host.security_options)?;
        crate::oci::check_capabilities(&spec.host.cap_add)?;
        crate::oci::check_capabilities(&spec.host.cap_drop)?;
        let log = crate::logging::configure(&spec.host.log, &self.inner.config.log)?;
        spec.host.log = log;
        let image = self.images().find_for_container(&spec.image, spec.platform.as_deref())?;
        warnings.extend(image.warning);
        let hostname = self.hostname(&spec)?;
        let resolved = merge::merge(&spec.process, &image.defaults, id, hostname)?;
        crate::probe::check_labels(&resolved.labels)?;
        let mut plan = self.plan_mounts(&spec, &resolved)?;
        for mount in plan.mounts.iter_mut().filter(|mount| mount.kind == MountRecordKind::Volume) {
            mount.writable = mount.writable && !self.is_snapshot(&mount.name);
        }
        let endpoints = self.endpoints(&spec)?;
        self.check_joined(&spec)?;
        let directory = self.inner.config.data_root.join("containers").join(id);
        let log_path = crate::logging::file(&spec.host.log, &directory, id);
        let record = ContainerRecord {
            id: id.into(),
            name: name.into(),
            created: crate::clock::now(),
            image_id: image.id,
            image_layer: image.top_layer,
            resolved,
            endpoints,
            mounts: plan.mounts.clone(),
            storage_driver: self.inner.storage.name().into(),
            directory,
            log_path,
            platform: image.platform,
            warnings,
            spec,
            ..Default::default()
        };
        Ok((record, plan))
    }

    /// Only our own runtime carries containers out at present.
    fn check_runtime(&self, spec: &ContainerSpec) -> Result<()> {
        let name = spec.host.runtime.as_str();
        if matches!(name, "" | "sampan") {
            return Ok(());
        }
        if self.inner.config.runtimes.contains_key(name) {
            return Err(Error::NotImplemented(format!(
                "runtime {name}: external runtimes are not possible yet, leave Runtime empty"
            ))
            .into());
        }
        Err(Error::Invalid(format!("unknown or invalid runtime name: {name}")).into())
    }

    /// The host name that is not simply the beginning of the id.
    fn hostname(&self, spec: &ContainerSpec) -> Result<Option<String>> {
        if let Some(name) = spec.process.hostname.clone().filter(|name| !name.is_empty()) {
            return Ok(Some(name));
        }
        if spec.host.network_mode == NetworkMode::Host || spec.host.uts == UtsMode::Host {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
                .context("cannot read the host's name")?;
            return Ok(Some(name.trim().to_owned()));
        }
        Ok(None)
    }

    fn plan_mounts(&self, spec: &ContainerSpec, resolved: &Resolved) -> Result<mounts::Plan> {
        let mut others = Vec::new();
        for reference in &spec.host.volumes_from {
            let (name, mode) = reference.split_once(':').unwrap_or((reference, ""));
            if !matches!(mode, "" | "ro" | "rw" | "z" | "Z") {
                return Err(Error::Invalid(format!("invalid mode: {mode}")).into());
            }
            others.push((self.container(name)?.record().mounts.clone(), mode == "ro"));
        }
        Ok(mounts::plan(&spec.host, &others, &resolved.volumes, crate::identity::random_id)?)
    }

    /// The endpoints that the network mode and the endpoint settings ask for.
    fn endpoints(&self, spec: &ContainerSpec) -> Result<BTreeMap<String, EndpointRecord>> {
        let primary = match &spec.host.network_mode {
            NetworkMode::Bridge => "bridge",
            NetworkMode::Host => "host",
            NetworkMode::None => "none",
            NetworkMode::Container(_) => return Ok(BTreeMap::new()),
            NetworkMode::Named(name) => name,
        };
        let known = self.inner.network.networks();
        let mut endpoints = BTreeMap::new();
        for name in std::iter::once(primary).chain(spec.networks.keys().map(String::as_str)) {
            // A network that does not exist is an error of the start, as clients expect: an error of the
            // creation with this status would make them pull the image.
            let network = known.iter().find(|network| network.name == *name || network.id == *name);
            let known_name = network.map_or(name, |network| network.name.as_str());
            let options = spec.networks.get(name).cloned().unwrap_or_default();
            if known_name == "bridge" && (options.ipv4_address.is_some() || options.ipv6_address.is_some()) {
                return Err(Error::Invalid(
                    "invalid config for network bridge: invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets".into(),
                )
                .into());
            }
            let mac_address = options.mac_address.clone().or_else(|| spec.process.mac_address.clone());
            endpoints.insert(
                known_name.to_owned(),
                EndpointRecord {
                    options,
                    network_id: network.map(|network| network.id.clone()).unwrap_or_default(),
                    mac_address: mac_address.unwrap_or_default(),
                    ..Default::default()
                },
            );
        }
        Ok(endpoints)
    }

    /// Containers whose namespaces are joined must exist.
    fn check_joined(&self, spec: &ContainerSpec) -> Result<()> {
        use crate::spec::{IpcMode, PidMode};
        let mut names = Vec::new();
        if let NetworkMode::Container(name) = &spec.host.network_mode {
            names.push(name);
        }
        if let IpcMode::Container(name) = &spec.host.ipc {
            names.push(name);
        }
        if let PidMode::Container(name) = &spec.host.pid {
            names.push(name);
        }
        for name in names {
            self.container(name)?;
        }
        Ok(())
    }

    fn make_layer(&self, record: &ContainerRecord) -> Result<()> {
        let size_limit =
            match record.spec.host.storage_options.get("size") {
                Some(text) => Some(crate::units::bytes(text).ok_or_else(|| {
                    Error::Invalid(format!("invalid value for storage option size: {text}"))
                })?),
                None => None,
            };
        if let Some(unknown) = record.spec.host.storage_options.keys().find(|key| *key != "size") {
            return Err(
                Error::Invalid(format!("unknown storage option {unknown}: only size is known")).into()
            );
        }
        let options = WritableOptions {
            size_limit,
            record: Some(serde_json::to_vec(record).map_err(|error| {
                Error::Internal(format!("cannot encode the container's record: {error}"))
            })?),
            mount_points: true,
            volatile: record.spec.host.auto_remove,
        };
        Ok(self.inner.storage.create_writable(&record.id, record.image_layer.as_deref(), &options)?)
    }

    /// Fills empty volumes with what the image holds at their paths.
    fn copy_up(&self, record: &ContainerRecord) -> Result<()> {
        let wanted: Vec<_> = record
            .mounts
            .iter()
            .filter(|mount| {
                mount.kind == MountRecordKind::Volume && !mount.no_copy && mount.subpath.is_empty()
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let root = self.inner.storage.mount_detached(&record.id)?;
        self.hold_volumes(record)?;
        let filled = wanted.iter().try_for_each(|mount| self.fill_volume(&mount.name, &root, &mount.target));
        self.release_volumes(record);
        filled
    }
}

/// Takes back what a creation made when a later step fails.
struct Undo<'a> {
    engine: &'a Engine,
    record: &'a ContainerRecord,
    volumes: Vec<String>,
    writable: bool,
    armed: bool,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        // Best effort: the error that brought us here is the one to report.
        if self.writable {
            let _ = self.engine.inner.storage.remove_writable(&self.record.id);
            let _ = std::fs::remove_dir_all(&self.record.directory);
        }
        for volume in &self.volumes {
            let _ = self.engine.drop_volume(volume);
        }
    }
}
