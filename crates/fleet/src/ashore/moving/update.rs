//! A container that lives elsewhere is brought up to date there.

use super::Moved;
use crate::ashore::push::{refuse, settled, there};
use crate::ashore::specification::specification;
use crate::ashore::{Ashore, Environment};
use crate::fleet::Fleet;
use crate::report::Report;
use sampan_error::{Error, Result};

impl Ashore {
    /// Brings one that was moved to the newest image of its name, or to another one. Gives what came of it, as a sentence.
    ///
    /// # Errors
    /// It was not moved; its image cannot be had; what the target says, which takes a failed one back where it can.
    pub async fn update_moved(
        &self,
        name: &str,
        image: &str,
        force: bool,
        environment: &Environment,
        report: &Report,
    ) -> Result<String> {
        let fleet = Fleet::local(&self.engine);
        let moved = self.moved(name).ok_or_else(|| Error::not_found(format!("No such container: {name}")))?;
        let _alone = fleet.alone(name).await?;
        let (_, provider) = self.provider(&moved.target, environment)?;
        let wanted = if image.is_empty() { moved.record.spec.image.as_str() } else { image };
        let pulled = fleet.place().pull(wanted).await?;
        if !pulled.note.is_empty() {
            report.say(pulled.note);
        }
        if pulled.image_id == moved.record.image_id && !force {
            return Ok("nothing newer".to_owned());
        }
        let image = self.engine.images().inspect(&pulled.image_id).await?.image;
        let mut record = moved.record.clone();
        wanted.clone_into(&mut record.spec.image);
        record.image_id.clone_from(&image.id);
        let current = there(&*provider, name).await?;
        let replicas = current.map_or(moved.replicas, |current| current.wanted.max(1));
        let mut specification = specification(&record, &image, replicas);
        let source = specification.fingerprint();
        refuse(&provider.losses(&specification), &moved.target)?;
        specification.image.located =
            Box::pin(self.bring(&*provider, name, &image, &moved.target, report)).await?;
        provider.deploy(&specification).await?;
        let service = settled(&*provider, name, report, &moved.target).await?;
        self.landed(name, &moved.target, source, &service.fingerprint).await?;
        let image = record.spec.image.clone();
        self.note_moved(Moved { record, replicas, ..moved }).await?;
        Ok(format!("updated to {image}"))
    }
}
