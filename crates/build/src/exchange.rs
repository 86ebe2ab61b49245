//! Steps from builds elsewhere and for builds elsewhere: caches at registries and within images.
//!
//! A step's number is made of what it depends on alone, the chain of layers below it among that, so it is the same on
//! every machine. A cache names its layers and which step each came of; a layer is fetched only when its step is wanted.

use crate::build::Build;
use crate::inputs::Inputs;
use crate::request::What;
use crate::state::State;
use crate::steps::tokio_blocking;
use sampan_engine::{Credentials, RemoteCache};
use sampan_error::{Error, Result};
use sampan_image::{BuildCache, CachedChain, CachedStep, Image, Reference, cache_config};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

/// The ARG by which BuildKit's clients ask for a cache within the image (BuildKit's documentation, "Inline cache").
pub(crate) const INLINE: &str = "BUILDKIT_INLINE_CACHE";

/// Where the steps of a build go beside the engine's own cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheTarget {
    /// Into the image's configuration.
    Inline,
    /// To a registry, under a name of their own.
    Registry {
        /// The name.
        name: String,
        /// Those of stages that the image was only copied from, too.
        all_stages: bool,
        /// A failure does not end the build.
        ignore_error: bool,
    },
}

impl CacheTarget {
    /// Reads `type=registry,ref=NAME[,mode=max][,ignore-error=true]`, `type=inline` or a bare name.
    ///
    /// # Errors
    /// What nobody knows, or what is not possible here.
    pub fn parse(text: &str) -> Result<Self> {
        let (kind, attributes) = split(text)?;
        Self::of(&kind, &attributes)
    }

    /// The same from its parts.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(kind: &str, attributes: &BTreeMap<String, String>) -> Result<Self> {
        let text = |name: &str| attributes.get(name).map(String::as_str).unwrap_or_default();
        match kind {
            "inline" => Ok(Self::Inline),
            "registry" => Ok(Self::Registry {
                name: name_of(attributes)?,
                all_stages: match text("mode") {
                    "" | "min" => false,
                    "max" => true,
                    other => {
                        return Err(Error::invalid(format!("cache mode {other:?}: there are min and max")));
                    }
                },
                ignore_error: text("ignore-error") == "true",
            }),
            other => Err(Error::not_implemented(format!(
                "a cache cannot go to {other:?}: type=registry (`sampan registry serve` makes a folder one) and \
                 type=inline are possible"
            ))),
        }
    }
}

/// The name in `type=registry,ref=NAME` or a bare name; `None` for kinds of sources that this engine does not have, without
/// which a build only takes longer.
///
/// # Errors
/// No name, a bad one.
pub fn cache_source(text: &str) -> Result<Option<String>> {
    let (kind, attributes) = split(text)?;
    cache_source_of(&kind, &attributes)
}

/// The same from its parts.
///
/// # Errors
/// As [`cache_source`].
pub fn cache_source_of(kind: &str, attributes: &BTreeMap<String, String>) -> Result<Option<String>> {
    if kind == "registry" { name_of(attributes).map(Some) } else { Ok(None) }
}

fn split(text: &str) -> Result<(String, BTreeMap<String, String>)> {
    if !text.contains('=') {
        return Ok(("registry".to_owned(), BTreeMap::from([("ref".to_owned(), text.to_owned())])));
    }
    let mut attributes = BTreeMap::new();
    for field in text.split(',') {
        let (name, value) = field.split_once('=').ok_or_else(|| {
            Error::invalid(format!("cache {text:?}: {field:?} is not of the form name=value"))
        })?;
        attributes.insert(name.trim().to_lowercase(), value.to_owned());
    }
    let kind = attributes.remove("type");
    Ok((kind.ok_or_else(|| Error::invalid(format!("cache {text:?} has no type=")))?, attributes))
}

fn name_of(attributes: &BTreeMap<String, String>) -> Result<String> {
    let name = attributes.get("ref").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::invalid("a cache at a registry needs ref=NAME"))?;
    Reference::parse(name).map_err(|error| Error::invalid(format!("cache {name:?}: {error}")))?;
    Ok(name.clone())
}

