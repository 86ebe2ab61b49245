//! Steps: each instruction, carried out or found in the cache.

use crate::build::Build;
use crate::copy;
use crate::files;
use crate::inputs::Inputs;
use crate::request::What;
use crate::state::{BELOW, State};
use rustix::fs::FileType;
use sampan_dockerfile::{Instruction, Kind};
use sampan_error::{Error, Result};
use sampan_image::apply_changes;
use serde_json::json;
use std::os::fd::AsFd;

/// ARGs that need no declaration to be given, and are not part of any step's inputs.
pub(crate) const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

impl Build {
    /// Carries one instruction of stage `index` out.
    ///
    /// # Errors
    /// What is wrong with it or went wrong with it.
    pub(crate) async fn instruction(
        &mut self,
        state: &mut State,
        index: usize,
        instruction: &Instruction,
    ) -> Result<()> {
        let text = &instruction.line.text;
        let (keyword, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (keyword, rest) = (keyword.to_ascii_uppercase(), rest.trim());
        match &instruction.kind {
            Kind::Arg(list) => return self.argument(state, list),
            Kind::Env(list) => {
                let pairs = self.pairs(state, list)?;
                state.note(format!("ENV {}", shown(&pairs)));
                for (name, value) in pairs {
                    state.set_variable(&name, &value);
                }
                return Ok(());
            }
            Kind::Label(list) => {
                let pairs = self.pairs(state, list)?;
                state.note(format!("LABEL {}", shown(&pairs)));
                state.config.labels.extend(pairs);
                return Ok(());
            }
            Kind::Maintainer(author) => state.author.clone_from(author),
            Kind::OnBuild(trigger) => state.config.on_build.push(trigger.clone()),
            Kind::Words(list) => words(state, &keyword, list)?,
            Kind::Plain => {
                apply_changes(&mut state.config, std::slice::from_ref(text))?;
                state.has_command |= keyword == "CMD";
                state.config.args_escaped |= keyword == "CMD";
                if keyword == "ENTRYPOINT" && !state.has_command {
                    // A command of the base was meant for the base's entry point.
                    state.config.cmd = None;
                }
            }
            Kind::Workdir(path) => return self.working_directory(state, path).await,
            Kind::Run(run) => return Box::pin(self.run(state, index, run)).await,
            Kind::Copy(wish) => return Box::pin(self.copy(state, index, wish, &instruction.line)).await,
            Kind::Add(wish) => return Box::pin(self.copy(state, index, wish, &instruction.line)).await,
        }
        state.note(format!("{keyword} {rest}"));
        Ok(())
    }

    fn pairs(&self, state: &State, list: &[(String, String)]) -> Result<Vec<(String, String)>> {
        // All of one line see the values of before it.
        list.iter().map(|(name, value)| Ok((state.expand(name)?, state.expand(value)?))).collect()
    }

    fn argument(&mut self, state: &mut State, list: &[(String, Option<String>)]) -> Result<()> {
        for (name, default) in list {
            let default = default.as_deref().map(|default| state.expand(default)).transpose()?;
            let inherited = || self.globals.get(name).cloned().flatten();
            let given = self.request.arguments.get(name).cloned();
            self.consume(name);
            let value = given.or(default).or_else(inherited);
            state.note(format!(
                "ARG {name}{}",
                value.as_ref().map(|value| format!("={value}")).unwrap_or_default()
            ));
            state.arguments.insert(name.clone(), value);
        }
        Ok(())
    }

    async fn working_directory(&mut self, state: &mut State, path: &str) -> Result<()> {
        let path = state.expand(path)?;
        let whole = state.absolute(&path);
        state.config.working_dir.clone_from(&whole);
        let created_by = format!("WORKDIR {whole}");
        let (engine, image, target) = (self.builder.engine.clone(), state.image.clone(), whole.clone());
        let user = state.config.user.clone();
        let (exists, owner) = tokio_blocking(move || match image {
            Some(image) => {
                let view = engine.build_view(&image)?;
                let exists = files::kind(view.as_fd(), &target) == Some(FileType::Directory);
                let root = exists || user.is_empty();
                Ok((exists, if root { (0, 0) } else { copy::owner(view.as_fd(), &user)? }))
            }
            None => Ok((target == "/", (0, 0))),
        })
        .await?;
        if exists {
            state.note(created_by);
            return Ok(());
        }
        let inputs = Inputs::of([
            (BELOW, state.below()),
            ("the folder", json!(whole)),
            ("USER", json!(owner)),
            ("SOURCE_DATE_EPOCH", json!(self.epoch)),
        ]);
        let make = move |layer: std::os::fd::BorrowedFd<'_>| {
            copy::make_folder(layer, whole.trim_end_matches('/'), owner)
        };
        self.layer_step(state, inputs, created_by, make).await
    }

