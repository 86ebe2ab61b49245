//! `kill`.

use sampan_error::{Context, Error, Result};

use crate::arguments::{Arguments, Flag};
use crate::store::{Status, Store};

const FLAGS: &[Flag] = &[Flag::switch("all").short('a')];

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, plain) = Arguments::parse_mixed(FLAGS, given).map_err(Error::invalid)?;
    let (id, signal) = match plain.as_slice() {
        [id] => (id, "TERM"),
        [id, signal] => (id, signal.as_str()),
        _ => return Err(Error::invalid("usage: kill [--all] ID [SIGNAL]")),
    };
    let record = store.load(id)?;
    let number = crate::signals::parse(signal)?;
    let own_processes = record.namespaces & sampan_sys::namespace::Namespaces::PID.bits() != 0;
    let status = record.status(store);
    // Without a pid namespace the death of the first process does not end the others.
    if arguments.has("all") || (number == 9 && !own_processes) {
        if number == 9 {
            record.cgroup.kill_all()?
        } else {
            record.cgroup.signal_all(number)?
        }
        return Ok(0);
    }
    let Some(init) = record.init() else {
        return Err(Error::conflict("container not running"));
    };
    sampan_sys::pidfd::send_signal(&init, number).context("signal the container")?;
    // A frozen process notices the end only when it is let go on (cgroup v1).
    if number == 9 && status == Status::Paused {
        record.cgroup.thaw()?;
    }
    Ok(0)
}
