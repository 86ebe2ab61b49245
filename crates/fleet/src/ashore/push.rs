//! Sending a container to a target.

use super::{Ashore, Environment, archive};
use crate::report::Report;
use sampan_engine::containers::{CommitOptions, ContainerRecord};
use sampan_engine::{Credentials, PushRequest, Steps};
use sampan_error::{Error, Kind, Result};
use sampan_image::{Image, RemoveOptions};
use sampan_provider::{Failure, ImageRoute, Loss, Provider, RegistryAccess, Service, Severity, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a place may take until a container answers.
const PATIENCE: Duration = Duration::from_secs(900);
/// Pauses between two looks: they grow from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// How a container is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PushOptions {
    /// With its image as it was made, whatever it wrote since.
    pub image_only: bool,
    /// How many; `None` is as many as here.
    pub replicas: Option<u32>,
}

/// What would be done, or was.
#[derive(Debug, Clone, Default)]
pub struct Pushed {
    /// What is there now; before the push in a plan.
    pub service: Option<Service>,
    /// What would be done.
    pub steps: Vec<String>,
    /// What is not there as it is here.
    pub losses: Vec<Loss>,
}

impl Ashore {
    /// What sending a container to a target would do. Asks, and changes nothing.
    ///
    /// # Errors
    /// No such container or target; the target cannot be reached.
    pub async fn plan(
        &self,
        container: &str,
        target: &str,
        options: &PushOptions,
        environment: &Environment,
    ) -> Result<Pushed> {
        let (_, provider) = self.provider(target, environment)?;
        ready(&*provider).await?;
        let (record, image) = self.container(container).await?;
        let specification =
            super::specification::specification(&record, &image, self.replicas(&record, options));
        let current = there(&*provider, &record.name).await?;
        let mut steps = Vec::new();
        if !options.image_only && self.was_changed(&record).await? {
            steps.push(format!("make an image of what {} wrote", record.name));
        }
        steps.push(format!("bring {} over", specification.image.reference));
        steps.extend(provider.plan(&specification, current.as_ref()));
        Ok(Pushed { service: current, steps, losses: provider.losses(&specification) })
    }

    /// Sends a container to a target: its image, committed first if its files differ, and everything else about it. It
    /// stays here, too. Sending again is an update.
    ///
    /// # Errors
    /// What the target cannot do; what it says.
    pub async fn push(
        &self,
        container: &str,
        target: &str,
        options: &PushOptions,
        environment: &Environment,
        report: &Report,
    ) -> Result<Pushed> {
        let (place, provider) = self.provider(target, environment)?;
        let simulated = if place.simulated { " (simulated)" } else { "" };
        ready(&*provider).await?;
        if let Some(moved) = self.moved(container) {
            return Box::pin(self.lives_there(&moved, target, &*provider, report)).await;
        }
        let (record, image) = self.container(container).await?;
        let mut specification =
            super::specification::specification(&record, &image, self.replicas(&record, options));
        let source = specification.fingerprint();
        let losses = provider.losses(&specification);
        refuse(&losses, target)?;
        for loss in &losses {
            report.say(format!("{target}{simulated}: {}", sentence(loss)));
        }
        let image = self.image_to_send(&record, &image, options.image_only, report).await?;
        specification.image.id.clone_from(&image.id);
        specification.image.located = self.bring(&*provider, &record.name, &image, target, report).await?;
        report.say(format!("{target}{simulated}: {} is being put in place", record.name));
        provider.deploy(&specification).await?;
        let service = settled(&*provider, &record.name, report, target).await?;
        self.landed(&record.name, target, source, &service.fingerprint).await?;
        Ok(Pushed { service: Some(service), steps: Vec::new(), losses })
    }

    /// One that was moved is where it is to be, or is not to be sent elsewhere from here.
    async fn lives_there(
        &self,
        moved: &super::Moved,
        target: &str,
        provider: &dyn Provider,
        report: &Report,
    ) -> Result<Pushed> {
        if moved.target != target {
            return Err(Error::conflict(format!(
                "{0} lives at {1}, and is sent to others from here when it is back: `sampan container move {0} local`",
                moved.name, moved.target
            )));
        }
        report.say(format!("{} lives at {target}", moved.name));
        Ok(Pushed { service: there(provider, &moved.name).await?, ..Pushed::default() })
    }

    pub(super) async fn container(&self, container: &str) -> Result<(Arc<ContainerRecord>, Arc<Image>)> {
        let record = self.engine.inspect(container).await?;
        let image = self.engine.images().inspect(&record.image_id).await?.image;
        Ok((record, image))
    }

    pub(super) fn replicas(&self, record: &ContainerRecord, options: &PushOptions) -> u32 {
        let here = crate::Fleet::local(&self.engine).group(&record.name).map_or(1, |group| group.replicas);
        options.replicas.unwrap_or(here).max(1)
    }

    /// The image that a container is sent with: its own, or one that is made of its files when they differ.
    pub(super) async fn image_to_send(
        &self,
        record: &ContainerRecord,
        image: &Arc<Image>,
        image_only: bool,
        report: &Report,
    ) -> Result<Arc<Image>> {
        if image_only || !self.was_changed(record).await? {
            return Ok(Arc::clone(image));
        }
        report.say(format!("{}: its files differ from its image's, an image is made of them", record.name));
        self.commit_for(record).await
    }

    async fn was_changed(&self, record: &ContainerRecord) -> Result<bool> {
        Ok(!self.engine.changes(&record.id).await?.is_empty())
    }

