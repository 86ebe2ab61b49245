//! Where a stage is: the image so far, what was said since, and what its variables are.

use crate::files;
use crate::inputs::Inputs;
use sampan_dockerfile as dockerfile;
use sampan_error::{Error, Result};
use sampan_image::{History, Image, ImageConfig};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The shell of shell forms.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];
/// What a step stands on, as it is called when it changed.
pub(crate) const BELOW: &str = "a step before it";
/// The search path of images that name none.
pub(crate) const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A stage under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The image with all files so far; `None` for nothing.
    pub(crate) image: Option<String>,
    /// How many layers that image has.
    pub(crate) layers: usize,
    /// The image that the stage stands on, with those that it stands on itself: how many layers and steps that has.
    pub(crate) base: Option<String>,
    pub(crate) base_layers: usize,
    pub(crate) base_history: usize,
    /// What stands for its files on any machine: their chain of layers, and what they run on.
    pub(crate) files: Option<(Option<String>, String)>,
    /// What containers of the finished image run with.
    pub(crate) config: ImageConfig,
    /// All steps so far, those of the base too.
    pub(crate) history: Vec<History>,
    /// ARGs that were declared, with their values.
    pub(crate) arguments: BTreeMap<String, Option<String>>,
    pub(crate) author: String,
    /// CMD was said in this stage.
    pub(crate) has_command: bool,
    pub(crate) escape: char,
}

impl State {
    /// A variable: an ARG's, unless an ENV of the same name came after it, else the environment's.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        let own = || self.config.env.iter().find_map(|pair| pair.strip_prefix(&prefix)).map(str::to_owned);
        self.arguments.get(name).cloned().flatten().or_else(own)
    }

    /// A word with its variables replaced and its quotes removed.
    pub(crate) fn expand(&self, word: &str) -> Result<String> {
        dockerfile::expand(word, self.escape, &|name| self.value(name))
            .map_err(|message| Error::invalid(format!("failed to process {word:?}: {message}")))
    }

    /// A document with its variables replaced; quotes stay.
    pub(crate) fn expand_text(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            // Quotes mean nothing in a document: they are kept from being read.
            let escaped: String = line
                .chars()
                .flat_map(|character| match character {
                    '"' | '\'' => vec![self.escape, character],
                    other => vec![other],
                })
                .collect();
            out.push_str(&self.expand(&escaped)?);
        }
        Ok(out)
    }

    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.arguments.remove(name);
        let prefix = format!("{name}=");
        match self.config.env.iter_mut().find(|pair| pair.starts_with(&prefix)) {
            Some(pair) => *pair = prefix + value,
            None => self.config.env.push(prefix + value),
        }
    }

    /// A path against the working directory.
    pub(crate) fn absolute(&self, path: &str) -> String {
        let slash = path.ends_with('/') || path == "." || path.ends_with("/.");
        let whole = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.config.working_dir)
        };
        let clean = files::clean(&whole);
        if slash && clean != "/" { clean + "/" } else { clean }
    }

    /// The words that run a line in the shell.
    pub(crate) fn shell(&self, line: &str) -> Vec<String> {
        let shell = if self.config.shell.is_empty() {
            SHELL.map(str::to_owned).to_vec()
        } else {
            self.config.shell.clone()
        };
        shell.into_iter().chain([line.to_owned()]).collect()
    }

    /// Notes a step that makes no files.
    pub(crate) fn note(&mut self, created_by: String) {
        self.note_files(created_by, false);
    }

    /// Notes a step, and whether it made files.
    pub(crate) fn note_files(&mut self, created_by: String, files: bool) {
        self.history.push(History { created_by, empty_layer: !files, ..History::default() });
    }

    /// Takes the last note back.
    pub(crate) fn history_pop(&mut self) {
        self.history.pop();
    }

    /// Whether the environment has a variable, given as `NAME=` with or without a value.
    pub(crate) fn has_variable(&self, pair: &str) -> bool {
        let name = pair.split('=').next().unwrap_or_default();
        self.config.env.iter().any(|own| own.split('=').next() == Some(name))
    }

    /// Goes on from an image.
    pub(crate) fn stand_on(&mut self, image: &Image) {
        self.image = Some(image.id.clone());
        self.layers = image.diff_ids.len();
        let platform = format!("{}/{}/{}", image.os, image.architecture, image.variant);
        self.files = Some((image.top_layer().map(str::to_owned), platform));
    }

    /// The files so far as a step's input. Not the image's id: that is another one where the steps were fetched.
    pub(crate) fn below(&self) -> Value {
        json!(self.files)
    }

    /// What all steps from here on depend on beside the files.
    pub(crate) fn surroundings(&self) -> Inputs {
        Inputs::of([
            (BELOW, self.below()),
            ("ENV", json!(self.config.env)),
            ("USER", json!(self.config.user)),
            ("WORKDIR", json!(self.config.working_dir)),
            ("SHELL", json!(self.config.shell)),
        ])
    }
}
