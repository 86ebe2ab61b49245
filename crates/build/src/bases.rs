//! What stages stand on and copy from: images, contexts, other stages.

use crate::build::Build;
use crate::context::Context;
use crate::plan;
use crate::request::{NamedContext, What};
use crate::state::State;
use crate::steps::tokio_blocking;
use sampan_dockerfile::Stage;
use sampan_engine::{Credentials, PullRequest, Steps};
use sampan_error::{Error, Kind, Result};
use sampan_image::Reference;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Fewer digits are no id.
const SHORT_ID: usize = 12;

impl Build {
    /// A stage on an image, or on nothing.
    pub(crate) async fn base(&self, stage: &Stage, base: &str) -> Result<State> {
        if base == "scratch" {
            let mut state = State::default();
            state.config.env.push(crate::state::PATH.to_owned());
            state.config.working_dir = "/".to_owned();
            return Ok(state);
        }
        let platform = stage.platform.as_deref().map(|platform| self.global(platform)).transpose()?;
        let image = self.image(base, platform).await?;
        let found = self.builder.engine.build_base(&image)?;
        let mut state =
            State { config: found.config.clone(), history: found.history.clone(), ..State::default() };
        state.stand_on(&found);
        (state.base, state.base_layers) = (state.image.clone(), state.layers);
        state.base_history = state.history.len();
        state.author.clone_from(&found.author);
        if !state.has_variable("PATH=") {
            state.config.env.insert(0, crate::state::PATH.to_owned());
        }
        Ok(state)
    }

    /// An image by name: one that is here, else from its registry.
    async fn image(&self, name: &str, platform: Option<String>) -> Result<String> {
        let name = match self.named_context(name) {
            Some((_, NamedContext::Image(other))) => other.as_str(),
            Some((key, NamedContext::Files)) => {
                return Err(Error::invalid(format!(
                    "the context {key:?} is a folder, which no stage can stand on: use COPY --from={key}"
                )));
            }
            None => name,
        };
        // A number of a few digits is meant as a name, though it may be what some id begins with.
        let is_short = name.len() < SHORT_ID && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let wanted = if is_short { format!("{name}:latest") } else { name.to_owned() };
        let here = self.builder.engine.build_base(&wanted);
        let here = match here {
            Ok(image) if !self.request.pull => return Ok(image.id.clone()),
            Err(error) if error.kind() != Kind::NotFound => return Err(error),
            other => other.ok(),
        };
        let reference =
            Reference::parse(name).map_err(|error| Error::invalid(error.to_string()))?.or_latest();
        let domain = reference.domain().to_owned();
        let request = PullRequest {
            image: reference.familiar(),
            tag: None,
            platform: platform.or_else(|| self.request.platform.clone()),
            credentials: self.credentials(&domain).await?,
        };
        self.tell(What::Note(format!("Pulling {name}")));
        let (steps, _) = tokio::sync::mpsc::unbounded_channel();
        // The future of a transfer is large: here it would be part of every step's.
        match Box::pin(self.builder.engine.images().pull(request, Steps::new(steps))).await {
            Ok(_) => Ok(self.builder.engine.build_base(name)?.id.clone()),
            // What cannot be asked for and is here is good enough, unless it was to be fetched.
            Err(error) => match here.filter(|_| !self.request.pull) {
                Some(image) => Ok(image.id.clone()),
                None => Err(error),
            },
        }
    }

    /// What the caller put in place of an image or stage of this name.
    pub(crate) fn named_context(&self, name: &str) -> Option<(&str, &NamedContext)> {
        let whole = |name: &str| Reference::parse(name).ok().map(|name| name.or_latest().to_string());
        let contexts = &self.request.contexts;
        let found = contexts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let found = found.or_else(|| {
            let wanted = whole(name)?;
            contexts.iter().find(|(key, _)| whole(key).as_ref() == Some(&wanted))
        });
        found.map(|(key, context)| (key.as_str(), context))
    }

    /// What is known of the contents of the context, when it is one that is kept.
    pub(crate) fn known_contents(&self) -> Option<Arc<crate::digest::Contents>> {
        let is_kept = self.context.get().is_some_and(Context::is_kept);
        is_kept.then(|| self.builder.engine.resident(crate::digest::Contents::default))
    }

    pub(crate) async fn credentials(&self, registry: &str) -> Result<Credentials> {
        match self.request.credentials.get(registry) {
            Some(given) => Ok(given.clone()),
            None => Ok(self.client.credentials(registry).await?.unwrap_or_default()),
        }
    }

    /// Where COPY takes its files from.
    pub(crate) async fn root_of(&self, index: usize, from: Option<&str>) -> Result<Arc<OwnedFd>> {
        let Some(from) = from else {
            let context = self.context.get_or_try_init(|| self.client.context()).await?;
            return Ok(Arc::new(context.root.try_clone()?));
        };
        if let Some((key, NamedContext::Files)) = self.named_context(from) {
            let mut contexts = self.named.lock().await;
            if !contexts.contains_key(key) {
                contexts.insert(key.to_owned(), self.client.named_context(key).await?);
            }
            return Ok(Arc::new(contexts[key].root.try_clone()?));
        }
        let image = match plan::find(&self.file, from, index) {
            Some(earlier) => self.outcome(earlier).await?.image.clone(),
            None => Some(self.image(from, None).await?),
        };
        let engine = self.builder.engine.clone();
        tokio_blocking(move || match image {
            Some(image) => Ok(Arc::new(engine.build_view(&image)?)),
            None => Err(Error::invalid("there is nothing in that stage to copy from")),
        })
        .await
    }
}
