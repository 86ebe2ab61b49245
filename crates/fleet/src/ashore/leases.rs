//! Leases that this engine keeps: who may run a container of which there are copies at two places.
//!
//! The holder renews in time, and stops its container when it cannot (its supervisor does, `Expire`). When nobody renewed for
//! the whole time by this engine's clock, the copy here is started: at no moment do two run. A daemon that starts again
//! knows nothing of clocks before, and waits for the whole time once more.

use super::Ashore;
use crate::fleet::blocking;
use sampan_error::{Error, Kind, Result};
use sampan_provider::Lease;
use sampan_state::{Durability, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Who holds what lives here.
const OWN: &str = "";
/// Between two looks at who did not renew.
const LOOK: Duration = Duration::from_millis(250);
/// The longest and the shortest time that can be asked for, seconds.
const SECONDS: std::ops::RangeInclusive<u64> = 2..=3600;

/// A lease in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeptLease(Lease);

/// A lease, and when it ends.
pub(crate) struct Granted {
    lease: Lease,
    until: Instant,
}

/// All of them, by name.
pub(crate) type Leases = BTreeMap<String, Granted>;

impl Record for KeptLease {
    const COLLECTION: &'static str = "lease";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.0.name.clone()
    }
}

/// The leases of the store: each holds for its whole time from now.
pub(crate) fn again(stored: Vec<KeptLease>) -> Leases {
    let granted = |KeptLease(lease): KeptLease| {
        let until = Instant::now() + Duration::from_secs(lease.seconds);
        (lease.name.clone(), Granted { lease, until })
    };
    stored.into_iter().map(granted).collect()
}

impl Ashore {
    /// Gives a lease to whoever asks, unless another one has it; without seconds it is given back.
    ///
    /// # Errors
    /// Somebody else has it; no such container here, or one that runs; a time that is none.
    pub async fn grant(&self, wanted: Lease) -> Result<Lease> {
        let name = wanted.name.clone();
        if wanted.holder == OWN {
            return Err(Error::invalid("a lease has a holder: say who you are"));
        }
        let mut known = self.shared.leases().get(&name).map(|granted| granted.lease.clone());
        if known.as_ref().is_some_and(|known| known.holder == OWN)
            && self.engine.inspect(&name).await.is_err()
        {
            // It moved on, or was removed.
            self.drop_lease(&name).await?;
            known = None;
        }
        if let Some(known) = known.as_ref().filter(|known| known.holder != wanted.holder) {
            let who = if known.holder == OWN {
                "this engine runs it".to_owned()
            } else {
                format!("{} has it", known.holder)
            };
            return Err(Error::conflict(format!("{name} cannot be leased: {who}")));
        }
        if wanted.seconds == 0 {
            self.drop_lease(&name).await?;
            self.let_start(&name).await?;
            return Ok(wanted);
        }
        if !SECONDS.contains(&wanted.seconds) {
            return Err(Error::invalid("a lease is for 2 to 3600 seconds"));
        }
        if known.is_none() && self.engine.inspect(&name).await?.is_running() {
            return Err(Error::conflict(format!("{name} runs here: only one that is kept ready is leased")));
        }
        self.engine.hold_back(&name).await?;
        let epoch = known.as_ref().map_or(1, |known| known.epoch);
        let lease = Lease { epoch, ..wanted };
        if known.as_ref() != Some(&lease) {
            self.keep_lease(&lease).await?;
        }
        let until = Instant::now() + Duration::from_secs(lease.seconds);
        self.shared.leases().insert(name, Granted { lease: lease.clone(), until });
        Ok(lease)
    }

    /// Nothing holds the copy back any more.
    async fn let_start(&self, name: &str) -> Result<()> {
        match self.engine.end_lease(name).await {
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn keep_lease(&self, lease: &Lease) -> Result<()> {
        let (records, kept) = (self.shared.lease_records.clone(), KeptLease(lease.clone()));
        blocking(move || Ok(records.put(&kept, Durability::Full)?)).await
    }

    async fn drop_lease(&self, name: &str) -> Result<()> {
        let (records, key) = (self.shared.lease_records.clone(), name.to_owned());
        blocking(move || Ok(records.remove(&key, Durability::Full).map(drop)?)).await?;
        self.shared.leases().remove(name);
        Ok(())
    }

    /// Takes over what nobody renewed, for ever.
    pub(crate) async fn watch_leases(self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let now = Instant::now();
            let over: Vec<Lease> = self
                .shared
                .leases()
                .values()
                .filter(|granted| granted.lease.holder != OWN && granted.until <= now)
                .map(|granted| granted.lease.clone())
                .collect();
            for lease in over {
                if let Err(error) = self.take_over(&lease).await {
                    tracing::error!(container = %lease.name, %error, "its copy here cannot be started");
                }
            }
        }
    }

    /// Written down first: whoever asks from now on is told that it lives here.
    async fn take_over(&self, lease: &Lease) -> Result<()> {
        tracing::warn!(container = %lease.name, was = %lease.holder, "nobody renewed its lease: it is started here");
        let own = Lease { holder: OWN.to_owned(), epoch: lease.epoch + 1, ..lease.clone() };
        self.keep_lease(&own).await?;
        self.shared.leases().insert(lease.name.clone(), Granted { lease: own, until: Instant::now() });
        self.let_start(&lease.name).await?;
        match self.engine.start(&lease.name).await {
            Err(error) if error.kind() == Kind::NotFound => self.drop_lease(&lease.name).await,
            Err(error) if error.kind() == Kind::NotModified => Ok(()),
            other => other,
        }
    }
}