    async fn commit_for(&self, record: &ContainerRecord) -> Result<Arc<Image>> {
        let options =
            CommitOptions { pause: true, message: "sent to a target".to_owned(), ..CommitOptions::default() };
        let id = self.engine.commit(&record.id, options).await?;
        Ok(self.engine.images().inspect(&id).await?.image)
    }

    /// Brings an image over; gives the name by which the target finds it.
    pub(super) async fn bring(
        &self,
        provider: &dyn Provider,
        name: &str,
        image: &Image,
        target: &str,
        report: &Report,
    ) -> Result<String> {
        match provider.image_route(name, &image.id, &image.diff_ids).await? {
            ImageRoute::Registry(access) => {
                report.say(format!("{target}: the image goes to {}/{}", access.host, access.repository));
                self.push_image(image, &access).await
            }
            ImageRoute::Archive(layers) if layers.complete => Ok(image.id.clone()),
            ImageRoute::Archive(layers) => {
                let present = archive::present(&image.diff_ids, &layers);
                let missing = image.diff_ids.len() - present.len();
                report.say(format!("{target}: {missing} of {} layers go there", image.diff_ids.len()));
                let sparse = archive::write(&self.engine, vec![image.id.clone()], present.clone()).await?;
                if let Err(failure) = provider.load_image(&sparse.path()).await {
                    if present.is_empty() {
                        return Err(failure.into());
                    }
                    // Not every engine takes an image without the layers that it has.
                    let whole =
                        archive::write(&self.engine, vec![image.id.clone()], Default::default()).await?;
                    provider.load_image(&whole.path()).await?;
                }
                Ok(image.id.clone())
            }
        }
    }

    async fn push_image(&self, image: &Image, access: &RegistryAccess) -> Result<String> {
        let short = image.id.trim_start_matches("sha256:").get(..12).unwrap_or("latest");
        let (repository, tag) = (format!("{}/{}", access.host, access.repository), short.to_owned());
        let name = format!("{repository}:{tag}");
        let images = self.engine.images();
        images.tag(&image.id, &name).await?;
        let request = PushRequest {
            image: repository.clone(),
            tag: Some(tag),
            credentials: Credentials {
                username: access.user.clone(),
                password: access.password.clone(),
                server: access.host.clone(),
                ..Credentials::default()
            },
            ..PushRequest::default()
        };
        let (sender, _nobody) = tokio::sync::mpsc::unbounded_channel();
        let pushed = images.push(request, Steps::new(sender)).await;
        // The name was for the way; the image stays.
        let _ = images.remove(&name, RemoveOptions { no_prune: true, ..RemoveOptions::default() }).await;
        let pushed = pushed?;
        let digest = pushed.first().map(|one| one.digest.clone()).unwrap_or_default();
        let located = format!("{repository}@{digest}");
        let _ = images.remove(&located, RemoveOptions { no_prune: true, ..RemoveOptions::default() }).await;
        Ok(located)
    }
}

/// Fails with what is missing at a place.
pub(super) async fn ready(provider: &dyn Provider) -> Result<()> {
    let identity = provider.identify().await?;
    match identity.missing.first() {
        None => Ok(()),
        Some(_) => Err(Error::conflict(identity.missing.join("; "))),
    }
}

pub(super) async fn there(provider: &dyn Provider, name: &str) -> Result<Option<Service>> {
    match provider.describe(name).await {
        Ok(service) => Ok(Some(service)),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// What a loss means, as a sentence.
#[must_use]
pub fn sentence(loss: &Loss) -> String {
    let becomes =
        if loss.becomes.is_empty() { "is lost".to_owned() } else { format!("becomes {}", loss.becomes) };
    format!("{} {} {becomes}", loss.setting, loss.asked)
}

pub(super) fn refuse(losses: &[Loss], target: &str) -> Result<()> {
    let fatal: Vec<String> =
        losses.iter().filter(|loss| loss.severity == Severity::Fatal).map(sentence).collect();
    match fatal.is_empty() {
        true => Ok(()),
        false => {
            Err(Error::new(Kind::NotImplemented, format!("it cannot live at {target}: {}", fatal.join("; "))))
        }
    }
}

/// Waits until a service answers, or fails.
pub(super) async fn settled(
    provider: &dyn Provider,
    name: &str,
    report: &Report,
    target: &str,
) -> Result<Service> {
    let begun = Instant::now();
    let (mut pause, longest) = PAUSES;
    let mut said = String::new();
    loop {
        let service = provider.describe(name).await?;
        let failed = service.rollout.as_ref().filter(|rollout| rollout.failed);
        if let Some(rollout) = failed {
            let back = if rollout.rolled_back { "; it was taken back" } else { "" };
            return Err(Error::conflict(format!(
                "{name} does not get ready at {target}: {}{back}",
                rollout.reason
            )));
        }
        let finished = service.rollout.as_ref().is_none_or(|rollout| rollout.finished);
        match service.state {
            State::Running if finished => return Ok(service),
            State::Failed => {
                return Err(Error::conflict(format!(
                    "{name} does not get ready at {target}: {}",
                    service.note
                )));
            }
            State::Stopped => {
                return Err(Error::conflict(format!("{name} ended at {target}: {}", service.note)));
            }
            _ => {}
        }
        if begun.elapsed() > PATIENCE {
            return Err(Error::new(
                Kind::Deadline,
                format!("{name} is not ready at {target} yet: {} of {}", service.ready, service.wanted),
            ));
        }
        let now = format!("{target}: {} of {} ready", service.ready, service.wanted);
        if now != said {
            report.say(now.clone());
            said = now;
        }
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}
