//! Backups of containers of this engine: what goes into a snapshot, the two passes, and the way back.

use super::local::{Local, forget_replica};
use crate::place::{Restored, Snapshotted};
use crate::report::Report;
use sampan_backup::{Part, Repository, Snapshot};
use sampan_engine::containers::{ContainerRecord, MountRecordKind};
use sampan_engine::spec::{Bind, ContainerSpec};
use sampan_engine::{BackupParts, Engine};
use sampan_error::{Context, Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Tag of the snapshot of the first pass, which goes when the second is there.
pub(crate) const FIRST_PASS: &str = "first-pass";
/// The container itself, in a snapshot.
const CONTAINER: &str = "/container.json";
/// Label: a line for the shell that is run in the container before its backup.
const PRE: &str = "sampan.backup.pre";
/// Label: one that is run afterwards, whatever came of it.
const POST: &str = "sampan.backup.post";
/// How long each may take.
const HOOK_TIMEOUT: Duration = Duration::from_secs(30);
const LAYER: &str = "/layer";
const VOLUMES: &str = "/volumes";
/// Digits of an id that tell one from another.
const SHORT: usize = 8;

/// What of a container is no file.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    record: ContainerRecord,
}

/// A folder that goes with its owner.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is swept by the next one.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Local {
    /// Two passes: the first while the container runs, the second, of what changed since, while it stands still.
    pub(crate) async fn take_snapshot(
        &self,
        container: &str,
        repository: &Repository,
        report: &Report,
    ) -> Result<Snapshotted> {
        let engine = self.engine();
        let parts = engine.backup_parts(container).await?;
        for volume in &parts.left_out {
            report.say(format!(
                "the volume {volume} has its files elsewhere (driver options): they are not part of it"
            ));
        }
        if let Err(error) = self.hook(&parts.record, PRE, report).await {
            self.hook(&parts.record, POST, report).await?;
            return Err(error);
        }
        let taken = self.two_passes(&parts, repository, report).await;
        // It runs whatever came of the backup.
        self.hook(&parts.record, POST, report).await?;
        taken
    }

    /// Runs what a label says inside the container, when it runs.
    async fn hook(&self, record: &ContainerRecord, label: &str, report: &Report) -> Result<()> {
        let Some(line) = record.resolved.labels.get(label).filter(|_| record.is_running()) else {
            return Ok(());
        };
        report.say(format!("{label}: {line}"));
        let words = ["/bin/sh", "-c", line].map(str::to_owned).to_vec();
        let (code, said) = self
            .engine()
            .run_inside(&record.id, words, HOOK_TIMEOUT)
            .await
            .map_err(|error| error.context(format!("{label} ({line}) failed")))?;
        match code {
            0 => Ok(()),
            code => Err(Error::conflict(format!("{label} ({line}) ended with {code}: {}", said.trim()))),
        }
    }

    async fn two_passes(
        &self,
        parts: &BackupParts,
        repository: &Repository,
        report: &Report,
    ) -> Result<Snapshotted> {
        let (engine, name) = (self.engine(), parts.record.name.clone());
        let container = parts.record.id.as_str();
        let parts = parts.clone();
        let folder = engine.backup_folder()?.join("work");
        let (_folder, parts) = blocking(move || lay_out(&folder, &parts)).await?;
        let stale = self.first_passes(repository, &name).await?;
        let (first, took) = save(repository, &name, &[FIRST_PASS], None, &parts).await?;
        report.say(format!("{} files were read in {} ms while it runs", first.files_read, took.as_millis()));
        let again = ready(repository, Some(first.snapshot.id.clone())).await?;
        let begun = Instant::now();
        let guard = Frozen::take(engine, container).await?;
        let is_frozen = guard.armed;
        let saved = {
            let (name, parts) = (name.clone(), parts.clone());
            let added = first.snapshot.added;
            blocking(move || again.save(&name, &[], &parts, added)).await
        };
        guard.thaw().await?;
        let frozen = begun.elapsed();
        let saved = saved?;
        if is_frozen {
            report.say(format!(
                "{} files more while it stood still for {} ms",
                saved.files_read,
                frozen.as_millis()
            ));
        }
        let mut gone = stale;
        gone.push(first.snapshot.id);
        let repository = repository.clone();
        blocking(move || repository.forget(&gone)).await?;
        Ok(Snapshotted { snapshot: saved.snapshot, frozen: if is_frozen { frozen } else { Duration::ZERO } })
    }

    /// Snapshots of passes that a kill interrupted.
    async fn first_passes(&self, repository: &Repository, name: &str) -> Result<Vec<String>> {
        let (repository, name) = (repository.clone(), name.to_owned());
        let all = blocking(move || repository.list(Some(&name))).await?;
        let is_first = |snapshot: &Snapshot| snapshot.tags.iter().any(|tag| tag == FIRST_PASS);
        Ok(all.into_iter().filter(is_first).map(|snapshot| snapshot.id).collect())
    }

    /// Makes a container of a snapshot, with its files and its volumes. It is not started.
    pub(crate) async fn restore_snapshot(
        &self,
        repository: &Repository,
        snapshot: &Snapshot,
        name: Option<&str>,
        report: &Report,
    ) -> Result<Restored> {
        let engine = self.engine();
        let short = snapshot.id.get(..SHORT).unwrap_or(&snapshot.id).to_owned();
        let kept = read(repository, &snapshot.id).await?;
        let mut spec = kept.record.spec.clone();
        spec.image = self.image_of(&kept.record, report).await?;
        forget_replica(&mut spec);
        let name = name.unwrap_or(&kept.record.name).to_owned();
        if engine.inspect(&name).await.is_ok() {
            return Err(Error::new(
                Kind::Conflict,
                format!("there is a container {name}: --as NAME gives the restored one another name"),
            ));
        }
        let mut volumes = Vec::new();
        let mut made: Vec<(String, String, PathBuf)> = Vec::new();
        for mount in kept.record.mounts.iter().filter(|mount| mount.kind == MountRecordKind::Volume) {
            let known = made.iter().find(|(from, ..)| *from == mount.name);
            let volume = match known {
                Some((_, volume, _)) => volume.clone(),
                None => {
                    let other =
                        format!("{}-{short}", mount.name.get(..mount.name.len().min(40)).unwrap_or("volume"));
                    let (volume, path) = engine.volume_for(&mount.name, &other).await?;
                    made.push((mount.name.clone(), volume.clone(), path));
                    volume
                }
            };
            let mode = if mount.writable { String::new() } else { "ro".to_owned() };
            volumes.push(Bind { source: volume, target: mount.target.clone(), mode });
        }
        for (from, volume, path) in &made {
            report.say(format!("the volume {from} comes back as {volume}"));
            let inside = format!("{VOLUMES}/{from}");
            restore(repository, &snapshot.id, &inside, path).await?;
        }
        mount(&mut spec, volumes);
        let created = engine.create(Some(name.clone()), spec).await?;
        let layer = engine.layer_folder(&created.id)?;
        if let Err(error) = restore(repository, &snapshot.id, LAYER, &layer).await {
            // What is half there is nothing to start.
            let options = sampan_engine::containers::RemoveOptions { force: true, ..Default::default() };
            engine.remove(&created.id, options).await?;
            return Err(error);
        }
        Ok(Restored {
            id: created.id,
            name,
            volumes: made.into_iter().map(|(_, volume, _)| volume).collect(),
        })
    }

    /// The image that the container was made of: here, or from its registry.
    async fn image_of(&self, record: &ContainerRecord, report: &Report) -> Result<String> {
        let images = self.engine().images();
        let named = images.inspect(&record.spec.image).await;
        if named.is_ok_and(|named| named.image.id == record.image_id) {
            return Ok(record.spec.image.clone());
        }
        if images.inspect(&record.image_id).await.is_ok() {
            return Ok(record.image_id.clone());
        }
        let pulled = crate::place::Place::pull(self, &record.spec.image).await?;
        if pulled.image_id != record.image_id {
            report
                .say(format!("{} is another image by now than when the backup was made", record.spec.image));
        }
        Ok(record.spec.image.clone())
    }
}

