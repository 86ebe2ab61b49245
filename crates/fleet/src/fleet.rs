//! All groups of one place, and one operation at a time on each.

use crate::ashore::Ashore;
use crate::controllers::autoscale::Memory;
use crate::group::{Group, Operation, Outcome};
use crate::jobs::Job;
use crate::member::Member;
use crate::place::Place;
use crate::places::local::Local;
use crate::report::Report;
use sampan_backup::Repository;
use sampan_engine::Engine;
use sampan_error::{Error, Result};
use sampan_state::{Collection, Durability};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard};

/// The fleet. Clones are the same one.
#[derive(Clone)]
pub struct Fleet {
    place: Arc<dyn Place>,
    shared: Arc<Shared>,
    /// Other places; none where there is no engine.
    ashore: Option<Ashore>,
}

/// What all clones have in common.
pub(crate) struct Shared {
    records: Collection<Group>,
    /// The groups, as they are in the store.
    groups: Mutex<BTreeMap<String, Group>>,
    /// Held while something is done with a group.
    working: Locks,
    /// Held while a group's connections are sent another way.
    routing: Locks,
    /// Replicas that get no new connections.
    leaving: Mutex<HashMap<String, HashSet<String>>>,
    job_records: Collection<Job>,
    /// The jobs, as they are in the store.
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Jobs that are being done.
    busy: Mutex<HashSet<String>>,
    /// Told when a job came, went or was done.
    pub(crate) jobs_changed: Notify,
    /// What the autoscaler remembers of each group.
    memories: Mutex<HashMap<String, Memory>>,
    /// Held while a backup is taken or removed.
    pub(crate) backing_up: tokio::sync::Mutex<()>,
    /// Repositories that were opened, by folder and key file.
    repositories: Mutex<HashMap<(PathBuf, PathBuf), Repository>>,
    /// Snapshots that were removed since space was given back.
    removed: AtomicUsize,
}

/// How long whoever wants to do something waits for those who only look.
const PATIENCE: Duration = Duration::from_secs(10);

/// A lock for each group.
type Locks = Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>;

fn lock_of(locks: &Locks, name: &str) -> Arc<tokio::sync::Mutex<()>> {
    let mut locks = locks.lock().unwrap_or_else(PoisonError::into_inner);
    locks.retain(|_, lock| Arc::strong_count(lock) > 1);
    Arc::clone(locks.entry(name.to_owned()).or_default())
}

impl Shared {
    fn load(records: Collection<Group>, job_records: Collection<Job>) -> Self {
        let jobs = job_records.all().unwrap_or_else(|error| {
            tracing::error!(%error, "the fleet's jobs cannot be read");
            Vec::new()
        });
        let groups = records.all().unwrap_or_else(|error| {
            tracing::error!(%error, "the fleet's groups cannot be read");
            Vec::new()
        });
        Self {
            records,
            groups: Mutex::new(groups.into_iter().map(|group| (group.name.clone(), group)).collect()),
            working: Mutex::default(),
            routing: Mutex::default(),
            leaving: Mutex::default(),
            job_records,
            jobs: Mutex::new(jobs.into_iter().map(|job| (job.id(), job)).collect()),
            busy: Mutex::default(),
            jobs_changed: Notify::new(),
            memories: Mutex::default(),
            backing_up: tokio::sync::Mutex::default(),
            repositories: Mutex::default(),
            removed: AtomicUsize::default(),
        }
    }

