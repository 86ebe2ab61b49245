//! The Docker Engine HTTP API and our own routes: parse, call, convert.
//!
//! One folder per resource, each with its table of routes, its handlers, Docker's JSON as types of its own
//! (`wire`), the conversions, and the small interface that it needs of an engine (`backend`). Nothing of
//! Docker's JSON leaves this crate, and only [`http::failure`] knows which status a failure has.

mod ashore;
mod backend;
mod build;
mod containers;
mod events;
mod exec;
mod fleet;
mod http;
mod images;
mod networks;
mod routes;
mod sampan;
mod server;
mod system;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod volumes;

pub use ashore::{SimulationState, Simulator, SimulatorAnswer, install_simulator};
use sampan_engine::Engine;
pub use server::{EngineSlot, Listener};
use std::future::Future;

/// Serves the API on all listeners until `stop` is done. `/_ping` and `/version` are answered from the start,
/// everything else as soon as the slot is filled.
pub async fn serve(
    listeners: Vec<Listener>,
    slot: &EngineSlot<Engine>,
    stop: impl Future<Output = ()> + Send,
) {
    server::serve(listeners, slot, stop).await;
}