/// The volumes of a restored container in the place of those that it had.
fn mount(spec: &mut ContainerSpec, volumes: Vec<Bind>) {
    let is_volume = |target: &str| volumes.iter().any(|volume| volume.target == target);
    spec.host.binds.retain(|bind| !is_volume(&bind.target));
    spec.host.mounts.retain(|mount| !is_volume(&mount.target));
    spec.host.volumes_from.clear();
    spec.host.container_id_file = String::new();
    spec.process.volumes.retain(|target| !is_volume(target));
    spec.host.binds.extend(volumes);
}

/// A container that stands still, until this is dropped: whatever happens, it goes on then.
pub(crate) struct Frozen {
    engine: Engine,
    container: String,
    armed: bool,
}

impl Frozen {
    /// Stops all its programs where they are, when it runs.
    pub(crate) async fn take(engine: &Engine, container: &str) -> Result<Self> {
        let armed = engine.freeze_for(container).await?;
        Ok(Self { engine: engine.clone(), container: container.to_owned(), armed })
    }

    pub(crate) async fn thaw(mut self) -> Result<()> {
        if std::mem::take(&mut self.armed) {
            self.engine.thaw_after(&self.container).await?;
        }
        Ok(())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if self.armed {
            let (engine, container) = (self.engine.clone(), self.container.clone());
            tokio::spawn(async move {
                if let Err(error) = engine.thaw_after(&container).await {
                    tracing::error!(%container, %error, "a container stands still after its backup");
                }
            });
        }
    }
}

