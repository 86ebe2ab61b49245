//! The real thing behind the interface of these routes.

use super::backend::{Backend, SimulationState};
use sampan_engine::Engine;
use sampan_error::{Error, Result};
use sampan_fleet::{
    Arrival, Ashore, Environment, MoveOptions, Moved, PushOptions, Pushed, Report, StandbyRequest,
};
use sampan_provider::{Lease, Provider, Target};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Whoever can start and end a simulated cloud: the daemon, which knows where everything is.
pub trait Simulator: Send + Sync + 'static {
    /// The cloud that is up.
    fn state(&self) -> Option<SimulationState>;
    /// Starts it.
    fn up(&self) -> Answer<'_, SimulationState>;
    /// Ends it, with all that runs there.
    fn down(&self) -> Answer<'_, ()>;
}

/// The daemon's simulator.
#[derive(Default)]
struct Installed(Mutex<Option<Arc<dyn Simulator>>>);

/// Says who starts and ends simulated clouds.
pub fn install_simulator(engine: &Engine, simulator: Arc<dyn Simulator>) {
    let installed = engine.resident(Installed::default);
    *installed.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(simulator);
}

fn simulator(engine: &Engine) -> Result<Arc<dyn Simulator>> {
    let installed = engine.resident(Installed::default);
    let simulator = installed.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    simulator.ok_or_else(|| Error::unavailable("the daemon has not started completely: try again"))
}

impl Backend for Engine {
    fn targets(&self) -> Vec<Target> {
        Ashore::of(self).targets()
    }

    fn target(&self, name: &str) -> Result<Target> {
        Ashore::of(self).target(name)
    }

    async fn create_target(&self, target: Target) -> Result<Target> {
        Ashore::of(self).create_target(target).await
    }

    async fn remove_target(&self, name: &str) -> Result<()> {
        Ashore::of(self).remove_target(name).await
    }

    fn provider(&self, target: &str, environment: &Environment) -> Result<(Target, Arc<dyn Provider>)> {
        Ashore::of(self).provider(target, environment)
    }

    async fn try_target(&self, target: &str, environment: &Environment, report: &Report) -> Result<()> {
        Ashore::of(self).try_target(target, environment, report).await
    }

    async fn plan_push(
        &self,
        container: &str,
        target: &str,
        options: &PushOptions,
        environment: &Environment,
    ) -> Result<Pushed> {
        Ashore::of(self).plan(container, target, options, environment).await
    }

    async fn documents(&self, container: &str, form: &str, environment: &Environment) -> Result<String> {
        Ashore::of(self).documents(container, form, environment).await
    }

    async fn push_container(
        &self,
        container: &str,
        target: &str,
        options: &PushOptions,
        environment: &Environment,
        report: &Report,
    ) -> Result<Pushed> {
        Ashore::of(self).push(container, target, options, environment, report).await
    }

    async fn plan_move(
        &self,
        container: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
    ) -> Result<Pushed> {
        Ashore::of(self).plan_move(container, target, options, environment).await
    }

    async fn move_container(
        &self,
        container: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
        report: &Report,
    ) -> Result<Arrival> {
        Box::pin(Ashore::of(self).move_container(container, target, options, environment, report)).await
    }

    async fn keep_warm(
        &self,
        container: &str,
        request: &StandbyRequest,
        environment: &Environment,
        report: &Report,
    ) -> Result<String> {
        Box::pin(Ashore::of(self).keep_warm(container, request, environment, report)).await
    }

    async fn grant(&self, lease: Lease) -> Result<Lease> {
        Ashore::of(self).grant(lease).await
    }

    fn moved(&self, name: &str) -> Option<Moved> {
        Ashore::of(self).moved(name)
    }

    fn all_moved(&self) -> Vec<Moved> {
        Ashore::of(self).all_moved()
    }

    async fn pause_moved(&self, name: &str, paused: bool) -> Result<()> {
        Ashore::of(self).pause_moved(name, paused).await
    }

    async fn end_moved(&self, name: &str) -> Result<()> {
        Ashore::of(self).end_moved(name).await
    }

    async fn update_moved(
        &self,
        name: &str,
        image: &str,
        force: bool,
        environment: &Environment,
        report: &Report,
    ) -> Result<String> {
        Box::pin(Ashore::of(self).update_moved(name, image, force, environment, report)).await
    }

    fn simulation(&self) -> Option<SimulationState> {
        simulator(self).ok()?.state()
    }

    async fn simulate(&self) -> Result<SimulationState> {
        simulator(self)?.up().await
    }

    async fn end_simulation(&self) -> Result<()> {
        simulator(self)?.down().await
    }
}
