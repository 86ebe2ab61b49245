//! One build: its stages in order, and the image at the end.

use crate::cache::Cache;
use crate::context::Context;
use crate::dockerfile::{self, Dockerfile, Stage};
use crate::plan;
use crate::request::{Event, Request};
use crate::state::State;
use crate::steps::tokio_blocking;
use sampan_engine::{Engine, PullRequest, Steps};
use sampan_error::{Error, Kind, Result};
use sampan_image::{BuildStep, Reference};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// Builds on one engine.
#[derive(Clone)]
pub struct Builder {
    pub(crate) engine: Engine,
    pub(crate) cache: Cache,
}

/// A build under way.
pub(crate) struct Build {
    pub(crate) builder: Builder,
    pub(crate) request: Request,
    context: Arc<Context>,
    file: Arc<Dockerfile>,
    events: UnboundedSender<Event>,
    /// ARGs before the first FROM.
    pub(crate) globals: BTreeMap<String, Option<String>>,
    /// Names of ARGs that were declared somewhere.
    pub(crate) consumed: BTreeSet<String>,
    finished: HashMap<usize, State>,
    number: usize,
    total: usize,
}

impl Builder {
    /// A builder on an engine, with the cache of its data root.
    ///
    /// # Errors
    /// The data root cannot be written.
    pub fn new(engine: &Engine) -> Result<Self> {
        Ok(Self { engine: engine.clone(), cache: Cache::open(engine)? })
    }

    /// Where contexts are unpacked.
    ///
    /// # Errors
    /// The data root cannot be written.
    pub fn folder(&self) -> Result<std::path::PathBuf> {
        self.engine.build_folder()
    }

    /// Forgets all outcomes; how many there were. Blocks.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn prune(&self) -> Result<usize> {
        self.cache.clear()
    }

    /// Builds; gives the image's id. Dropping the future ends the build and removes what it was about.
    ///
    /// # Errors
    /// The Dockerfile is wrong, a step failed, no space.
    pub async fn build(
        &self,
        request: Request,
        context: Context,
        events: UnboundedSender<Event>,
    ) -> Result<String> {
        let context = Arc::new(context);
        let text = match &request.dockerfile_text {
            Some(text) => text.clone(),
            None => {
                let name = if request.dockerfile.is_empty() { "Dockerfile" } else { &request.dockerfile };
                context.text(name)?
            }
        };
        let file = dockerfile::parse(&text).map_err(|failure| Error::invalid(failure.to_string()))?;
        for tag in &request.tags {
            check_tag(tag)?;
        }
        let mut build = Build {
            builder: self.clone(),
            request,
            context,
            file: Arc::new(file),
            events,
            globals: BTreeMap::new(),
            consumed: BTreeSet::new(),
            finished: HashMap::new(),
            number: 0,
            total: 0,
        };
        build.all().await
    }
}

/// A name for an image, with a hint where a space is missing (`-t name:v1.`).
fn check_tag(tag: &str) -> Result<()> {
    let error = match Reference::parse(tag) {
        Ok(_) if !tag.ends_with('.') => return Ok(()),
        Ok(_) => {
            return Err(Error::invalid(format!(
                "invalid tag {tag:?}: did you mean \"-t {} .\"?",
                tag.trim_end_matches('.')
            )));
        }
        Err(error) => error,
    };
    Err(Error::invalid(format!("invalid tag {tag:?}: {error}")))
}

impl Build {
    pub(crate) fn tell(&self, event: Event) {
        // Whoever asked may have gone; the build then ends with its future.
        let _ = self.events.send(event);
    }

    async fn all(&mut self) -> Result<String> {
        let file = Arc::clone(&self.file);
        self.predefined();
        for (name, default) in &file.arguments {
            let default = default.as_deref().map(|text| self.global(text)).transpose()?;
            let value = self.request.arguments.get(name).cloned().or(default);
            self.consumed.insert(name.clone());
            self.globals.insert(name.clone(), value);
        }
        let (last, needed) = plan::needed(&file, &self.request.target, &|stage| self.global(&stage.base))?;
        self.total = needed.iter().map(|index| 1 + file.stages[*index].instructions.len()).sum();
        for index in needed {
            let state = Box::pin(self.stage(index, &file.stages[index])).await?;
            self.finished.insert(index, state);
        }
        let state = self.finished.remove(&last).ok_or_else(|| Error::internal("the target was not built"))?;
        let image = self.finish(state).await?;
        for tag in &self.request.tags {
            self.builder.engine.images().tag(&image, tag).await?;
        }
        self.warn_of_unused();
        Ok(image)
    }

    /// ARGs that are there without being declared, for FROM lines; inside a stage they have to be declared.
    fn predefined(&mut self) {
        let own = format!("linux/{}", sampan_image::host_architecture());
        let target = self.request.platform.clone().unwrap_or_else(|| own.clone());
        for (prefix, platform) in [("TARGET", &target), ("BUILD", &own)] {
            let mut parts = platform.splitn(3, '/');
            let mut set = |name: &str, value: Option<&str>| {
                self.globals.insert(format!("{prefix}{name}"), Some(value.unwrap_or_default().to_owned()));
            };
            set("PLATFORM", Some(platform));
            set("OS", parts.next());
            set("ARCH", parts.next());
            set("VARIANT", parts.next());
        }
        self.globals.insert(
            "TARGETSTAGE".to_owned(),
            Some(self.request.target.clone()).filter(|it| !it.is_empty()).or(Some("default".to_owned())),
        );
    }

