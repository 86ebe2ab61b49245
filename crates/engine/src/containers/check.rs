//! Checks of a specification before anything is made: every refusal says what is wrong, in Docker's words
//! where clients know them.

use crate::error::Error;
use crate::signal;
use crate::spec::{
    ContainerSpec, HealthTest, Healthcheck, IpcMode, NetworkMode, PidMode, Resources, RestartKind,
};

/// The least memory limit that Docker accepts, bytes.
const LEAST_MEMORY: i64 = 6 * 1024 * 1024;
/// The least CPU time in billionths of a CPU.
const LEAST_NANO_CPUS: i64 = 10_000_000;
/// One millisecond in nanoseconds: the least duration of a health check.
const LEAST_DURATION: i64 = 1_000_000;

/// Checks everything that needs no look at the host's state; returns warnings.
///
/// # Errors
/// The first contradiction or bad value.
pub(crate) fn check(spec: &ContainerSpec, cpus: u32) -> Result<Vec<String>, Error> {
    let mut warnings = Vec::new();
    process(spec)?;
    policies(spec)?;
    namespaces(spec)?;
    resources(&spec.host.resources, cpus, &mut warnings)?;
    if let Some(check) = &spec.process.healthcheck {
        healthcheck(check)?;
    }
    Ok(warnings)
}

fn invalid(text: impl Into<String>) -> Error {
    Error::Invalid(text.into())
}

fn process(spec: &ContainerSpec) -> Result<(), Error> {
    let process = &spec.process;
    if let Some(signal) = process.stop_signal.as_deref().filter(|signal| !signal.is_empty())
        && signal::parse(signal).is_none()
    {
        return Err(Error::InvalidSignal(signal.into()));
    }
    if !process.working_dir.is_empty() && !process.working_dir.starts_with('/') {
        return Err(invalid(format!(
            "the working directory '{}' is invalid, it needs to be an absolute path",
            process.working_dir
        )));
    }
    for variable in &process.env {
        if variable.is_empty() || variable.starts_with('=') {
            return Err(invalid(format!("invalid environment variable: {variable}")));
        }
    }
    if let Some(hostname) = process.hostname.as_deref().filter(|name| !name.is_empty())
        && (hostname.len() > 63 || hostname.bytes().any(|byte| byte == 0 || byte == b'/'))
    {
        return Err(invalid(format!(
            "invalid hostname: {hostname}: at most 63 letters, digits, '-' and '.'"
        )));
    }
    if process.args_escaped {
        return Err(invalid("ArgsEscaped is for images of Windows, which cannot run here"));
    }
    for (network, endpoint) in &spec.networks {
        if let Some(option) = endpoint.driver_options.keys().next() {
            return Err(invalid(format!("DriverOpts of network {network}: option {option} is not known")));
        }
    }
    let strings = process.cmd.iter().flatten().chain(process.entrypoint.iter().flatten()).chain(&process.env);
    for text in strings {
        if text.contains('\0') {
            return Err(invalid("a command, argument or variable holds a NUL byte"));
        }
    }
    Ok(())
}

fn policies(spec: &ContainerSpec) -> Result<(), Error> {
    let restart = spec.host.restart;
    if spec.host.auto_remove && restart.kind != RestartKind::No {
        return Err(invalid("can't create 'AutoRemove' container with restart policy"));
    }
    if restart.maximum_retries > 0 && restart.kind != RestartKind::OnFailure {
        return Err(invalid(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        ));
    }
    Ok(())
}

