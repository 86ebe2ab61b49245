//! The targets of an engine, as its store keeps them.

use super::keep::Landing;
use super::leases::{self, KeptLease, Leases};
use super::moving::{Moved, Voyage};
use super::{Ashore, Environment};
use crate::fleet::blocking;
use sampan_engine::Engine;
use sampan_error::{Error, Kind, Result};
use sampan_provider::{Connect, Target, TargetName};
use sampan_state::{Collection, Durability, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is kept for as long as the engine lives.
pub(crate) struct Shared {
    records: Collection<Stored>,
    pub(super) voyage_records: Collection<Voyage>,
    pub(super) moved_records: Collection<Moved>,
    pub(super) lease_records: Collection<KeptLease>,
    leases: Mutex<Leases>,
    voyages: Mutex<BTreeMap<String, Voyage>>,
    moved: Mutex<BTreeMap<String, Moved>>,
    pub(crate) landings: Collection<Landing>,
    targets: Mutex<BTreeMap<String, Target>>,
    providers: Mutex<BTreeMap<&'static str, Connect>>,
    simulated: Mutex<BTreeMap<String, Simulated>>,
}

/// A target in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stored(Target);

/// A cloud that is simulated for now: all regions of its provider mean it.
#[derive(Clone, Default)]
pub struct Simulated {
    /// Where it is.
    pub endpoint: String,
    /// What its clients have in their environment, a secret among it.
    pub environment: Environment,
}

impl Record for Stored {
    const COLLECTION: &'static str = "target";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.0.name.clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn all<T: Record>(records: &Collection<T>) -> Vec<T> {
    records.all().unwrap_or_else(|error| {
        tracing::error!(%error, collection = T::COLLECTION, "what is known of other places cannot be read");
        Vec::new()
    })
}

impl Shared {
    pub(crate) fn load(engine: &Engine) -> Self {
        let (records, landings) = (engine.collection::<Stored>(), engine.collection());
        let (voyage_records, moved_records) = (engine.collection(), engine.collection());
        let stored = all(&records);
        let lease_records = engine.collection();
        Self {
            leases: Mutex::new(leases::again(all(&lease_records))),
            lease_records,
            voyages: Mutex::new(
                all(&voyage_records).into_iter().map(|one: Voyage| (one.name.clone(), one)).collect(),
            ),
            moved: Mutex::new(
                all(&moved_records).into_iter().map(|one: Moved| (one.name.clone(), one)).collect(),
            ),
            voyage_records,
            moved_records,
            records,
            landings,
            targets: Mutex::new(stored.into_iter().map(|one| (one.0.name.clone(), one.0)).collect()),
            providers: Mutex::default(),
            simulated: Mutex::default(),
        }
    }

    pub(super) fn leases(&self) -> MutexGuard<'_, Leases> {
        locked(&self.leases)
    }

    pub(super) fn voyages(&self) -> MutexGuard<'_, BTreeMap<String, Voyage>> {
        locked(&self.voyages)
    }

    pub(super) fn moved(&self) -> MutexGuard<'_, BTreeMap<String, Moved>> {
        locked(&self.moved)
    }

    pub(crate) fn install(&self, providers: &[(&'static str, Connect)]) {
        *locked(&self.providers) = providers.iter().copied().collect();
    }

    pub(crate) fn connect(&self, provider: &str) -> Result<Connect> {
        let providers = locked(&self.providers);
        providers.get(provider).copied().ok_or_else(|| {
            let known: Vec<&str> = providers.keys().copied().collect();
            Error::invalid(format!("there is no provider {provider:?} yet; there are {}", known.join(", ")))
        })
    }
}

impl Ashore {
    /// The targets that were made, by name.
    #[must_use]
    pub fn targets(&self) -> Vec<Target> {
        locked(&self.shared.targets).values().cloned().collect()
    }

    /// A target: one that was made, or a region of a cloud.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn target(&self, name: &str) -> Result<Target> {
        let name = TargetName::parse(name)?;
        if let Some(target) = locked(&self.shared.targets).get(name.as_str()) {
            return Ok(target.clone());
        }
        let mut target = name.built_in().ok_or_else(|| {
            Error::not_found(format!(
                "there is no target {}: `sampan target create` makes one, and the regions of clouds are called \
                 aws-us-east-1, azure-westus, google-europe-west1",
                name.as_str()
            ))
        })?;
        if let Some(simulated) = locked(&self.shared.simulated).get(&target.provider) {
            target.endpoint.clone_from(&simulated.endpoint);
            target.simulated = true;
        }
        Ok(target)
    }

    /// What a target's clients have in their environment: the asker's, or the simulation's.
    pub(crate) fn credentials(&self, target: Target, environment: &Environment) -> (Target, Environment) {
        let simulated =
            locked(&self.shared.simulated).get(&target.provider).filter(|_| target.simulated).cloned();
        let environment = simulated.map_or_else(|| environment.clone(), |simulated| simulated.environment);
        (target, environment)
    }

    /// From now on the regions of this provider mean a simulation; `None` ends that.
    pub fn simulate(&self, provider: &str, simulated: Option<Simulated>) {
        let mut all = locked(&self.shared.simulated);
        match simulated {
            Some(simulated) => drop(all.insert(provider.to_owned(), simulated)),
            None => drop(all.remove(provider)),
        }
    }

    /// Makes a target.
    ///
    /// # Errors
    /// A name that is none or is taken; a kind of provider that is not there; an address that is none.
    pub async fn create_target(&self, target: Target) -> Result<Target> {
        TargetName::parse(&target.name)?;
        if locked(&self.shared.targets).contains_key(&target.name) {
            return Err(Error::new(
                Kind::AlreadyExists,
                format!("there is a target {} already", target.name),
            ));
        }
        let connect = self.shared.connect(&target.provider)?;
        // What cannot be right is said now; who is asking is found out at the moment of use.
        match connect(&target, &Environment::new()) {
            Err(failure) if sampan_error::Classify::kind(&failure) == Kind::InvalidArgument => {
                return Err(failure.into());
            }
            _ => {}
        }
        let (records, stored) = (self.shared.records.clone(), Stored(target.clone()));
        blocking(move || Ok(records.put(&stored, Durability::Full)?)).await?;
        locked(&self.shared.targets).insert(target.name.clone(), target.clone());
        Ok(target)
    }

    /// Forgets a target. What lives there goes on.
    ///
    /// # Errors
    /// It was not made.
    pub async fn remove_target(&self, name: &str) -> Result<()> {
        if !locked(&self.shared.targets).contains_key(name) {
            return Err(Error::not_found(format!(
                "there is no target {name} that was made: `sampan target ls`"
            )));
        }
        let (records, key) = (self.shared.records.clone(), name.to_owned());
        blocking(move || Ok(records.remove(&key, Durability::Full).map(drop)?)).await?;
        locked(&self.shared.targets).remove(name);
        Ok(())
    }
}
