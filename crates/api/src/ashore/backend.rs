//! What these routes need.

use sampan_error::Result;
use sampan_fleet::{Arrival, Environment, MoveOptions, Moved, PushOptions, Pushed, Report, StandbyRequest};
use sampan_provider::{Lease, Provider, Target};
use std::future::Future;
use std::sync::Arc;

/// A simulated cloud that is up.
#[derive(Debug, Clone, Default)]
pub struct SimulationState {
    /// Where it answers.
    pub endpoint: String,
    /// Its registry, host and port.
    pub registry: String,
    /// The key that its clients use: its id and its secret.
    pub key: (String, String),
}

/// Targets, and what lives there.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// The targets that were made.
    fn targets(&self) -> Vec<Target>;

    /// One of them, or a region of a cloud.
    fn target(&self, name: &str) -> Result<Target>;

    /// Makes one.
    fn create_target(&self, target: Target) -> impl Future<Output = Result<Target>> + Send;

    /// Forgets one.
    fn remove_target(&self, name: &str) -> impl Future<Output = Result<()>> + Send;

    /// Its provider, for this asker.
    fn provider(&self, target: &str, environment: &Environment) -> Result<(Target, Arc<dyn Provider>)>;

    /// Tries it with a small container.
    fn try_target(
        &self,
        target: &str,
        environment: &Environment,
        report: &Report,
    ) -> impl Future<Output = Result<()>> + Send;

    /// What sending a container there would do.
    fn plan_push(
        &self,
        container: &str,
        target: &str,
        options: &PushOptions,
        environment: &Environment,
    ) -> impl Future<Output = Result<Pushed>> + Send;

    /// A container in another place's own form of files.
    fn documents(
        &self,
        container: &str,
        form: &str,
        environment: &Environment,
    ) -> impl Future<Output = Result<String>> + Send;

    /// Sends a container there.
    fn push_container(
        &self,
        container: &str,
        target: &str,
        options: &PushOptions,
        environment: &Environment,
        report: &Report,
    ) -> impl Future<Output = Result<Pushed>> + Send;

    /// What moving it would do.
    fn plan_move(
        &self,
        container: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
    ) -> impl Future<Output = Result<Pushed>> + Send;

    /// Moves a container there, or back here.
    fn move_container(
        &self,
        container: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
        report: &Report,
    ) -> impl Future<Output = Result<Arrival>> + Send;

    /// Brings a copy at a target up to date.
    fn keep_warm(
        &self,
        container: &str,
        request: &StandbyRequest,
        environment: &Environment,
        report: &Report,
    ) -> impl Future<Output = Result<String>> + Send;

    /// Gives a lease of one that is kept ready here.
    fn grant(&self, lease: Lease) -> impl Future<Output = Result<Lease>> + Send;

    /// Where a container lives that was moved away.
    fn moved(&self, name: &str) -> Option<Moved>;

    /// All of them.
    fn all_moved(&self) -> Vec<Moved>;

    /// Its jobs wait, or go on.
    fn pause_moved(&self, name: &str, paused: bool) -> impl Future<Output = Result<()>> + Send;

    /// One that was moved is gone there.
    fn end_moved(&self, name: &str) -> impl Future<Output = Result<()>> + Send;

    /// Brings one that was moved up to date where it lives.
    fn update_moved(
        &self,
        name: &str,
        image: &str,
        force: bool,
        environment: &Environment,
        report: &Report,
    ) -> impl Future<Output = Result<String>> + Send;

    /// The simulated cloud, when it is up.
    fn simulation(&self) -> Option<SimulationState>;

    /// Starts it.
    fn simulate(&self) -> impl Future<Output = Result<SimulationState>> + Send;

    /// Ends it, with all that runs there.
    fn end_simulation(&self) -> impl Future<Output = Result<()>> + Send;
}