fn namespaces(spec: &ContainerSpec) -> Result<(), Error> {
    let host = &spec.host;
    let process = &spec.process;
    if let NetworkMode::Container(_) = host.network_mode {
        let clash = if process.hostname.is_some() {
            Some("hostname")
        } else if !host.links.is_empty() {
            Some("links")
        } else if !host.dns.is_empty() {
            Some("dns")
        } else if !host.extra_hosts.is_empty() {
            Some("custom host-to-IP mapping")
        } else if process.mac_address.is_some() {
            Some("mac-address")
        } else if !host.port_bindings.is_empty() || host.publish_all_ports {
            Some("port publishing")
        } else if !process.exposed_ports.is_empty() {
            Some("port exposing")
        } else {
            None
        };
        if let Some(what) = clash {
            return Err(invalid(format!("conflicting options: {what} and the network mode")));
        }
    }
    if host.network_mode == NetworkMode::Host && !host.links.is_empty() {
        return Err(invalid("conflicting options: host type networking can't be used with links"));
    }
    if host.uts == crate::spec::UtsMode::Host && process.hostname.is_some() {
        return Err(invalid("conflicting options: hostname and the UTS mode"));
    }
    for (what, name) in [
        ("network", if let NetworkMode::Container(name) = &host.network_mode { Some(name) } else { None }),
        ("IPC", if let IpcMode::Container(name) = &host.ipc { Some(name) } else { None }),
        ("PID", if let PidMode::Container(name) = &host.pid { Some(name) } else { None }),
    ] {
        if name.is_some_and(String::is_empty) {
            return Err(invalid(format!("invalid {what} mode: container: needs a name or an id")));
        }
    }
    if !(-1000..=1000).contains(&host.oom_score_adj) {
        return Err(invalid(format!(
            "Invalid value {}, range for oom score adj is [-1000, 1000]",
            host.oom_score_adj
        )));
    }
    Ok(())
}

/// Checks limits, also those of an update.
///
/// # Errors
/// The first contradiction or bad value.
pub(crate) fn resources(resources: &Resources, cpus: u32, warnings: &mut Vec<String>) -> Result<(), Error> {
    memory(resources, warnings)?;
    cpu(resources, cpus)?;
    host_support(resources)?;
    if resources.blkio_weight > 0 && !(10..=1000).contains(&resources.blkio_weight) {
        return Err(invalid("Range of blkio weight is from 10 to 1000"));
    }
    for ulimit in &resources.ulimits {
        if ulimit.hard != -1 && (ulimit.soft == -1 || ulimit.soft > ulimit.hard) {
            return Err(invalid(format!(
                "ulimit soft limit must be less than or equal to hard limit: {} > {}",
                ulimit.soft, ulimit.hard
            )));
        }
    }
    if !resources.device_requests.is_empty() {
        let capabilities = &resources.device_requests[0].capabilities;
        let driver = &resources.device_requests[0].driver;
        return Err(invalid(format!(
            "could not select device driver {driver:?} with capabilities: {capabilities:?}"
        )));
    }
    Ok(())
}

/// Limits that not every kernel has: asked for where they are missing, they are refused by name.
fn host_support(resources: &Resources) -> Result<(), Error> {
    let has = |file: &str| std::path::Path::new("/sys/fs/cgroup").join(file).exists();
    if resources.cpu_realtime_period != 0 || resources.cpu_realtime_runtime != 0 {
        let missing = if !has("cpu/cpu.rt_runtime_us") {
            "your kernel does not support CPU real-time scheduling of groups"
        } else if resources.cgroup_parent.is_empty() {
            "the parent cgroup has no real-time budget; name one that has with CgroupParent"
        } else {
            ""
        };
        if !missing.is_empty() {
            return Err(invalid(format!("CpuRealtimePeriod and CpuRealtimeRuntime: {missing}")));
        }
    }
    let weights =
        ["blkio/blkio.weight_device", "blkio/blkio.bfq.weight_device", "io.weight", "io.bfq.weight"];
    if !resources.blkio_weight_device.is_empty() && !weights.into_iter().any(has) {
        return Err(invalid("BlkioWeightDevice: your kernel does not support weights of block devices"));
    }
    Ok(())
}

