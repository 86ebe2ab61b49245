//! Limits and devices.

use super::{host, invalid, port, unsupported};
use crate::containers::wire::{Device, DeviceRequest, HostConfig, Throttle, Ulimit, UpdateBody, Weight};
use crate::http::Version;
use sampan_engine::containers::UpdateRequest;
use sampan_engine::spec::{
    DeviceMapping, DeviceRequest as DeviceWish, Resources, ThrottleDevice, Ulimit as Limit, WeightDevice,
};
use sampan_error::Result;

/// Refuses what only Windows has, and what no kernel has any more.
macro_rules! refuse_unsupported {
    ($body:expr) => {
        for (name, given, why) in [
            ("CpuCount", $body.cpu_count != 0, "it is for Windows only; use NanoCpus"),
            ("CpuPercent", $body.cpu_percent != 0, "it is for Windows only; use CpuQuota"),
            ("IOMaximumIOps", $body.io_maximum_iops != 0, "it is for Windows only; use BlkioDeviceReadIOps"),
            (
                "IOMaximumBandwidth",
                $body.io_maximum_bandwidth != 0,
                "it is for Windows only; use BlkioDeviceReadBps",
            ),
            ("KernelMemoryTCP", $body.kernel_memory_tcp > 0, "kernels no longer limit TCP buffers by it"),
        ] {
            if given {
                return Err(unsupported(name, why));
            }
        }
    };
}

/// Takes the limits out of the host's part.
///
/// # Errors
/// A field that cannot be honoured.
pub(super) fn resources(host: &mut HostConfig) -> Result<Resources> {
    refuse_unsupported!(host);
    let take = std::mem::take::<Vec<Throttle>>;
    Ok(Resources {
        cpu_shares: host.cpu_shares,
        memory: host.memory,
        cgroup_parent: std::mem::take(&mut host.cgroup_parent),
        blkio_weight: host.blkio_weight,
        blkio_weight_device: weights(std::mem::take(&mut host.blkio_weight_device)),
        blkio_device_read_bps: throttles(take(&mut host.blkio_device_read_bps)),
        blkio_device_write_bps: throttles(take(&mut host.blkio_device_write_bps)),
        blkio_device_read_iops: throttles(take(&mut host.blkio_device_read_iops)),
        blkio_device_write_iops: throttles(take(&mut host.blkio_device_write_iops)),
        cpu_period: host.cpu_period,
        cpu_quota: host.cpu_quota,
        cpu_realtime_period: host.cpu_realtime_period,
        cpu_realtime_runtime: host.cpu_realtime_runtime,
        cpuset_cpus: std::mem::take(&mut host.cpuset_cpus),
        cpuset_mems: std::mem::take(&mut host.cpuset_mems),
        devices: std::mem::take(&mut host.devices).into_iter().map(device).collect::<Result<_>>()?,
        device_cgroup_rules: host.device_cgroup_rules.take().unwrap_or_default(),
        device_requests: host.device_requests.take().unwrap_or_default().into_iter().map(wish).collect(),
        memory_reservation: host.memory_reservation,
        memory_swap: host.memory_swap,
        memory_swappiness: host.memory_swappiness.filter(|value| *value != -1),
        nano_cpus: host.nano_cpus,
        oom_kill_disable: host.oom_kill_disable,
        pids_limit: host.pids_limit,
        ulimits: std::mem::take(&mut host.ulimits).into_iter().map(ulimit).collect::<Result<_>>()?,
    })
}

