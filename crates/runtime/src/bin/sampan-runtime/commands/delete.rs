//! `delete`.

use std::time::Duration;

use sampan_error::{Context, Error, Kind, Result};
use sampan_runtime::hooks::{self, Stage};

use crate::arguments::Flag;
use crate::store::{Record, Status, Store};

const FLAGS: &[Flag] = &[Flag::switch("force").short('f')];

/// How long a killed process may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, id) = super::with_id(FLAGS, given)?;
    let force = arguments.has("force");
    let record = match store.load(&id) {
        Err(error) if force && error.kind() == Kind::NotFound => return Ok(0),
        Err(error) if force && error.kind() == Kind::DataLoss => {
            store.release(&id)?;
            return Ok(0);
        }
        other => other?,
    };
    let status = record.status(store);
    if status != Status::Stopped && status != Status::Created && !force {
        return Err(Error::conflict(format!(
            "cannot delete container {id} that is not stopped: {}",
            status.name()
        )));
    }
    clean_up(store, &record)?;
    Ok(0)
}

/// Ends what still runs, removes the cgroups and the record, and runs the last hooks.
pub(super) fn clean_up(store: &Store, record: &Record) -> Result<()> {
    if let Some(init) = record.init() {
        sampan_sys::pidfd::send_signal(&init, 9).context("end the container")?;
        if record.cgroup.is_frozen().unwrap_or(false) {
            record.cgroup.thaw()?;
        }
        sampan_sys::pidfd::wait_readable(&init, Some(PATIENCE)).context("wait for the container's end")?;
    }
    // What is left without a pid namespace; a cgroup that is gone has no processes.
    if record.cgroup.processes().is_ok_and(|left| !left.is_empty()) {
        record.cgroup.kill_all()?;
    }
    record.cgroup.remove()?;
    store.release(&record.id)?;
    if let Err(error) = hooks::run(&record.hooks.poststop, Stage::Poststop, &record.hooks.state, 0) {
        // A failed poststop hook is a warning (runtime.md, "Lifecycle" 13).
        eprintln!("sampan-runtime: warning: {error}");
    }
    Ok(())
}
