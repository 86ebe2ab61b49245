//! Containers that may run here only as long as somebody elsewhere says so. What holds that is the supervisor: it ends the
//! container in time when the daemon is gone, or hangs.

use crate::Engine;
use sampan_error::Result;
use sampan_state::Durability;
use std::time::Duration;

impl Engine {
    /// A container that runs goes on for so long, and from now on starts by [`Self::start_leased`] only.
    ///
    /// # Errors
    /// No such container; its supervisor is gone.
    pub async fn lease_for(&self, reference: &str, time: Duration) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        if !container.record().leased {
            let record = container.change(|record| record.leased = true);
            self.save_now(&record, Durability::Full).await?;
        }
        match container.live() {
            Some(live) => {
                live.supervisor.expire(Some(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))).await
            }
            None => Ok(()),
        }
    }

    /// One that does not run is started by [`Self::start_leased`] only, or after [`Self::end_lease`].
    ///
    /// # Errors
    /// No such container.
    pub async fn hold_back(&self, reference: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        if container.record().leased {
            return Ok(());
        }
        let record = container.change(|record| record.leased = true);
        self.save_now(&record, Durability::Full).await
    }

    /// Starts it for so long.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_leased(&self, reference: &str, time: Duration) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        {
            let _operation = container.operation.lock().await;
            self.start_locked(&container, None).await?;
        }
        self.lease_for(reference, time).await
    }

    /// It runs here for as long as it wants again.
    ///
    /// # Errors
    /// No such container; its supervisor is gone.
    pub async fn end_lease(&self, reference: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let record = container.change(|record| record.leased = false);
        self.save_now(&record, Durability::Full).await?;
        match container.live() {
            Some(live) => live.supervisor.expire(None).await,
            None => Ok(()),
        }
    }
}
