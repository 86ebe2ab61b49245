//! What a caller asks of a build, and what it is told meanwhile.

use crate::exchange::CacheTarget;
use sampan_dockerfile::Warning;
use sampan_engine::spec::{HostOptions, NetworkMode};
use sampan_error::Error;
use std::collections::BTreeMap;
use tokio::sync::OwnedSemaphorePermit;

/// One build.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The Dockerfile's path in the context; empty is `Dockerfile`.
    pub dockerfile: String,
    /// The Dockerfile's text, when it does not come with the context.
    pub dockerfile_text: Option<String>,
    /// The stage to build: its name or number; empty is the last one.
    pub target: String,
    /// Values of ARGs; without a value it is the caller's environment's, which is empty here.
    pub arguments: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Names of the image.
    pub tags: Vec<String>,
    /// Nothing is taken from the cache.
    pub no_cache: bool,
    /// The same for these stages alone.
    pub no_cache_stages: Vec<String>,
    /// Each step that is not taken from the cache says why.
    pub why: bool,
    /// What stands in for images and stages of these names.
    pub contexts: BTreeMap<String, NamedContext>,
    /// Everything that the build adds becomes one layer.
    pub squash: bool,
    /// Base images are fetched even when they are here.
    pub pull: bool,
    /// `os/architecture` of base images.
    pub platform: Option<String>,
    /// Network of RUN steps.
    pub network: Option<NetworkMode>,
    /// Limits, extra hosts and the like of RUN steps.
    pub host: HostOptions,
    /// Names of images at registries, or here, whose steps this build may take.
    pub cache_from: Vec<String>,
    /// Where its own steps go, for builds elsewhere.
    pub cache_to: Vec<CacheTarget>,
    /// Who is asking registries.
    pub credentials: BTreeMap<String, sampan_engine::Credentials>,
}

/// A context beside the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedContext {
    /// This image, by name or id.
    Image(String),
    /// Files, which the client has under the same name.
    Files,
}

/// What happens, and at which step. Stages go on side by side: the steps of one come in order, those of several mixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The step's number, from 1, counted over all stages that are built; 0 is the build as a whole.
    pub step: usize,
    /// What happens.
    pub what: What,
}

/// What happens at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It begins.
    Begin(Begin),
    /// Its outcome was there already.
    Cached,
    /// Its program runs in this container.
    Running(String),
    /// What the program writes.
    Output(Output),
    /// An image that was made or found.
    Image(String),
    /// A sentence for the user.
    Note(String),
    /// Something that should be written otherwise.
    Warning(Warning),
    /// It is done.
    End,
    /// It failed, and with it the build.
    Failed(String),
}

/// A step that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Its number.
    pub number: usize,
    /// How many steps there are.
    pub total: usize,
    /// Its text.
    pub text: String,
    /// Its stage: the name, or `stage-` and the number.
    pub stage: String,
    /// The stage's number.
    pub index: usize,
    /// Which of the stage's steps with files it is, from 1, and how many those are; steps without files have none.
    pub place: Option<(usize, usize)>,
}

/// A program of a RUN step that ended with a failure: the cause of the build's.
#[derive(Debug)]
pub struct ProgramFailed {
    /// The program with its arguments.
    pub command: String,
    /// Its exit code.
    pub code: i64,
}

impl ProgramFailed {
    /// The one behind an error, if there is one.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl std::fmt::Display for ProgramFailed {
    /// In BuildKit's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {:?} did not complete successfully: exit code: {}", self.command, self.code)
    }
}

impl std::error::Error for ProgramFailed {}

/// What a program of a step writes. While too much of it waits for those who asked, the program waits too.
#[derive(Debug)]
pub struct Output {
    /// As it came.
    pub bytes: Vec<u8>,
    /// Its place among what waits.
    pub(crate) _place: Option<OwnedSemaphorePermit>,
}

impl Output {
    /// Bytes that wait for nobody.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, _place: None }
    }
}

impl Clone for Output {
    fn clone(&self) -> Self {
        Self::new(self.bytes.clone())
    }
}

impl PartialEq for Output {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Output {}
