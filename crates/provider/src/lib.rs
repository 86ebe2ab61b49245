//! Where a container can live besides this engine.
//!
//! A [`Provider`] is a kind of place: a Docker engine, a cloud's container service, a cluster. What all of them are told
//! is a [`Specification`], what they say is a [`Service`]; what one cannot do it says before anything is touched, as a
//! [`Loss`]. A [`Target`] is one such place with a name. Everything that is more than one call to a provider (moving,
//! automatic scale where there is none, jobs) is written once, above them.

mod capabilities;
mod failure;
mod lease;
mod loss;
mod provider;
mod seed;
mod service;
mod specification;
pub mod suite;
mod target;

pub use capabilities::Capabilities;
pub use failure::{Failure, Result, Retry};
pub use lease::Lease;
pub use loss::{Loss, Severity, losses_of};
pub use provider::{
    Answer, AutoscalePolicy, Connect, Identity, ImageRoute, Layers, LogLine, LogRequest, Provider,
    RegistryAccess, Sink,
};
pub use seed::{Seed, SeedRequest, SeedRole};
pub use service::{Address, Instance, Resource, Rollout, Service, State, Usage};
pub use specification::{Health, Image, Port, Probe, Protocol, Setting, Specification, Volume};
pub use target::{Target, TargetName};
