//! Changing a container that exists: its name, its limits, its restart policy.

use super::UpdateRequest;
use crate::Engine;
use crate::error::Error;
use sampan_error::Result;
use sampan_state::Durability;

impl Engine {
    /// Gives a container another name.
    ///
    /// # Errors
    /// No such container, a bad name, a name in use.
    pub async fn rename(&self, reference: &str, new: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        let new = new.strip_prefix('/').unwrap_or(new).to_owned();
        if new.is_empty() {
            return Err(Error::Invalid("Neither old nor new names may be empty".into()).into());
        }
        let old = container.record().name.clone();
        if new == old {
            return Err(
                Error::Invalid("Renaming a container with the same name as its current name".into()).into()
            );
        }
        if !crate::identity::is_valid_name(&new) {
            return Err(Error::InvalidName(new).into());
        }
        self.inner.registry.reserve_name(&new, &container.id)?;
        let record = container.change(|record| record.rename(&new));
        if let Err(error) = self.save(&record, Durability::Full) {
            container.change(|record| record.rename(&old));
            self.inner.registry.release_name(&new, &container.id);
            return Err(error);
        }
        self.inner.registry.release_name(&old, &container.id);
        if record.is_running() {
            self.renew_names(&record)?;
        }
        self.container_event(&record, "rename", &[("oldName", &format!("/{old}"))]);
        Ok(())
    }

    /// Changes limits and the restart policy, of a running container at once.
    ///
    /// # Errors
    /// No such container, a limit that does not fit, the kernel's refusal.
    pub async fn update(&self, reference: &str, request: UpdateRequest) -> Result<Vec<String>> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        let mut spec = container.record().spec.clone();
        if let Some(restart) = request.restart {
            if spec.host.auto_remove && restart.kind != crate::spec::RestartKind::No {
                return Err(Error::Conflict(
                    "Restart policy cannot be updated because AutoRemove is enabled for the container".into(),
                )
                .into());
            }
            spec.host.restart = restart;
        }
        lay_over(&mut spec.host.resources, &request.resources);
        let warnings = super::check::check(&spec, self.inner.machine.cpus)?;
        if let Some(live) = container.live().filter(|_| container.record().is_running()) {
            let _keep = live;
            let cgroup = self.cgroup(&container.record())?;
            let limits = crate::oci::limits(&spec.host.resources)?;
            crate::blocking(move || Ok(cgroup.apply(&limits)?)).await?;
        }
        container.change(|record| record.spec = spec);
        let changed = self.change_ports(&container, &request.publish, &request.unpublish).await;
        let record = container.record();
        self.save_now(&record, Durability::Full).await?;
        changed?;
        self.container_event(&record, "update", &[]);
        Ok(warnings)
    }
}

/// Takes over every limit that the request sets.
fn lay_over(own: &mut crate::spec::Resources, new: &crate::spec::Resources) {
    /// Zero and `None` say nothing.
    fn take<T: PartialEq + Default + Clone>(own: &mut T, new: &T) {
        if *new != T::default() {
            own.clone_from(new);
        }
    }
    take(&mut own.cpu_shares, &new.cpu_shares);
    take(&mut own.memory, &new.memory);
    take(&mut own.blkio_weight, &new.blkio_weight);
    take(&mut own.memory_reservation, &new.memory_reservation);
    take(&mut own.memory_swap, &new.memory_swap);
    take(&mut own.memory_swappiness, &new.memory_swappiness);
    take(&mut own.cpu_realtime_period, &new.cpu_realtime_period);
    take(&mut own.cpu_realtime_runtime, &new.cpu_realtime_runtime);
    take(&mut own.oom_kill_disable, &new.oom_kill_disable);
    take(&mut own.pids_limit, &new.pids_limit);
    take(&mut own.cpuset_cpus, &new.cpuset_cpus);
    take(&mut own.cpuset_mems, &new.cpuset_mems);
    // CPU time is said in one of two ways: the new one replaces the other.
    if new.nano_cpus != 0 {
        own.nano_cpus = new.nano_cpus;
        own.cpu_period = 0;
        own.cpu_quota = 0;
    }
    if new.cpu_period != 0 || new.cpu_quota != 0 {
        own.nano_cpus = 0;
        take(&mut own.cpu_period, &new.cpu_period);
        take(&mut own.cpu_quota, &new.cpu_quota);
    }
    // A memory limit above the old sum of memory and swap would contradict it; Docker refuses this too,
    // except when swap was never set.
    if new.memory > 0 && new.memory_swap == 0 && own.memory_swap > 0 && own.memory_swap < new.memory {
        own.memory_swap = new.memory;
    }
}
