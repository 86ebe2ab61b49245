//! The container's init: the steps between the fork and the program.

use std::os::fd::OwnedFd;

use crate::error::Result;
use crate::exec::{ContainerHandle, ExecPlan};
use crate::launch::ParkPlan;
use crate::plan::Plan;
use crate::wire::Prepared;

pub(crate) fn run(channel: OwnedFd, plan: &ParkPlan<'_>) -> ! {
    let _ = (channel, plan);
    sampan_sys::process::exit_now(1)
}

pub(crate) fn run_exec(channel: OwnedFd, container: ContainerHandle<'_>, plan: &ExecPlan<'_>) -> ! {
    let _ = (channel, container, plan);
    sampan_sys::process::exit_now(1)
}

pub(crate) fn prepare_outside(plan: &Plan, pidfd: &OwnedFd, pid: i32) -> Result<Vec<(Prepared, OwnedFd)>> {
    let _ = (plan, pidfd, pid);
    Ok(Vec::new())
}
