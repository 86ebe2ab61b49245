//! One build: its stages in order, and the image at the end.

use crate::cache::Cache;
use crate::client::Client;
use crate::context::Context;
use crate::exchange::{DoneStep, INLINE, Imported};
use crate::held::Holds;
use crate::inputs::Inputs;
use crate::plan;
use crate::request::{Begin, Event, ProgramFailed, Request, What};
use crate::state::State;
use crate::steps::tokio_blocking;
use sampan_dockerfile::{self as dockerfile, Dockerfile, Stage};
use sampan_engine::Engine;
use sampan_error::{Error, Kind, Result};
use sampan_image::{BuildStep, Reference};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OnceCell, Semaphore, watch};

/// Builds on one engine.
#[derive(Clone)]
pub struct Builder {
    pub(crate) engine: Engine,
    pub(crate) cache: Cache,
}

/// Bytes of output that may wait for a client that does not read.
const WAITING: usize = 16 << 20;

/// The ARG that makes builds come out the same each time (reproducible-builds.org, "SOURCE_DATE_EPOCH").
pub(crate) const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// Seconds since 1970, in nanoseconds.
fn epoch(text: &str) -> Result<i64> {
    let seconds = text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    seconds.ok_or_else(|| Error::invalid(format!("{EPOCH}: {text:?} is no number of seconds since 1970")))
}

/// A build under way, as one of its stages sees it. All stages share what is in it.
#[derive(Clone)]
pub(crate) struct Build {
    pub(crate) builder: Builder,
    pub(crate) request: Arc<Request>,
    pub(crate) client: Arc<dyn Client>,
    /// Its context, as soon as a step needed it.
    pub(crate) context: Arc<OnceCell<Context>>,
    /// Named contexts that a step needed.
    pub(crate) named: Arc<tokio::sync::Mutex<BTreeMap<String, Context>>>,
    pub(crate) file: Arc<Dockerfile>,
    events: UnboundedSender<Event>,
    /// ARGs before the first FROM.
    pub(crate) globals: Arc<BTreeMap<String, Option<String>>>,
    /// Names of ARGs that were declared somewhere.
    pub(crate) consumed: Arc<Mutex<BTreeSet<String>>>,
    /// Each stage's outcome, for those that wait for it.
    finished: Arc<BTreeMap<usize, watch::Sender<Option<Arc<State>>>>>,
    /// What others did before, by the names that the request gave.
    pub(crate) imported: Arc<Vec<Imported>>,
    /// Steps that this build did or found.
    pub(crate) done: Arc<Mutex<Vec<DoneStep>>>,
    /// How many bytes of output may wait for those who asked.
    pub(crate) waiting: Arc<Semaphore>,
    /// Images that this build stands on.
    pub(crate) holds: Arc<Holds>,
    /// `SOURCE_DATE_EPOCH`: the time of everything that is made, nanoseconds since 1970.
    pub(crate) epoch: Option<i64>,
    /// Nothing of this stage is taken from the cache.
    pub(crate) no_cache: bool,
    /// The step that this stage is at.
    number: usize,
    total: usize,
    /// The step among those of its stage that make files.
    place: (usize, usize),
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

    /// Builds; gives the image's id. Dropping the future ends the build and removes what it was about.
    ///
    /// # Errors
    /// The Dockerfile is wrong, a step failed, no space.
    pub async fn build(
        &self,
        request: Request,
        client: Arc<dyn Client>,
        events: UnboundedSender<Event>,
    ) -> Result<String> {
        let context = Arc::new(OnceCell::new());
        let text = match &request.dockerfile_text {
            Some(text) => text.clone(),
            None => {
                let name = if request.dockerfile.is_empty() { "Dockerfile" } else { &request.dockerfile };
                context.get_or_try_init(|| client.context()).await?.text(name)?
            }
        };
        let file = dockerfile::parse(&text).map_err(|failure| Error::invalid(failure.to_string()))?;
        for tag in &request.tags {
            check_tag(tag)?;
        }
        warn(&dockerfile::check(&text), &events)?;
        let mut build = Build {
            builder: self.clone(),
            request: Arc::new(request),
            client,
            context,
            named: Arc::default(),
            file: Arc::new(file),
            events,
            globals: Arc::default(),
            consumed: Arc::default(),
            finished: Arc::default(),
            imported: Arc::default(),
            done: Arc::default(),
            waiting: Arc::new(Semaphore::new(WAITING)),
            holds: Arc::new(Holds::new(&self.engine)),
            epoch: None,
            no_cache: false,
            number: 0,
            total: 0,
            place: (0, 0),
        };
        build.all().await
    }
}

