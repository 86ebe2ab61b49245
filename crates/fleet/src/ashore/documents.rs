//! A container of this engine as another place would have it written.

use super::{Ashore, Environment, PushOptions};
use sampan_error::{Error, Result};
use sampan_provider::{Provider, Target};
use std::sync::Arc;

impl Ashore {
    /// What sending a container somewhere would make, in that place's own form of files. `form` is a target, whose options
    /// count, or a kind of provider (`kubernetes`). Nobody is asked. The text holds the values of the container's secrets.
    ///
    /// # Errors
    /// No such container; neither a target nor a kind of provider; a place without such a form.
    pub async fn documents(&self, container: &str, form: &str, environment: &Environment) -> Result<String> {
        let provider = self.writer(form, environment)?;
        let (record, image) = self.container(container).await?;
        let replicas = self.replicas(&record, &PushOptions::default());
        let specification = super::specification::specification(&record, &image, replicas);
        provider.and_then(|provider| provider.documents(&specification)).ok_or_else(|| {
            Error::invalid(format!(
                "{form} has no files that a container is written in: `--as kubernetes` has"
            ))
        })
    }

    /// The provider of a target, or of a kind without any option; `None` where that kind wants some.
    fn writer(&self, form: &str, environment: &Environment) -> Result<Option<Arc<dyn Provider>>> {
        if self.target(form).is_ok() {
            return Ok(Some(self.provider(form, environment)?.1));
        }
        let connect = self.shared.connect(form)?;
        let target = Target { name: form.to_owned(), provider: form.to_owned(), ..Target::default() };
        Ok(connect(&target, environment).ok())
    }
}
