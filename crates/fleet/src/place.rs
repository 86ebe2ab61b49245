//! Where containers live: what the fleet asks of such a place. One file in `places/` for each kind.

use crate::group::{Generation, Group};
use crate::member::Member;
use crate::report::Report;
use sampan_backup::{Repository, Snapshot};
use sampan_error::Result;
use serde_json::Value;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A container that is to become a group.
#[derive(Debug, Clone, Default)]
pub struct Blueprint {
    /// The place's own id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image as users write it.
    pub image: String,
    /// The image itself.
    pub image_id: String,
    /// All else, in the place's own words.
    pub specification: Value,
    /// Why there cannot be two of it, whatever is permitted.
    pub obstacles: Vec<String>,
    /// What two of it would write to at the same time: volumes and folders of the host.
    pub shared: Vec<String>,
    /// Paths of volumes that are its alone, and that its successor takes over.
    pub own_volumes: Vec<String>,
}

/// An image that was fetched.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// The image itself.
    pub image_id: String,
    /// Why it is the one that was here and not one of its registry; empty when it is.
    pub note: String,
}

/// What a replica uses at a moment.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Nanoseconds since 1970.
    pub at: i64,
    /// CPU time so far, nanoseconds.
    pub cpu_time: u64,
    /// CPUs that it may have.
    pub cpus: f64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes that it may have; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// Connections; `None` where nobody can tell.
    pub connections: Option<u64>,
}

/// A backup that was taken.
#[derive(Debug, Clone, Default)]
pub struct Snapshotted {
    /// It.
    pub snapshot: Snapshot,
    /// How long the container stood still.
    pub frozen: Duration,
}

/// A container that came back.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The volumes that came with it.
    pub volumes: Vec<String>,
}

/// A place. Everything may be asked twice: what is done already is no failure.
pub trait Place: Send + Sync + 'static {
    /// What is known of a container.
    fn blueprint<'a>(&'a self, container: &'a str) -> Answer<'a, Blueprint>;

    /// The replicas that are there, in no order; the first one, too.
    fn members<'a>(&'a self, group: &'a Group) -> Answer<'a, Vec<Member>>;

    /// The image that a name stands for at its registry now, brought here.
    fn pull<'a>(&'a self, image: &'a str) -> Answer<'a, Pulled>;

    /// Makes a replica with this name and starts it; `predecessor` is the one whose volumes it takes over.
    fn run<'a>(
        &'a self,
        group: &'a Group,
        generation: &'a Generation,
        number: u32,
        name: &'a str,
        predecessor: Option<&'a str>,
    ) -> Answer<'a, String>;

    /// Starts a replica that is there.
    fn start<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// From now on new connections to the group's published ports go to these replicas, at one moment.
    fn route<'a>(&'a self, group: &'a Group, ids: &'a [String]) -> Answer<'a, ()>;

    /// How many connections a replica still has; `None` where nobody can tell.
    fn connections<'a>(&'a self, id: &'a str) -> Answer<'a, Option<u64>>;

    /// What a replica uses.
    fn load<'a>(&'a self, id: &'a str) -> Answer<'a, Load>;

    /// Asks a replica's program to end, and waits for it.
    fn stop<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Gives what only the first replica has, the host's side of the published ports, to another one. The one that had
    /// it is stopped.
    fn hand_over<'a>(&'a self, group: &'a Group, from: &'a str, to: &'a str) -> Answer<'a, ()>;

    /// Removes a stopped replica; with its own volumes unless a successor has them.
    fn remove<'a>(&'a self, id: &'a str, with_volumes: bool) -> Answer<'a, ()>;

    /// Gives a replica another name.
    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()>;

    /// Backs a container up as it is at one moment.
    fn snapshot<'a>(
        &'a self,
        container: &'a str,
        to: &'a Repository,
        report: &'a Report,
    ) -> Answer<'a, Snapshotted>;

    /// Makes a container of a backup, with its volumes, and does not start it.
    fn restore<'a>(
        &'a self,
        from: &'a Repository,
        snapshot: &'a Snapshot,
        name: Option<&'a str>,
        report: &'a Report,
    ) -> Answer<'a, Restored>;

    /// The folder of backups when nobody says another one.
    ///
    /// # Errors
    /// It cannot be made.
    fn backup_folder(&self) -> Result<PathBuf>;

    /// Comes back when something about some container changed since the last call of the same `Changes`.
    fn changes(&self) -> Box<dyn Changes>;

    /// Nanoseconds since 1970.
    fn now(&self) -> i64;
}

/// Changes at a place, for one listener.
pub trait Changes: Send {
    /// Waits for one.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}
