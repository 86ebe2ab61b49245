//! `container deploy -d`: a container is kept at a target as it is here.

use super::push::there;
use super::{Ashore, Environment, PushOptions};
use crate::fleet::blocking;
use crate::report::Report;
use sampan_error::Result;
use sampan_provider::State;
use sampan_state::{Durability, Record};
use serde::{Deserialize, Serialize};

/// What is kept where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeployRequest {
    /// The target.
    pub target: String,
    /// How it is sent.
    pub options: PushOptions,
}

/// What was sent to a target the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Landing {
    container: String,
    target: String,
    /// Fingerprint of what it is here. An image that was made of its files is not in it: they change all the time.
    source: String,
    /// Fingerprint of what it is there.
    there: String,
}

impl Record for Landing {
    const COLLECTION: &'static str = "landing";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        format!("{}@{}", self.container, self.target)
    }
}

impl Ashore {
    /// Notes what was sent.
    pub(super) async fn landed(
        &self,
        container: &str,
        target: &str,
        source: String,
        there: &str,
    ) -> Result<()> {
        let landing = Landing {
            container: container.to_owned(),
            target: target.to_owned(),
            source,
            there: there.to_owned(),
        };
        let records = self.shared.landings.clone();
        blocking(move || Ok(records.put(&landing, Durability::Full)?)).await
    }

    async fn landing(&self, container: &str, target: &str) -> Result<Option<Landing>> {
        let (records, key) = (self.shared.landings.clone(), format!("{container}@{target}"));
        blocking(move || Ok(records.all()?.into_iter().find(|landing| landing.key() == key))).await
    }

    /// Sends a container again when it changed here, or is not there any more as it was sent. One that a user stopped there
    /// stays so. The credentials are the daemon's own.
    ///
    /// # Errors
    /// As [`Ashore::push`].
    pub async fn keep(&self, container: &str, request: &DeployRequest, report: &Report) -> Result<String> {
        let target = &request.target;
        let (_, provider) = self.provider(target, &Environment::new())?;
        let (record, image) = self.container(container).await?;
        let replicas = self.replicas(&record, &request.options);
        let source = super::specification::specification(&record, &image, replicas).fingerprint();
        let current = there(&*provider, &record.name).await?;
        let landing = self.landing(&record.name, target).await?;
        let why = match (&current, &landing) {
            (None, _) => "it was not there",
            (_, None) => "it was never sent",
            (Some(current), _) if current.state == State::Failed => "it had failed there",
            (_, Some(landing)) if landing.source != source => "it changed here",
            (Some(current), Some(landing)) if current.fingerprint != landing.there => "it was changed there",
            _ => return Ok("as it is to be".to_owned()),
        };
        self.push(container, target, &request.options, &Environment::new(), report).await?;
        Ok(format!("sent to {target}: {why}"))
    }
}