/// Writes down what is no file, and says what is where. The folder is empty before.
fn lay_out(folder: &Path, parts: &BackupParts) -> Result<(Temporary, Vec<Part>)> {
    // What a kill left is nobody's.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).context(format!("cannot make {}", folder.display()))?;
    let kept = Kept { version: 1, record: ContainerRecord::clone(&parts.record) };
    let text = serde_json::to_vec_pretty(&kept)
        .map_err(|error| Error::internal("a container cannot be written down").caused_by(error))?;
    let file = folder.join("container.json");
    std::fs::write(&file, text).context(format!("cannot write {}", file.display()))?;
    let mut all =
        vec![Part { from: file, to: CONTAINER.into() }, Part { from: parts.layer.clone(), to: LAYER.into() }];
    for (name, path) in &parts.volumes {
        all.push(Part { from: path.clone(), to: Path::new(VOLUMES).join(name) });
    }
    Ok((Temporary(folder.to_owned()), all))
}

async fn ready(repository: &Repository, parent: Option<String>) -> Result<sampan_backup::Ready> {
    let repository = repository.clone();
    blocking(move || repository.ready(parent.as_deref())).await
}

async fn save(
    repository: &Repository,
    name: &str,
    tags: &'static [&'static str],
    parent: Option<String>,
    parts: &[Part],
) -> Result<(sampan_backup::Saved, Duration)> {
    let begun = Instant::now();
    let ready = ready(repository, parent).await?;
    let (name, parts) = (name.to_owned(), parts.to_vec());
    let saved = blocking(move || ready.save(&name, tags, &parts, 0)).await?;
    Ok((saved, begun.elapsed()))
}

async fn restore(repository: &Repository, id: &str, path: &str, to: &Path) -> Result<()> {
    let (repository, id, path, to) = (repository.clone(), id.to_owned(), path.to_owned(), to.to_owned());
    blocking(move || repository.restore(&id, &path, &to)).await
}

async fn read(repository: &Repository, id: &str) -> Result<Kept> {
    let (repository, id) = (repository.clone(), id.to_owned());
    let bytes = blocking(move || repository.read(&id, CONTAINER)).await?;
    let bytes = bytes.ok_or_else(|| Error::invalid("this snapshot is no backup of a container"))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::invalid(format!("the container of the backup cannot be read: {error}")))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    crate::fleet::blocking(work).await
}