    /// A step whose files we write ourselves.
    pub(crate) async fn layer_step(
        &mut self,
        state: &mut State,
        inputs: Inputs,
        created_by: String,
        make: impl FnOnce(std::os::fd::BorrowedFd<'_>) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let key = inputs.key();
        let _only = self.builder.engine.build_alone(&key).await;
        if let Some(image) = self.cached(&key, &created_by, &inputs).await {
            return self.take(state, image, &key, created_by);
        }
        state.note(created_by.clone());
        let step = self.step_of(state);
        let engine = self.builder.engine.clone();
        let made = tokio_blocking(move || {
            let mut layer = engine.build_layer(step.parent.as_deref())?;
            make(layer.root()?)?;
            layer.close();
            if let Some(epoch) = step.created {
                engine.build_settle_times(layer.id(), epoch)?;
            }
            let step = sampan_image::BuildStep { writable: Some(layer.id().to_owned()), ..step };
            Ok(engine.build_step(&step)?.id.clone())
        })
        .await?;
        state.history_pop();
        self.builder.cache.keep(&key, &made, &created_by, inputs)?;
        self.take(state, made, &key, created_by)
    }

    /// What the cache has for a step, unless it is not to be asked.
    pub(crate) async fn cached(&self, key: &str, description: &str, inputs: &Inputs) -> Option<String> {
        if self.no_cache {
            if self.request.why {
                self.tell(What::Note("not from the cache: --no-cache was asked for".to_owned()));
            }
            return None;
        }
        let mut found = self.builder.cache.find(key, &self.holds);
        if found.is_none() {
            found = self.imported(key, description, inputs).await;
        }
        match &found {
            Some(_) => self.tell(What::Cached),
            None if self.request.why => {
                let why = self.builder.cache.why(description, inputs);
                self.tell(What::Note(format!("not from the cache: {why}")));
            }
            None => {}
        }
        found
    }

    /// Goes on from the image that a step made.
    pub(crate) fn take(&self, state: &mut State, image: String, key: &str, created_by: String) -> Result<()> {
        let before = state.layers;
        self.holds.add(&image);
        state.stand_on(&*self.builder.engine.build_base(&image)?);
        self.note_step(key, &created_by, &image, state.layers);
        state.note_files(created_by, state.layers > before);
        self.tell(What::Image(image));
        Ok(())
    }
}

fn shown(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn words(state: &mut State, keyword: &str, list: &[String]) -> Result<()> {
    let list = list.iter().map(|word| state.expand(word)).collect::<Result<Vec<_>>>()?;
    let single = || match &list[..] {
        [one] => Ok(one.clone()),
        _ => Err(Error::invalid(format!("{keyword} requires exactly one argument"))),
    };
    match keyword {
        "USER" => state.config.user = single()?,
        "STOPSIGNAL" => state.config.stop_signal = single()?,
        "VOLUME" => {
            if list.iter().any(|path| path.trim().is_empty()) {
                return Err(Error::invalid("VOLUME specified can not be an empty string"));
            }
            state.config.volumes.extend(list);
        }
        _ => apply_changes(&mut state.config, &[format!("EXPOSE {}", list.join(" "))])?,
    }
    Ok(())
}

/// Runs what blocks away from the tasks.
pub(crate) async fn tokio_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| {
        Error::internal("a step of the build failed; see the daemon's log").caused_by(panic)
    })?
}
