//! `start`.

use std::os::unix::net::UnixStream;

use sampan_error::{Context, Error, Result};
use sampan_runtime::hooks::{self, Stage};

use crate::store::{BARRIER, Status, Store};

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (_, id) = super::with_id(&[], given)?;
    let record = store.load(&id)?;
    match record.status(store) {
        Status::Created => {}
        Status::Stopped => return Err(Error::conflict("cannot start a container that has stopped")),
        Status::Running | Status::Paused => {
            return Err(Error::conflict("cannot start an already running container"));
        }
    }
    let directory = std::fs::File::open(store.directory(&id)).context("open the state directory")?;
    let path = sampan_sys::descriptor::proc_path(&directory).join(BARRIER);
    let connection = UnixStream::connect(&path).context("reach the container's init")?;
    // From here on it counts as started, whatever comes of it.
    std::fs::remove_file(&path).context("remove the start socket")?;
    sampan_runtime::launch::start_through(&connection)?;
    if let Err(error) = hooks::run(&record.hooks.poststart, Stage::Poststart, &record.hooks.state, record.pid)
    {
        // A failed poststart hook is a warning, and the container goes on (runtime.md, "Lifecycle" 9).
        eprintln!("sampan-runtime: warning: {error}");
    }
    Ok(0)
}