/// Tells what should be written otherwise.
///
/// # Errors
/// The Dockerfile asks that it ends the build.
fn warn(checked: &dockerfile::Checked, events: &UnboundedSender<Event>) -> Result<()> {
    for warning in &checked.warnings {
        // Whoever asked may have gone.
        let _ = events.send(Event { step: 0, what: What::Warning(warning.clone()) });
    }
    if checked.is_error && !checked.warnings.is_empty() {
        let mut rules: Vec<&str> = checked.warnings.iter().map(|warning| warning.rule).collect();
        rules.dedup();
        return Err(Error::invalid(format!("lint violation found for rules: {}", rules.join(", "))));
    }
    Ok(())
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
    pub(crate) fn tell(&self, what: What) {
        // Whoever asked may have gone; the build then ends with its future.
        let _ = self.events.send(Event { step: self.number, what });
    }

    async fn all(&mut self) -> Result<String> {
        let file = Arc::clone(&self.file);
        self.globals = Arc::new(self.predefined());
        self.epoch = self.request.arguments.get(EPOCH).map(|text| epoch(text)).transpose()?;
        for (name, default) in &file.arguments {
            let default = default.as_deref().map(|text| self.global(text)).transpose()?;
            let value = self.request.arguments.get(name).cloned().or(default);
            self.consume(name);
            Arc::make_mut(&mut self.globals).insert(name.clone(), value);
        }
        if !self.request.no_cache {
            self.imported = Arc::new(self.import().await?);
        }
        let (last, needed) = plan::needed(&file, &self.request.target, &|stage| self.global(&stage.base))?;
        self.total = needed.iter().map(|index| 1 + file.stages[*index].instructions.len()).sum();
        self.finished = Arc::new(needed.iter().map(|index| (*index, watch::channel(None).0)).collect());
        let mut first = 0;
        let stages = needed.into_iter().map(|index| {
            let mut own = self.clone();
            own.number = first;
            first += 1 + file.stages[index].instructions.len();
            own.finish_stage(index, Arc::clone(&file))
        });
        let stages: Vec<_> = stages.map(Box::pin).collect();
        futures_util::future::try_join_all(stages).await?;
        let state = self.outcome(last).await?;
        let image = self.finish(State::clone(&state)).await?;
        for tag in &self.request.tags {
            self.builder.engine.images().tag(&image, tag).await?;
        }
        Box::pin(self.export(last)).await?;
        self.builder.engine.build_flush();
        self.builder.look_through();
        self.warn_of_unused();
        Ok(image)
    }

    /// Notes that an ARG of this name is known.
    pub(crate) fn consume(&self, name: &str) {
        self.consumed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
    }

    /// A stage to its end; those that wait for it go on.
    async fn finish_stage(mut self, index: usize, file: Arc<Dockerfile>) -> Result<()> {
        match Box::pin(self.stage(index, &file.stages[index])).await {
            Ok(state) => {
                self.tell(What::End);
                if let Some(finished) = self.finished.get(&index) {
                    finished.send_replace(Some(Arc::new(state)));
                }
                Ok(())
            }
            Err(error) => {
                let program = ProgramFailed::of(&error).map(ToString::to_string);
                self.tell(What::Failed(program.unwrap_or_else(|| error.to_string())));
                Err(error)
            }
        }
    }

    /// What a stage came to, as soon as it is there. If the stage fails, the whole build does, and with it who waits.
    ///
    /// # Errors
    /// The stage is not built: the target seemed not to need it.
    pub(crate) async fn outcome(&self, index: usize) -> Result<Arc<State>> {
        let Some(finished) = self.finished.get(&index) else {
            let name = &self.file.stages[index].line.text;
            return Err(Error::invalid(format!(
                "the stage {name:?} is only used by an ONBUILD trigger: name it in a FROM or COPY of the Dockerfile"
            )));
        };
        let mut finished = finished.subscribe();
        loop {
            if let Some(state) = finished.borrow_and_update().clone() {
                return Ok(state);
            }
            // The sender is in `self`: it cannot have gone.
            let _ = finished.changed().await;
        }
    }

    /// ARGs that are there without being declared, for FROM lines; inside a stage they have to be declared.
    fn predefined(&self) -> BTreeMap<String, Option<String>> {
        let own = format!("linux/{}", sampan_image::host_architecture());
        let target = self.request.platform.clone().unwrap_or_else(|| own.clone());
        let mut globals = BTreeMap::new();
        for (prefix, platform) in [("TARGET", &target), ("BUILD", &own)] {
            let mut parts = platform.splitn(3, '/');
            let mut set = |name: &str, value: Option<&str>| {
                globals.insert(format!("{prefix}{name}"), Some(value.unwrap_or_default().to_owned()));
            };
            set("PLATFORM", Some(platform));
            set("OS", parts.next());
            set("ARCH", parts.next());
            set("VARIANT", parts.next());
        }
        globals.insert(
            "TARGETSTAGE".to_owned(),
            Some(self.request.target.clone()).filter(|it| !it.is_empty()).or(Some("default".to_owned())),
        );
        globals
    }

    /// A word of a FROM line with its variables replaced.
    pub(crate) fn global(&self, word: &str) -> Result<String> {
        dockerfile::expand(word, self.file.escape, &|name| self.globals.get(name).cloned().flatten())
            .map_err(|message| Error::invalid(format!("failed to process {word:?}: {message}")))
    }

    /// All stages that are built.
    pub(crate) fn all_stages(&self) -> Vec<usize> {
        self.finished.keys().copied().collect()
    }

    async fn stage(&mut self, index: usize, stage: &Stage) -> Result<State> {
        self.place = (0, 1 + stage.instructions.iter().filter(|it| it.kind.makes_files()).count());
        self.begin(index, &stage.line.text, true);
        let names = [stage.name.clone().unwrap_or_default(), index.to_string()];
        self.no_cache =
            self.request.no_cache || self.request.no_cache_stages.iter().any(|name| names.contains(name));
        let base = self.global(&stage.base)?;
        if base.is_empty() {
            return Err(Error::invalid(format!("base name ({}) should not be blank", stage.base)));
        }
        let named = plan::base(&self.file, &base, index).filter(|_| self.named_context(&base).is_none());
        let mut state = match named {
            Some(earlier) => State { has_command: false, ..State::clone(&*self.outcome(earlier).await?) },
            None => self.base(stage, &base).await?,
        };
        state.escape = self.file.escape;
        if let Some(image) = &state.image {
            self.tell(What::Image(image.clone()));
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
            self.tell(What::End);
            self.begin(index, &instruction.line.text, instruction.kind.makes_files());
            Box::pin(self.instruction(&mut state, index, instruction)).await.map_err(|error| {
                let message = format!("{error}\n{:4} | {}", instruction.line.number, instruction.line.shown);
                match error.kind() {
                    Kind::InvalidArgument => Error::invalid(message).caused_by(error),
                    _ => error,
                }
            })?;
        }
        Ok(state)
    }

    fn begin(&mut self, index: usize, text: &str, makes_files: bool) {
        self.number += 1;
        self.place.0 += usize::from(makes_files);
        let name = self.file.stages[index].name.clone();
        self.tell(What::Begin(Begin {
            number: self.number,
            total: self.total,
            text: text.to_owned(),
            stage: name.unwrap_or_else(|| format!("stage-{index}")),
            index,
            place: makes_files.then_some(self.place),
        }));
    }

    /// A step on what there is so far, with everything that was said.
    pub(crate) fn step_of(&self, state: &State) -> BuildStep {
        BuildStep {
            parent: state.image.clone(),
            config: state.config.clone(),
            history: state.history.clone(),
            writable: None,
            author: state.author.clone(),
            unfinished: true,
            created: self.epoch,
            cached: Vec::new(),
        }
    }

    /// The image itself.
    async fn finish(&self, mut state: State) -> Result<String> {
        state.config.labels.extend(self.request.labels.clone());
        let steps: Vec<_> =
            state.history.iter().map(|entry| (&entry.created_by, entry.empty_layer)).collect();
        let config = serde_json::to_value(&state.config)
            .map_err(|error| Error::internal("a configuration cannot be written").caused_by(error))?;
        let inputs = Inputs::of([
            ("the files", json!(state.image)),
            ("the configuration", config),
            ("the history", json!(steps)),
            ("the author", json!(state.author)),
            ("SOURCE_DATE_EPOCH", json!(self.epoch)),
        ]);
        let cached = self.inline_steps(&state)?;
        let inputs = if self.request.squash { inputs.with("--squash", json!(true)) } else { inputs };
        let inputs = if cached.is_empty() { inputs } else { inputs.with("the cache within", json!(cached)) };
        let key = inputs.key();
        let _only = self.builder.engine.build_alone(&key).await;
        let known = if self.request.no_cache { None } else { self.builder.cache.find(&key, &self.holds) };
        if let Some(known) = known {
            return Ok(known);
        }
        if self.request.squash {
            self.squash(&mut state).await?;
        }
        let (engine, step) =
            (self.builder.engine.clone(), BuildStep { unfinished: false, cached, ..self.step_of(&state) });
        let made = tokio_blocking(move || Ok(engine.build_step(&step)?.id.clone())).await?;
        self.builder.cache.keep(&key, &made, "image", inputs)?;
        Ok(made)
    }

    fn warn_of_unused(&self) {
        let consumed = self.consumed.lock().unwrap_or_else(PoisonError::into_inner);
        let unused: Vec<&str> = self
            .request
            .arguments
            .keys()
            .map(String::as_str)
            .filter(|name| {
                *name != EPOCH
                    && *name != INLINE
                    && !consumed.contains(*name)
                    && !crate::steps::PROXIES.contains(name)
            })
            .collect();
        if !unused.is_empty() {
            self.tell(What::Note(format!(
                "[Warning] One or more build-args [{}] were not consumed",
                unused.join(" ")
            )));
        }
    }
}