/// What may be changed of a container that exists.
///
/// # Errors
/// A field that cannot be changed or honoured.
pub(crate) fn update(body: UpdateBody, version: Version) -> Result<UpdateRequest> {
    refuse_unsupported!(body);
    for (name, given) in [
        ("CgroupParent", !body.cgroup_parent.is_empty()),
        ("Devices", !body.devices.is_empty()),
        ("DeviceCgroupRules", body.device_cgroup_rules.is_some_and(|rules| !rules.is_empty())),
        ("DeviceRequests", body.device_requests.is_some_and(|requests| !requests.is_empty())),
        ("Ulimits", !body.ulimits.is_empty()),
        ("MemorySwappiness", body.memory_swappiness.is_some()),
        ("OomKillDisable", body.oom_kill_disable == Some(true)),
    ] {
        if given {
            return Err(unsupported(name, "it cannot be changed of a container that exists"));
        }
    }
    // Zero and less take the limit away, for which the engine's word is zero.
    let pids_limit = body.pids_limit.filter(|_| version >= Version(40)).map(|limit| limit.max(0));
    let resources = Resources {
        cpu_shares: body.cpu_shares,
        memory: body.memory,
        blkio_weight: body.blkio_weight,
        blkio_weight_device: weights(body.blkio_weight_device),
        blkio_device_read_bps: throttles(body.blkio_device_read_bps),
        blkio_device_write_bps: throttles(body.blkio_device_write_bps),
        blkio_device_read_iops: throttles(body.blkio_device_read_iops),
        blkio_device_write_iops: throttles(body.blkio_device_write_iops),
        cpu_period: body.cpu_period,
        cpu_quota: body.cpu_quota,
        cpu_realtime_period: body.cpu_realtime_period,
        cpu_realtime_runtime: body.cpu_realtime_runtime,
        cpuset_cpus: body.cpuset_cpus,
        cpuset_mems: body.cpuset_mems,
        memory_reservation: body.memory_reservation,
        memory_swap: body.memory_swap,
        nano_cpus: body.nano_cpus,
        pids_limit,
        ..Resources::default()
    };
    let restart = (!body.restart_policy.name.is_empty() || body.restart_policy.maximum_retry_count != 0)
        .then(|| host::restart_policy(&body.restart_policy))
        .transpose()?;
    let mut unpublish = Vec::new();
    for text in &body.unpublish {
        unpublish.extend(port::keys(text)?);
    }
    Ok(UpdateRequest { resources, restart, publish: port::bindings(body.publish)?, unpublish })
}

fn weights(list: Vec<Weight>) -> Vec<WeightDevice> {
    list.into_iter().map(|it| WeightDevice { path: it.path, weight: it.weight }).collect()
}

fn throttles(list: Vec<Throttle>) -> Vec<ThrottleDevice> {
    list.into_iter().map(|it| ThrottleDevice { path: it.path, rate: it.rate }).collect()
}

fn device(device: Device) -> Result<DeviceMapping> {
    if device.path_on_host.is_empty() {
        return Err(invalid("invalid device: PathOnHost is empty"));
    }
    let permissions =
        if device.cgroup_permissions.is_empty() { "rwm".to_owned() } else { device.cgroup_permissions };
    if permissions.chars().any(|letter| !"rwm".contains(letter)) {
        return Err(invalid(format!("invalid device mode: {permissions}")));
    }
    let container_path = if device.path_in_container.is_empty() {
        device.path_on_host.clone()
    } else {
        device.path_in_container
    };
    Ok(DeviceMapping { host_path: device.path_on_host, container_path, permissions })
}

fn wish(request: DeviceRequest) -> DeviceWish {
    DeviceWish {
        driver: request.driver,
        count: request.count,
        device_ids: request.device_ids.unwrap_or_default(),
        capabilities: request.capabilities.unwrap_or_default(),
        options: request.options.unwrap_or_default(),
    }
}

/// Names of getrlimit(2) that containers may have.
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// A limit of a program, by the kernel's name.
///
/// # Errors
/// The kernel has no such limit.
pub(crate) fn ulimit(limit: Ulimit) -> Result<Limit> {
    let name = limit.name.to_ascii_lowercase();
    let name = name.strip_prefix("rlimit_").unwrap_or(&name).to_owned();
    if !ULIMITS.contains(&name.as_str()) {
        return Err(invalid(format!("invalid ulimit type: {}", limit.name)));
    }
    Ok(Limit { name, soft: limit.soft, hard: limit.hard })
}