    pub(crate) fn repository(&self, folder: &Path, key_file: &Path) -> Option<Repository> {
        let known = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(folder.to_owned(), key_file.to_owned())).cloned()
    }

    pub(crate) fn know_repository(&self, folder: &Path, key_file: &Path, repository: Repository) {
        let mut known = self.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((folder.to_owned(), key_file.to_owned()), repository);
    }

    /// Notes so many more; gives all since the last [`Self::removed_none`].
    pub(crate) fn removed(&self, more: usize) -> usize {
        self.removed.fetch_add(more, Ordering::Relaxed) + more
    }

    pub(crate) fn removed_none(&self) {
        self.removed.store(0, Ordering::Relaxed);
    }

    pub(crate) fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a job is being done; false when it is already.
    pub(crate) fn begin(&self, id: &str) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    pub(crate) fn end(&self, id: &str) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    pub(crate) fn memory(&self, name: &str) -> Memory {
        let memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn remember(&self, name: &str, memory: Memory) {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.insert(name.to_owned(), memory);
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<String, Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fleet {
    /// The fleet of this engine, with the groups that its store has.
    #[must_use]
    pub fn local(engine: &Engine) -> Self {
        let shared = engine.resident(|| Shared::load(engine.collection(), engine.collection()));
        Self { place: Arc::new(Local::new(engine)), shared, ashore: Some(Ashore::of(engine)) }
    }

    /// Other places than this one.
    pub(crate) fn ashore(&self) -> Result<&Ashore> {
        self.ashore.as_ref().ok_or_else(|| Error::unavailable("this place sends nothing to others"))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) async fn save_job(&self, job: &Job) -> Result<()> {
        let (records, saved) = (self.shared.job_records.clone(), job.clone());
        blocking(move || Ok(records.put(&saved, Durability::Full)?)).await?;
        self.shared.jobs().insert(job.id(), job.clone());
        Ok(())
    }

    pub(crate) async fn forget_job(&self, id: &str) -> Result<()> {
        let (records, key) = (self.shared.job_records.clone(), id.to_owned());
        blocking(move || Ok(records.remove(&key, Durability::Full).map(drop)?)).await?;
        self.shared.jobs().remove(id);
        Ok(())
    }

    pub(crate) fn place(&self) -> &dyn Place {
        &*self.place
    }

    /// All groups, by name.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        self.shared.groups().values().cloned().collect()
    }

    /// One group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Group> {
        self.shared.groups().get(name).cloned()
    }

    /// All groups with their replicas.
    ///
    /// # Errors
    /// What the place says.
    pub async fn with_members(&self) -> Result<Vec<(Group, Vec<Member>)>> {
        let mut all = Vec::new();
        for group in self.groups() {
            let members = self.place().members(&group).await?;
            all.push((group, members));
        }
        Ok(all)
    }

    /// The group of a container, which is one of its own as long as it was never scaled, with its replicas.
    ///
    /// # Errors
    /// No such container; it is a replica of another one.
    pub async fn replicas(&self, container: &str) -> Result<(Group, Vec<Member>)> {
        let (group, _) = self.group_of(container).await?;
        let members = self.place().members(&group).await?;
        Ok((group, members))
    }

    pub(crate) async fn save(&self, group: &Group) -> Result<()> {
        let (records, group) = (self.shared.records.clone(), group.clone());
        let saved = group.clone();
        blocking(move || Ok(records.put(&group, Durability::Full)?)).await?;
        self.shared.groups().insert(saved.name.clone(), saved);
        Ok(())
    }

    pub(crate) async fn forget(&self, name: &str) -> Result<()> {
        let (records, key) = (self.shared.records.clone(), name.to_owned());
        blocking(move || Ok(records.remove(&key, Durability::Full).map(drop)?)).await?;
        self.shared.groups().remove(name);
        Ok(())
    }

    /// Keeps others from doing something with the group; waits a little for those who only look after it.
    ///
    /// # Errors
    /// Somebody does something that takes its time.
    pub(crate) async fn alone(&self, name: &str) -> Result<OwnedMutexGuard<()>> {
        let busy = || {
            Error::conflict(format!(
                "something is being done with {name} already: wait until that is over (`sampan container replicas {name}`)"
            ))
        };
        if self.group(name).is_some_and(|group| group.operation.is_some()) {
            return Err(busy());
        }
        let lock = lock_of(&self.shared.working, name).lock_owned();
        tokio::time::timeout(PATIENCE, lock).await.map_err(|_| busy())
    }

    /// The same for what was under way when the last daemon ended.
    pub(crate) async fn alone_again(&self, name: &str) -> OwnedMutexGuard<()> {
        lock_of(&self.shared.working, name).lock_owned().await
    }

    /// The same, unless somebody else is there.
    pub(crate) fn try_alone(&self, name: &str) -> Option<OwnedMutexGuard<()>> {
        lock_of(&self.shared.working, name).try_lock_owned().ok()
    }

    pub(crate) fn set_leaving(&self, name: &str, ids: &[String]) {
        let mut leaving = self.shared.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.is_empty() {
            leaving.remove(name);
        } else {
            leaving.entry(name.to_owned()).or_default().extend(ids.iter().cloned());
        }
    }

    /// Sends new connections to those replicas that are ready and not leaving; when none is, to all that run, as it would be
    /// without us.
    ///
    /// # Errors
    /// What the place says.
    pub(crate) async fn route(&self, group: &Group) -> Result<()> {
        let _one = lock_of(&self.shared.routing, &group.name).lock_owned().await;
        let members = self.place().members(group).await?;
        let leaving = {
            let leaving = self.shared.leaving.lock().unwrap_or_else(PoisonError::into_inner);
            leaving.get(&group.name).cloned().unwrap_or_default()
        };
        let now = self.place().now();
        let stay = || members.iter().filter(|member| member.running && !leaving.contains(&member.id));
        let mut to: Vec<&crate::Member> =
            stay().filter(|member| member.is_ready(&group.settings, now)).collect();
        if to.is_empty() {
            to = stay().collect();
        }
        to.sort_by_key(|member| (member.number, member.generation));
        let ids: Vec<String> = to.into_iter().map(|member| member.id.clone()).collect();
        self.place().route(group, &ids).await
    }

    /// Does what the group's operation says, or goes on with it, and writes down how it ended.
    ///
    /// # Errors
    /// It failed; what was possible was taken back.
    pub(crate) async fn operate(&self, mut group: Group, report: &Report) -> Result<Group> {
        let done = self.operate_on(&mut group, report).await;
        let what = match &group.operation {
            Some(Operation::Scale) => format!("scaled to {}", group.replicas),
            Some(Operation::RollBack { .. }) => "rolled back".to_owned(),
            _ => format!("updated to {}", group.wanted().map(|it| it.image.clone()).unwrap_or_default()),
        };
        let error = done.as_ref().err().map(ToString::to_string).unwrap_or_default();
        group.operation = None;
        group.last = Some(Outcome { at: self.place().now(), what, error });
        self.save(&group).await?;
        done?;
        Ok(group)
    }

    async fn operate_on(&self, group: &mut Group, report: &Report) -> Result<()> {
        match group.operation.clone() {
            None => Ok(()),
            Some(Operation::Scale) => self.carry_out(group, report).await,
            Some(Operation::Update { from }) => self.update_from(group, from, report).await,
            Some(Operation::Watch { from, until }) => self.watch_update(group, from, until, report).await,
            Some(Operation::RollBack { reason }) => self.roll_back(group, reason, report).await,
        }
    }
}

/// Runs what blocks away from the tasks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::internal("the fleet met a bug; see the daemon's log").caused_by(panic))?
}
