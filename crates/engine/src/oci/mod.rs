//! From a container's record to the OCI specification of one run, and on to the runtime's plan.

mod devices;
mod mounts;
mod namespaces;
mod process;
mod resources;
mod seccomp_policy;
mod security;

pub(crate) use process::{environment, overlay};
pub(crate) use resources::limits;
pub(crate) use security::SeccompCache;
pub(crate) use security::{check as check_security, check_capabilities};

use crate::Engine;
use crate::containers::ContainerRecord;
use crate::error::Error;
use crate::spec::UtsMode;
use oci_spec::runtime::Spec;
use sampan_error::Result;
use sampan_runtime::compile::{self, CompileContext};
use sampan_runtime::plan::{Plan, RootMount};
use serde_json::json;

/// What a specification needs to know of other containers and of the host at this moment.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// Process of the container whose network namespace is joined.
    pub(crate) network_of: Option<u32>,
    /// Process of the container whose IPC namespace is joined.
    pub(crate) ipc_of: Option<u32>,
    /// Where that container's /dev/shm is seen.
    pub(crate) shm_of: Option<u32>,
    /// Process of the container whose PID namespace is joined.
    pub(crate) pid_of: Option<u32>,
}

impl Engine {
    /// The plan of this container's next run, or of the one that runs now.
    ///
    /// # Errors
    /// A value that the specification cannot express, a layer or volume that is gone.
    pub(crate) fn plan(&self, record: &ContainerRecord, around: &Surroundings) -> Result<Plan> {
        let spec = self.specification(record, around)?;
        let context = CompileContext {
            id: record.id.clone(),
            bundle: record.directory.clone(),
            cgroup_parent: self.cgroup_parent(record),
            root: self.root_mount(record)?,
            user: Some(record.resolved.user.clone()),
            groups: record.spec.host.group_add.clone(),
            set_home: true,
            create_cwd: true,
            pivot: true,
            new_keyring: true,
        };
        let mut plan = compile::compile(&spec, &context)?;
        plan.process.seccomp = self.seccomp(record)?;
        Ok(plan)
    }

    /// The OCI specification, without the system call filter (which is compiled apart and kept).
    fn specification(&self, record: &ContainerRecord, around: &Surroundings) -> Result<Spec> {
        let host = &record.spec.host;
        let own_names = host.uts == UtsMode::Private;
        let value = json!({
            "ociVersion": "1.2.0",
            "root": { "path": "rootfs", "readonly": host.read_only_rootfs },
            "hostname": own_names.then_some(&record.resolved.hostname),
            "domainname": record.spec.process.domainname.as_ref().filter(|name| own_names && !name.is_empty()),
            "process": process::specification(self, record),
            "mounts": mounts::specification(self, record, around)?,
            "annotations": host.annotations,
            "linux": {
                "namespaces": namespaces::specification(record, around),
                "devices": devices::nodes(record)?,
                "resources": resources::specification(record)?,
                "cgroupsPath": self.cgroup_path(record),
                "sysctl": process::sysctls(record),
                "maskedPaths": security::masked_paths(record),
                "readonlyPaths": security::readonly_paths(record),
                "rootfsPropagation": mounts::root_propagation(record),
            },
        });
        serde_json::from_value(value).map_err(|error| {
            Error::Invalid(format!("the container's options make no valid specification: {error}")).into()
        })
    }

    fn root_mount(&self, record: &ContainerRecord) -> Result<RootMount> {
        // Written to until all mount points are made; `root.readonly` closes it then.
        let readonly = false;
        Ok(match self.inner.storage.root_mount(&record.id)? {
            sampan_storage::RootMount::Overlay { lower, upper, work, options } => {
                RootMount::Overlay { lower, upper: Some(upper), work: Some(work), options, readonly }
            }
            sampan_storage::RootMount::Bind { source } => RootMount::Bind { source, readonly },
        })
    }

    /// The parent of a container's cgroups, without slashes around it.
    pub(crate) fn cgroup_parent(&self, record: &ContainerRecord) -> String {
        let own = record.spec.host.resources.cgroup_parent.trim_matches('/');
        let default = self.inner.config.cgroup_parent.trim_matches('/');
        match (own, default) {
            ("", "") => format!("sampan-{}", self.inner.instance),
            ("", default) => default.to_owned(),
            (own, _) => own.to_owned(),
        }
    }

    /// The parent cgroup of containers that name none.
    pub(crate) fn own_cgroup_parent(&self) -> String {
        self.cgroup_parent(&ContainerRecord::default())
    }

    /// The container's cgroups below the root of each hierarchy.
    pub(crate) fn cgroup_path(&self, record: &ContainerRecord) -> String {
        format!("/{}/{}", self.cgroup_parent(record), record.id)
    }

    /// The cgroups of a running container.
    ///
    /// # Errors
    /// They are gone.
    pub(crate) fn cgroup(&self, record: &ContainerRecord) -> Result<sampan_runtime::cgroup::Cgroup> {
        Ok(sampan_runtime::cgroup::Cgroup::open(&self.cgroup_path(record))?)
    }
}
