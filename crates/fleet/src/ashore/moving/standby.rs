//! `container move -d`: a copy at a target that is ready to be started there, brought up to date again and again.

use super::journal::Voyage;
use super::volumes::once;
use super::{Moving, check_volumes};
use crate::ashore::push::{ready, refuse, there};
use crate::ashore::specification::specification;
use crate::ashore::{Ashore, Environment};
use crate::fleet::Fleet;
use crate::places::backups::Frozen;
use crate::report::Report;
use sampan_error::{Error, Result};
use sampan_provider::{SeedRole, State};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Where a copy is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StandbyRequest {
    /// The target.
    pub target: String,
    /// Seconds without a word after which the target takes over by itself; 0 is never.
    pub failover: u64,
}

impl Ashore {
    /// Brings the copy up to date: image, volumes as they are at one moment, and the container itself, which is made and not
    /// started. Gives what came of it, as a sentence.
    ///
    /// # Errors
    /// What the target says; it runs there, which would be two.
    pub async fn keep_warm(
        &self,
        container: &str,
        request: &StandbyRequest,
        environment: &Environment,
        report: &Report,
    ) -> Result<String> {
        let target = &request.target;
        if let Some(moved) = self.moved(container) {
            return match moved.target == *target {
                true => Ok(format!("it lives at {target}: a copy is kept again when it is back here")),
                false => Err(Error::conflict(format!(
                    "{container} lives at {}: a copy is kept of one that lives here",
                    moved.target
                ))),
            };
        }
        let (_, provider) = self.provider(target, environment)?;
        ready(&*provider).await?;
        let fleet = Fleet::local(&self.engine);
        let (group, _) = fleet.replicas(container).await?;
        let (record, image) = self.container(&group.leader).await?;
        let name = record.name.clone();
        let mut wanted = specification(&record, &image, 0);
        check_volumes(&record, &wanted, provider.capabilities().seeds, target)?;
        refuse(&provider.losses(&wanted), target)?;
        let current = there(&*provider, &name).await?;
        if current.as_ref().is_some_and(|current| current.state != State::Stopped && current.wanted > 0) {
            return Err(Error::conflict(format!(
                "{name} runs at {target}, and a copy that waits would take its place: `sampan rm {name}@{target}` first"
            )));
        }
        wanted.image.id.clone_from(&image.id);
        wanted.image.located = Box::pin(self.bring(&*provider, &name, &image, target, report)).await?;
        let voyage = Voyage { name: name.clone(), target: target.clone(), ..Voyage::default() };
        let moving = Moving { ashore: self, fleet, group, provider, report, voyage };
        let copied = match wanted.volumes.is_empty() {
            true => "no volumes".to_owned(),
            false => {
                let volumes = once(&wanted.volumes);
                let folders = moving.folders(&record, &volumes).await?;
                let mut transfer = moving.transfer(&volumes, folders, SeedRole::Receive).await?;
                moving.copy_before(&mut transfer).await?;
                let begun = Instant::now();
                let frozen = Frozen::take(&self.engine, &record.id).await?;
                let round = transfer.round(false).await;
                frozen.thaw().await?;
                let round = round?;
                format!(
                    "{} files of {} bytes, {} of them new in the last round, while it stood still for {} ms",
                    round.files,
                    round.bytes,
                    round.sent,
                    begun.elapsed().as_millis()
                )
            }
        };
        if current.is_none_or(|current| current.fingerprint != wanted.fingerprint()) {
            moving.provider.deploy(&wanted).await?;
        }
        Ok(format!("the copy at {target} is as of now: {copied}"))
    }
}
