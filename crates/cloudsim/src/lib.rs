//! Stand-in clouds on loopback that run their containers for real.
//!
//! [`Simulation`] answers the calls of AWS that Sampan makes, and a few more, at one address on loopback. What is
//! deployed there runs as containers on the engine that it is given: tasks start, become healthy, are registered at
//! load balancers, are replaced in rollouts, fail and are rolled back. It never says that it is AWS: every answer
//! has the header `x-cloudsim: simulation`, and `GET /_cloudsim` says what it is.
//!
//! What differs from AWS on purpose: a load balancer's name is its address, an access point of EFS is a
//! named volume of the engine, IAM grants everything to the one key, and nothing costs anything.

mod balancer;
mod balancer_host;
mod clock;
mod cloud;
mod engine;
mod faults;
mod http_client;
mod keys;
mod logs;
mod probe;
mod registry;
mod scheduler;
mod server;
mod services;
mod signature;
mod simulation;
mod state;
mod store;
mod wire;

pub use simulation::{Settings, Simulation};