fn memory(resources: &Resources, warnings: &mut Vec<String>) -> Result<(), Error> {
    let (memory, swap, reservation) = (resources.memory, resources.memory_swap, resources.memory_reservation);
    if memory != 0 && memory < LEAST_MEMORY {
        return Err(invalid("Minimum memory limit allowed is 6MB"));
    }
    if memory > 0 && swap > 0 && swap < memory {
        return Err(invalid("Minimum memoryswap limit should be larger than memory limit, see usage"));
    }
    if memory == 0 && swap > 0 {
        return Err(invalid("You should always set the Memory limit when using Memoryswap limit, see usage"));
    }
    if resources.memory_swappiness.is_some_and(|value| !(-1..=100).contains(&value)) {
        return Err(invalid(format!(
            "Invalid value: {}, valid memory swappiness range is 0-100",
            resources.memory_swappiness.unwrap_or_default()
        )));
    }
    if reservation > 0 && reservation < LEAST_MEMORY {
        return Err(invalid("Minimum memory reservation allowed is 6MB"));
    }
    if memory > 0 && reservation > memory {
        return Err(invalid("Minimum memory limit can not be less than memory reservation limit, see usage"));
    }
    if resources.oom_kill_disable == Some(true) && memory == 0 {
        warnings.push(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources."
                .into(),
        );
    }
    Ok(())
}

fn cpu(resources: &Resources, cpus: u32) -> Result<(), Error> {
    let nano = resources.nano_cpus;
    if nano > 0 && (resources.cpu_period > 0 || resources.cpu_quota > 0) {
        let other = if resources.cpu_period > 0 { "Period" } else { "Quota" };
        return Err(invalid(format!("Conflicting options: Nano CPUs and CPU {other} cannot both be set.")));
    }
    if nano != 0 && !(LEAST_NANO_CPUS..=i64::from(cpus) * 1_000_000_000).contains(&nano) {
        return Err(invalid(format!(
            "range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available"
        )));
    }
    if resources.cpu_period != 0 && !(1_000..=1_000_000).contains(&resources.cpu_period) {
        return Err(invalid(
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ));
    }
    if resources.cpu_quota > 0 && resources.cpu_quota < 1_000 {
        return Err(invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)"));
    }
    cpu_set("cpuset cpus", &resources.cpuset_cpus)?;
    cpu_set("cpuset mems", &resources.cpuset_mems)
}

fn cpu_set(what: &str, text: &str) -> Result<(), Error> {
    let fits = text.is_empty()
        || text.trim().split(',').all(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            matches!((first.parse::<u32>(), last.parse::<u32>()), (Ok(first), Ok(last)) if first <= last)
        });
    if fits { Ok(()) } else { Err(invalid(format!("Invalid value {text} for {what}"))) }
}

fn healthcheck(check: &Healthcheck) -> Result<(), Error> {
    for (name, value) in [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ] {
        if value != 0 && value < LEAST_DURATION {
            return Err(invalid(format!("{name} in Healthcheck cannot be less than 1ms")));
        }
    }
    if check.retries < 0 {
        return Err(invalid("Retries in Healthcheck cannot be negative"));
    }
    match &check.test {
        HealthTest::Command(words) if words.is_empty() => Err(invalid("Healthcheck CMD needs a program")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut ContainerSpec)) -> String {
        let mut spec = ContainerSpec::default();
        change(&mut spec);
        check(&spec, 2).expect_err("refused").to_string()
    }

    #[test]
    fn contradictions_are_refused_in_dockers_words() {
        assert!(check(&ContainerSpec::default(), 2).expect("fine").is_empty());
        assert_eq!(refusal(|spec| spec.host.resources.memory = 1024), "Minimum memory limit allowed is 6MB");
        assert_eq!(
            refusal(|spec| spec.host.resources.nano_cpus = 3_000_000_000),
            "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"
        );
        assert_eq!(
            refusal(|spec| {
                spec.host.auto_remove = true;
                spec.host.restart.kind = RestartKind::Always;
            }),
            "can't create 'AutoRemove' container with restart policy"
        );
        assert!(refusal(|spec| spec.process.working_dir = "app".into()).contains("absolute path"));
        assert!(refusal(|spec| spec.process.stop_signal = Some("NOPE".into())).contains("invalid signal"));
        assert!(refusal(|spec| spec.host.resources.cpuset_cpus = "0-a".into()).contains("cpuset cpus"));
    }
}
