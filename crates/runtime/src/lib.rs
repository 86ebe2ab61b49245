//! OCI runtime specification in, process out: namespaces, cgroups, mounts, capabilities, seccomp.
//!
//! Two halves. `compile` (a feature) turns a specification into a [`plan::Plan`]: plain data, fully resolved.
//! The rest carries a plan out, in two phases, so that the first can be done ahead of time:
//!
//! 1. [`park`](launch::park) makes a process in its namespaces and cgroups that waits on a socket.
//! 2. [`Parked::launch`](launch::Parked::launch) sends it the plan. It prepares everything up to the point
//!    where the program could be executed and reports [`Ready`](launch::Ready), or what went wrong.
//! 3. [`Ready::start`](launch::Ready::start) lets it go, and says whether the program was executed.
//!
//! [`exec_in`](exec::exec_in) adds a process to a running container. Everything here is synchronous, and must
//! be called from a program with a single thread: the processes are made by forking.

pub mod cgroup;
pub mod error;
pub mod exec;
pub mod hooks;
mod init;
pub mod launch;
pub mod plan;
mod wire;

#[cfg(feature = "compile")]
pub mod compile;
#[cfg(feature = "compile")]
pub mod defaults;

pub use error::{Error, Result};
pub use exec::{ContainerHandle, ExecPlan, exec_in};
pub use launch::{JoinedNamespace, LaunchFiles, ParkPlan, Parked, Ready, Started, park};
pub use plan::Plan;
