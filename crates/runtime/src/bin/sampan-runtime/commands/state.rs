//! `state`, `pause` and `resume`.

use sampan_error::{Error, Result};

use crate::store::{Record, Status, Store};

/// The state document of the specification, with the fields that runc adds.
pub(super) fn document(record: &Record, status: Status) -> serde_json::Value {
    let annotations: serde_json::Map<String, serde_json::Value> = record
        .hooks
        .state
        .annotations
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let mut document = serde_json::json!({
        "ociVersion": super::SPEC_VERSION,
        "id": record.id,
        "pid": if status == Status::Stopped { 0 } else { record.pid },
        "status": status.name(),
        "bundle": record.bundle,
        "rootfs": record.root,
        "created": record.created,
        "owner": "",
    });
    if !annotations.is_empty() {
        document["annotations"] = annotations.into();
    }
    document
}

pub(crate) fn show(given: &[String], store: &Store) -> Result<u8> {
    let (_, id) = super::with_id(&[], given)?;
    let record = store.load(&id)?;
    println!("{:#}", document(&record, record.status(store)));
    Ok(0)
}

pub(crate) fn pause(given: &[String], store: &Store) -> Result<u8> {
    let (_, id) = super::with_id(&[], given)?;
    let record = store.load(&id)?;
    match record.status(store) {
        Status::Running | Status::Created => record.cgroup.freeze()?,
        other => {
            return Err(Error::conflict(format!("cannot pause a container that is {}", other.name())));
        }
    }
    Ok(0)
}

pub(crate) fn resume(given: &[String], store: &Store) -> Result<u8> {
    let (_, id) = super::with_id(&[], given)?;
    let record = store.load(&id)?;
    match record.status(store) {
        Status::Paused => record.cgroup.thaw()?,
        other => {
            return Err(Error::conflict(format!("cannot resume a container that is {}", other.name())));
        }
    }
    Ok(0)
}