    /// A word of a FROM line with its variables replaced.
    fn global(&self, word: &str) -> Result<String> {
        dockerfile::expand(word, self.file.escape, &|name| self.globals.get(name).cloned().flatten())
            .map_err(|message| Error::invalid(format!("failed to process {word:?}: {message}")))
    }

    async fn stage(&mut self, index: usize, stage: &Stage) -> Result<State> {
        self.begin(&stage.line.text);
        let base = self.global(&stage.base)?;
        if base.is_empty() {
            return Err(Error::invalid(format!("base name ({}) should not be blank", stage.base)));
        }
        let named = plan::find(&self.file, &base, index).filter(|_| base.parse::<usize>().is_err());
        let mut state = match named.and_then(|earlier| self.finished.get(&earlier)) {
            Some(earlier) => State { has_command: false, arguments: BTreeMap::new(), ..earlier.clone() },
            None => self.base(stage, &base).await?,
        };
        state.escape = self.file.escape;
        if let Some(image) = &state.image {
            self.tell(Event::Image(image.clone()));
        }
        let triggers = std::mem::take(&mut state.config.on_build);
        for trigger in triggers {
            let line = dockerfile::Line {
                number: stage.line.number,
                shown: trigger.clone(),
                text: trigger,
                heredocs: Vec::new(),
            };
            let instruction =
                dockerfile::instruction(line, '\\').map_err(|failure| Error::invalid(failure.to_string()))?;
            Box::pin(self.instruction(&mut state, index, &instruction)).await?;
        }
        for instruction in &stage.instructions {
            self.begin(&instruction.line.text);
            Box::pin(self.instruction(&mut state, index, instruction)).await.map_err(|error| {
                let message = format!("{error}\n{:4} | {}", instruction.line.number, instruction.line.shown);
                match error.kind() {
                    Kind::InvalidArgument => Error::invalid(message),
                    _ => error,
                }
            })?;
        }
        Ok(state)
    }

    fn begin(&mut self, text: &str) {
        self.number += 1;
        self.tell(Event::Step { number: self.number, total: self.total, text: text.to_owned() });
    }

    /// A stage on an image, or on nothing.
    async fn base(&self, stage: &Stage, base: &str) -> Result<State> {
        if base == "scratch" {
            let mut state = State::default();
            state.config.env.push(crate::state::PATH.to_owned());
            state.config.working_dir = "/".to_owned();
            return Ok(state);
        }
        let platform = stage.platform.as_deref().map(|platform| self.global(platform)).transpose()?;
        let image = self.image(base, platform).await?;
        let found = self.builder.engine.build_base(&image)?;
        let mut state = State {
            image: Some(image),
            config: found.config.clone(),
            history: found.history.clone(),
            ..State::default()
        };
        state.author.clone_from(&found.author);
        if state.config.working_dir.is_empty() {
            state.config.working_dir = "/".to_owned();
        }
        if !state.has_variable("PATH=") {
            state.config.env.insert(0, crate::state::PATH.to_owned());
        }
        Ok(state)
    }

    /// An image by name: one that is here, else from its registry.
    async fn image(&self, name: &str, platform: Option<String>) -> Result<String> {
        let here = self.builder.engine.build_base(name);
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
            credentials: self.request.credentials.get(&domain).cloned().unwrap_or_default(),
        };
        self.tell(Event::Note(format!("Pulling {name}")));
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

    /// Where COPY takes its files from.
    pub(crate) async fn root_of(&self, index: usize, from: Option<&str>) -> Result<Arc<OwnedFd>> {
        let Some(from) = from else {
            return Ok(Arc::new(self.context.root.try_clone()?));
        };
        let earlier = plan::find(&self.file, from, index).and_then(|earlier| self.finished.get(&earlier));
        let image = match earlier {
            Some(state) => state.image.clone(),
            None => Some(self.image(from, None).await?),
        };
        let engine = self.builder.engine.clone();
        tokio_blocking(move || match image {
            Some(image) => Ok(Arc::new(engine.build_view(&image)?)),
            None => Err(Error::invalid("there is nothing in that stage to copy from")),
        })
        .await
    }

    /// A step on what there is so far, with everything that was said.
    pub(crate) fn step_of(&self, state: &State) -> BuildStep {
        BuildStep {
            parent: state.image.clone(),
            config: state.config.clone(),
            history: state.history.clone(),
            writable: None,
            author: state.author.clone(),
        }
    }

    /// The image itself.
    async fn finish(&self, mut state: State) -> Result<String> {
        state.config.labels.extend(self.request.labels.clone());
        let steps: Vec<_> =
            state.history.iter().map(|entry| (&entry.created_by, entry.empty_layer)).collect();
        let config = serde_json::to_value(&state.config)
            .map_err(|error| Error::internal("a configuration cannot be written").caused_by(error))?;
        let key = Cache::key(&json!(["image", state.image, config, steps, state.author]));
        let _only = self.builder.engine.build_alone(&key).await;
        let known = if self.request.no_cache { None } else { self.builder.cache.find(&key) };
        if let Some(known) = known {
            return Ok(known);
        }
        let (engine, step) = (self.builder.engine.clone(), self.step_of(&state));
        let made = tokio_blocking(move || Ok(engine.build_step(&step)?.id.clone())).await?;
        self.builder.cache.keep(&key, &made)?;
        Ok(made)
    }

    fn warn_of_unused(&self) {
        let unused: Vec<&str> = self
            .request
            .arguments
            .keys()
            .map(String::as_str)
            .filter(|name| !self.consumed.contains(*name) && !crate::steps::PROXIES.contains(name))
            .collect();
        if !unused.is_empty() {
            self.tell(Event::Note(format!(
                "[Warning] One or more build-args [{}] were not consumed",
                unused.join(" ")
            )));
        }
    }
}
