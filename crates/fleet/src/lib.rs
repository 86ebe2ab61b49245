//! The fleet: several replicas of a container, kept as they are wanted.
//!
//! - [`Group`] is what is wanted; a [`Place`] is where containers live and what can be done there. `places/` has one file
//!   for each kind; nothing outside of it knows where a container is.
//! - `plan.rs` is pure: what is wanted and what is there, to a [`Plan`] as data. `executor.rs` carries plans out. Every
//!   step may be done twice, and after a kill the plan is made again from what is there then.
//! - `controllers/`, one folder each: what users ask for.

mod ashore;
mod controllers;
mod executor;
mod fleet;
mod group;
mod jobs;
mod member;
mod place;
mod places;
mod plan;
mod report;
mod settings;
mod watch;

pub use ashore::{
    Arrival, Ashore, DeployRequest, Environment, HERE, MoveOptions, Moved, Phase, PushOptions, Pushed,
    Simulated, StandbyRequest, Voyage, loss_sentence,
};
pub use controllers::autoscale::{Decision, Policy, Reason, Simulation, Trace, simulate};
pub use controllers::backup::{BackupRequest, Store};
pub use controllers::scale::ScaleRequest;
pub use controllers::update::UpdateRequest;
pub use fleet::Fleet;
pub use group::{Generation, Group, Operation, Outcome};
pub use jobs::{Job, JobRun, Schedule, Work};
pub use member::{Health, Member};
pub use place::{Answer, Blueprint, Changes, Load, Place, Pulled, Restored, Snapshotted};
pub use plan::{Plan, Slot, Step};
pub use report::Report;
pub use sampan_backup::{Retention, Snapshot};
pub use settings::{Settings, SettingsChange};
