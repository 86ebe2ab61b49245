//! Containers: records, requests and the state machine.

mod attach;
mod change;
mod check;
mod commit;
pub(crate) mod container;
mod create;
pub(crate) mod exit;
mod files;
mod filter;
mod lease;
mod logs;
mod lookup;
mod merge;
mod mounts;
mod processes;
mod record;
pub(crate) mod registry;
mod remove;
mod requests;
mod restart;
mod start;
mod stats;
mod stop;
pub(crate) mod waiting;

pub(crate) use merge::ImageDefaults;
pub(crate) use mounts::VolumeWish;

pub use record::{
    ContainerRecord, ContainerState, EndpointRecord, HealthState, HealthStatus, MountRecord, MountRecordKind,
    NetworkHold, PassOn, ProbeResult, PublishedPort, Resolved, Status,
};
pub use requests::{
    AttachOptions, ChangeKind, ClientStream, CommitOptions, CopyInto, Created, ExecOptions, ExecStart,
    ExecState, Filters, Handed, InterfaceCounters, ListQuery, LogOptions, PathChange, PathStat, ProcessTable,
    Pruned, RemoveOptions, RunOptions, StatsSample, StopOptions, UpdateRequest, WaitCondition, WaitResult,
};