/// A cache that this build may take from.
pub(crate) struct Imported {
    /// Where its layers are; `None` when they are here.
    remote: Option<RemoteCache>,
    cache: BuildCache,
}

/// A step that this build did or found.
#[derive(Debug, Clone)]
pub(crate) struct DoneStep {
    step: CachedStep,
    image: String,
}

impl Build {
    /// Looks at the caches that the request names. One that cannot be had is said and left out.
    pub(crate) async fn import(&self) -> Result<Vec<Imported>> {
        let names = &self.request.cache_from;
        let all = futures_util::future::join_all(names.iter().map(|name| Box::pin(self.import_one(name))));
        let mut found = Vec::new();
        for (name, one) in names.iter().zip(all.await) {
            match one {
                Ok(cache) if !cache.cache.chains().is_empty() => found.push(cache),
                Ok(_) => self.tell(What::Note(format!(
                    "{name} holds no build cache: builds with --cache-to make one, or with --build-arg {INLINE}=1"
                ))),
                Err(error) => self.tell(What::Note(format!("no build cache from {name}: {error}"))),
            }
        }
        Ok(found)
    }

    async fn import_one(&self, name: &str) -> Result<Imported> {
        let engine = &self.builder.engine;
        let failure = match engine.build_find_cache(name, &self.credentials_for(name).await?).await {
            Ok(remote) => {
                let cache = BuildCache::read(&remote.config)?;
                if !cache.chains().is_empty() {
                    return Ok(Imported { remote: Some(remote), cache });
                }
                None
            }
            Err(error) => Some(error),
        };
        // An image that was only built or loaded here.
        match (engine.build_config(name), failure) {
            (Some(config), _) => Ok(Imported { remote: None, cache: BuildCache::read(&config)? }),
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::not_found("it holds none")),
        }
    }

    async fn credentials_for(&self, name: &str) -> Result<Credentials> {
        let reference = Reference::parse(name).map_err(|error| Error::invalid(error.to_string()))?;
        self.credentials(reference.domain()).await
    }

    /// The image of a step from the caches that were named; it is in the engine's own cache from then on.
    pub(crate) async fn imported(&self, key: &str, description: &str, inputs: &Inputs) -> Option<String> {
        for imported in self.imported.iter() {
            for chain in imported.cache.chains() {
                let Some(step) = chain.steps.iter().find(|step| step.key == key) else { continue };
                match Box::pin(self.fetch(imported, chain, step)).await {
                    Ok(image) => {
                        self.holds.add(&image);
                        let kept = self.builder.cache.keep(key, &image, description, inputs.clone());
                        if let Err(error) = kept {
                            tracing::warn!(%error, "a step that was fetched will be fetched again");
                        }
                        return Some(image);
                    }
                    Err(error) => {
                        self.tell(What::Note(format!("the step is done again: its cache fails: {error}")))
                    }
                }
            }
        }
        None
    }

    async fn fetch(&self, imported: &Imported, chain: &CachedChain, step: &CachedStep) -> Result<String> {
        let config = imported.cache.step(chain, step.layers);
        let config = config.ok_or_else(|| Error::invalid("it names more layers than it has"))?;
        let engine = self.builder.engine.clone();
        match &imported.remote {
            Some(remote) => engine.build_fetch_step(remote, chain.first, config).await,
            None => tokio_blocking(move || engine.build_enter_step(&config)).await,
        }
    }

    /// Notes a step for those who go on from this build.
    pub(crate) fn note_step(&self, key: &str, text: &str, image: &str, layers: usize) {
        let step = CachedStep { key: key.to_owned(), text: text.to_owned(), layers };
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.push(DoneStep { step, image: image.to_owned() });
    }

    /// The steps that an image's layers came of, in an order that is always the same.
    fn steps_of(&self, image: &Image) -> Vec<CachedStep> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let below = |step: &DoneStep| {
            let lower = self.builder.engine.build_base(&step.image).ok();
            lower.is_some_and(|lower| image.diff_ids.starts_with(&lower.diff_ids))
        };
        let mut steps: Vec<CachedStep> = done.into_iter().filter(below).map(|done| done.step).collect();
        steps.sort_by(|one, other| (one.layers, &one.key).cmp(&(other.layers, &other.key)));
        steps.dedup();
        steps
    }

    /// What the finished image tells of its steps, when it was asked to.
    pub(crate) fn inline_steps(&self, state: &State) -> Result<Vec<CachedStep>> {
        let by_argument = self.request.arguments.get(INLINE).is_some_and(|value| value == "1");
        let Some(image) = &state.image else { return Ok(Vec::new()) };
        if !by_argument && !self.request.cache_to.contains(&CacheTarget::Inline) {
            return Ok(Vec::new());
        }
        Ok(self.steps_of(&*self.builder.engine.build_base(image)?))
    }

    /// Brings the steps where the request wants them.
    pub(crate) async fn export(&self, last: usize) -> Result<()> {
        for target in &self.request.cache_to {
            let CacheTarget::Registry { name, all_stages, ignore_error } = target else { continue };
            let stages = if *all_stages { self.all_stages() } else { vec![last] };
            match Box::pin(self.export_to(name, stages)).await {
                Ok(()) => self.tell(What::Note(format!("The build cache is at {name}"))),
                Err(error) if *ignore_error => {
                    self.tell(What::Note(format!("no build cache to {name}: {error}")))
                }
                Err(error) => return Err(error.context(format!("the build cache cannot go to {name}"))),
            }
        }
        Ok(())
    }

    async fn export_to(&self, name: &str, stages: Vec<usize>) -> Result<()> {
        let engine = &self.builder.engine;
        let mut images = BTreeMap::new();
        for stage in stages {
            if let Some(id) = &self.outcome(stage).await?.image {
                images.insert(id.clone(), engine.build_base(id)?);
            }
        }
        // A stage that another one stands on is in that one's layers.
        let all: Vec<Arc<Image>> = images.into_values().collect();
        let is_top = |image: &&Arc<Image>| {
            let above = |other: &Arc<Image>| {
                other.diff_ids.len() > image.diff_ids.len() && other.diff_ids.starts_with(&image.diff_ids)
            };
            !all.iter().any(above)
        };
        let mut seen = BTreeSet::new();
        let tops = all.iter().filter(is_top).filter(|image| seen.insert(image.diff_ids.clone()));
        let chains: Vec<_> = tops.map(|image| (Arc::clone(image), self.steps_of(image))).collect();
        let ids: Vec<String> = chains.iter().map(|(image, _)| image.id.clone()).collect();
        let config = cache_config(&chains)?;
        let credentials = self.credentials_for(name).await?;
        engine.build_push_cache(name, &credentials, &ids, config).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_and_sources_are_read() {
        let registry = |name: &str, all_stages| CacheTarget::Registry {
            name: name.to_owned(),
            all_stages,
            ignore_error: false,
        };
        assert_eq!(CacheTarget::parse("type=inline").unwrap(), CacheTarget::Inline);
        assert_eq!(
            CacheTarget::parse("r.example/app:cache").unwrap(),
            registry("r.example/app:cache", false)
        );
        assert_eq!(CacheTarget::parse("type=registry,ref=app,mode=max").unwrap(), registry("app", true));
        assert_eq!(cache_source("app:1").unwrap().as_deref(), Some("app:1"));
        assert_eq!(cache_source("type=registry,ref=app").unwrap().as_deref(), Some("app"));
        assert_eq!(cache_source("type=gha").unwrap(), None);
        for (bad, said) in [
            ("type=registry", "ref=NAME"),
            ("type=registry,ref=app,mode=all", "min and max"),
            ("type=local,dest=x", "registry serve"),
            ("ref=app", "no type="),
            ("type=registry,ref=A b", "A b"),
        ] {
            let error = CacheTarget::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(said), "{bad}: {error}");
        }
    }
}
