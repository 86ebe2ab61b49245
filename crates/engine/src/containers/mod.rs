//! Containers: records, requests and the state machine.

mod record;
mod requests;

pub use record::{
    ContainerRecord, ContainerState, EndpointRecord, HealthState, HealthStatus, MountRecord, MountRecordKind,
    ProbeResult, PublishedPort, Resolved, Status,
};
pub use requests::{
    AttachOptions, ChangeKind, ClientStream, CommitOptions, CopyInto, Created, ExecOptions, ExecStart, ExecState,
    Filters, InterfaceCounters, ListQuery, LogOptions, PathChange, PathStat, ProcessTable, Pruned, RemoveOptions,
    RunOptions, StatsSample, StopOptions, UpdateRequest, WaitCondition, WaitResult,
};
