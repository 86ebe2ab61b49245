//! Docker's JSON of containers: our own types with its exact names. They never leave this crate.

mod config;
mod create;
mod host;
mod inspect;
mod network;
mod small;
mod stats;
mod summary;

pub(crate) use config::{Config, Empty, Health, Words};
pub(crate) use create::{CreateBody, CreateReply};
pub(crate) use host::{
    BindOptions, Device, DeviceRequest, HostConfig, ImageOptions, LogConfig, Mount, MountDriver, PortBinding,
    RestartPolicy, Throttle, TmpfsOptions, Ulimit, VolumeOptions, Weight,
};
pub(crate) use inspect::{GraphDriver, HealthLog, HealthState, Inspect, MountPoint, NetworkSettings, State};
pub(crate) use network::{Endpoint, IpamConfig, NetworkingConfig};
pub(crate) use small::{Change, CommitReply, PathStat, Prune, Top, UpdateBody, UpdateReply, Wait, WaitError};
pub(crate) use stats::{
    Blkio, BlkioEntry, CpuStats, CpuUsage, Interface, MemoryStats, Pids, Stats, Throttling,
};
pub(crate) use summary::{Port, Summary, SummaryHost, SummaryNetworks};
