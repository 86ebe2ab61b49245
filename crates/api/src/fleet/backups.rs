//! Backups of containers.

use super::backend::Backend;
use super::handlers::told;
use super::wire::{BackupBody, RestoreBody, SnapshotBody, bytes_text};
use crate::http::{Call, Outcome, reply};
use sampan_error::Result;
use sampan_fleet::Store;

fn store<E>(call: &Call<E>) -> Store {
    Store { folder: call.query.get("to").to_owned(), key_file: call.query.get("key-file").to_owned() }
}

/// `POST /sampan/containers/{name}/backup`
pub(super) async fn take<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: BackupBody = call.optional_json().await?;
    let (engine, name, request) = (call.engine.clone(), call.parameter("name"), body.request());
    told(|report| async move {
        let done = engine.backup(&name, &request, &report).await?;
        let (id, size, added) = (&done.snapshot.id, done.snapshot.size, done.snapshot.added);
        let short = id.get(..8).unwrap_or(id);
        report.say(format!(
            "backup {short} of {name}: {}, {} of it new",
            bytes_text(size),
            bytes_text(added)
        ));
        Ok(())
    })
    .await
}

/// `GET /sampan/backups`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let name = call.query.text("container").filter(|name| !name.is_empty());
    let backups = call.engine.backups(&store(&call), name).await?;
    Ok(reply::ok(&backups.into_iter().map(SnapshotBody::from).collect::<Vec<_>>())?.into())
}

/// `POST /sampan/backups/verify`
pub(super) async fn verify<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let wrong = call.engine.verify_backups(&store(&call), call.query.flag("all-data")).await?;
    Ok(reply::ok(&serde_json::json!({"Problems": wrong}))?.into())
}

/// `POST /sampan/backups/{id}/restore`
pub(super) async fn restore<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: RestoreBody = call.optional_json().await?;
    let (engine, id) = (call.engine.clone(), call.parameter("id"));
    told(|report| async move {
        let name = body.name.filter(|name| !name.is_empty());
        let store = Store { folder: body.to, key_file: body.key_file };
        let restored = engine.restore_backup(&store, &id, name.as_deref(), &report).await?;
        report.say(format!("{} is back: docker start {}", restored.name, restored.name));
        Ok(())
    })
    .await
}

/// `DELETE /sampan/backups/{id}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.remove_backups(&store(&call), &[call.parameter("id")]).await?;
    Ok(reply::no_content().into())
}
