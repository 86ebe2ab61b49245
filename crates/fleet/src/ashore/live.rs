//! `target check --live`: the suite that every provider passes, on a user's own target.

use super::push::ready;
use super::{Ashore, Environment};
use crate::report::Report;
use sampan_error::{Error, Result};
use sampan_provider::{Health, Image, Probe, Specification, suite};
use std::time::Duration;

/// How long a place may take for each thing that is waited for: clouds take minutes to start the first container.
const PATIENCE: Duration = Duration::from_secs(300);
/// Nanoseconds between two health checks.
const INTERVAL: u64 = 1_000_000_000;

impl Ashore {
    /// Makes a small container there, does with it what the fleet does, and removes it with everything that was made for it.
    /// The built-in image may stay with a Docker engine, as images do.
    ///
    /// # Errors
    /// What the target does not do as it should, each told before; what it says.
    pub async fn try_target(&self, target: &str, environment: &Environment, report: &Report) -> Result<()> {
        let (_, provider) = self.provider(target, environment)?;
        ready(&*provider).await?;
        let program = self.engine.own_program().await?;
        let image = self.engine.images().inspect(&program).await?.image;
        let name = format!("sampan-check-{}", sampan_engine::now() / 1_000_000 % 1_000_000_000);
        let health = Health {
            probe: Probe::Command(vec!["/hello".to_owned(), "help".to_owned()]),
            interval: INTERVAL,
            timeout: 0,
            start_period: 0,
            retries: 0,
        };
        let mut wanted = Specification {
            name: name.clone(),
            image: Image {
                reference: "hello".to_owned(),
                id: image.id.clone(),
                architecture: image.architecture.clone(),
                ..Image::default()
            },
            command: Some(vec!["try".to_owned()]),
            health: Some(health),
            ..Specification::default()
        };
        wanted.image.located = match Box::pin(self.bring(&*provider, &name, &image, target, report)).await {
            Ok(located) => located,
            Err(error) => {
                // What was made for it on the way goes, too; why it failed counts.
                let _ = provider.remove(&name, true).await;
                return Err(error);
            }
        };
        report.say(format!(
            "{target}: {name} is made, stopped, started, scaled, updated, taken back and removed"
        ));
        let findings = Box::pin(suite::run(&*provider, &wanted, PATIENCE)).await;
        for finding in &findings {
            report.say(format!("{target}: {finding}"));
        }
        match findings.len() {
            0 => Ok(()),
            count => Err(Error::conflict(format!("{target} does not do {count} things as it should"))),
        }
    }
}
