//! The engine and its machine at a glance: `info` and `system df`.

mod usage;

pub use usage::{ContainerUsage, DiskUsage, VolumeUsage};

use crate::Engine;
use crate::containers::Status;
use sampan_error::Result;
use std::path::PathBuf;

/// What `info` says.
#[derive(Debug, Clone, Default)]
pub struct SystemInfo {
    /// The instance id.
    pub id: String,
    /// Containers: running, frozen, all others.
    pub running: usize,
    /// Frozen containers.
    pub paused: usize,
    /// Containers that do not run.
    pub stopped: usize,
    /// Number of images.
    pub images: usize,
    /// Storage driver and facts about it.
    pub storage_driver: String,
    /// Facts about the storage driver, in order.
    pub storage_status: Vec<(String, String)>,
    /// Default log driver.
    pub log_driver: String,
    /// Whether cgroup v2 holds the controllers.
    pub cgroup_unified: bool,
    /// Release of the kernel.
    pub kernel: String,
    /// Name of the operating system.
    pub operating_system: String,
    /// Its version.
    pub operating_system_version: String,
    /// Machine in the kernel's words (`x86_64`).
    pub architecture: String,
    /// CPUs.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Host name.
    pub name: String,
    /// Data root.
    pub data_root: PathBuf,
    /// Labels of the daemon.
    pub labels: Vec<String>,
    /// Names of runtimes; the first is the default.
    pub runtimes: Vec<String>,
    /// Security features, as Docker writes them.
    pub security: Vec<String>,
    /// Sentences about what does not work as it should.
    pub warnings: Vec<String>,
    /// Registries that may be reached without TLS, as configured.
    pub insecure_registries: Vec<String>,
    /// Mirrors of Docker Hub, as configured.
    pub registry_mirrors: Vec<String>,
    /// Whether packets are forwarded.
    pub ipv4_forwarding: bool,
    /// When the engine was opened, nanoseconds since 1970.
    pub opened: i64,
    /// Event listeners at the moment.
    pub event_listeners: usize,
}

impl Engine {
    /// The engine and its machine at a glance.
    ///
    /// # Errors
    /// None at present; what cannot be read is left empty.
    pub async fn info(&self) -> Result<SystemInfo> {
        let engine = self.clone();
        crate::blocking(move || Ok(engine.gather())).await
    }

    fn gather(&self) -> SystemInfo {
        let inner = &self.inner;
        let mut info = SystemInfo {
            id: inner.instance.clone(),
            images: inner.images.count(),
            storage_driver: inner.storage.name().into(),
            storage_status: inner.storage.status(),
            log_driver: if inner.config.log.driver.is_empty() {
                "json-file".into()
            } else {
                inner.config.log.driver.clone()
            },
            cgroup_unified: sampan_runtime::cgroup::host_is_unified(),
            kernel: read("/proc/sys/kernel/osrelease"),
            architecture: std::env::consts::ARCH.into(),
            cpus: inner.machine.cpus,
            memory: inner.machine.memory,
            name: read("/proc/sys/kernel/hostname"),
            data_root: inner.config.data_root.clone(),
            labels: inner.config.labels.clone(),
            runtimes: std::iter::once("sampan".to_owned())
                .chain(inner.config.runtimes.keys().cloned())
                .collect(),
            security: vec!["name=seccomp,profile=builtin".into()],
            insecure_registries: inner.config.registries.insecure.clone(),
            registry_mirrors: inner.config.registries.hub_mirrors.clone(),
            warnings: inner.network.warnings(),
            ipv4_forwarding: read("/proc/sys/net/ipv4/ip_forward") == "1",
            opened: inner.opened,
            event_listeners: inner.events.listeners(),
            ..Default::default()
        };
        if info.cgroup_unified {
            info.security.push("name=cgroupns".into());
        }
        (info.operating_system, info.operating_system_version) = operating_system();
        for container in inner.registry.all() {
            match container.record().state.status {
                Status::Running | Status::Restarting => info.running += 1,
                Status::Paused => info.paused += 1,
                _ => info.stopped += 1,
            }
        }
        info
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// PRETTY_NAME and VERSION_ID of os-release(5).
fn operating_system() -> (String, String) {
    let text = std::fs::read_to_string("/etc/os-release")
        .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    (value("PRETTY_NAME"), value("VERSION_ID"))
}
