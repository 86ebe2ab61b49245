//! RUN: a program in a container of its own, whose files become a layer.

use crate::build::Build;
use crate::request::{Output, ProgramFailed, What};
use crate::state::{PATH, State};
use crate::steps::{PROXIES, tokio_blocking};
use sampan_dockerfile as dockerfile;
use sampan_engine::containers::{AttachOptions, ClientStream, RemoveOptions, WaitCondition};
use sampan_engine::spec::{ContainerSpec, HealthTest, Healthcheck, NetworkMode, ProcessOptions};
use sampan_engine::{BUILD_LABEL, Engine};
use sampan_error::{Context, Error, Result};
use serde_json::json;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

impl Build {
    pub(crate) async fn run(&mut self, state: &mut State, index: usize, run: &dockerfile::Run) -> Result<()> {
        let Some(image) = state.image.clone() else {
            return Err(Error::invalid("RUN has no program to run: there is nothing in scratch"));
        };
        let command = run.exec.clone().unwrap_or_else(|| state.shell(&run.shell));
        let declared: Vec<String> = state
            .arguments
            .iter()
            .filter(|(name, _)| !PROXIES.contains(&name.as_str()))
            .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)))
            .collect();
        let created_by = created_by(&declared, &command);
        let (mounts, inputs) = self.mount_inputs(state, index, &run.mounts).await?;
        let inputs = state
            .surroundings()
            .with("the command", json!(command))
            .with("ARGs", json!(declared))
            .with("the network", json!(run.network))
            .with("mounts", json!(inputs))
            .with("SOURCE_DATE_EPOCH", json!(self.epoch));
        let key = inputs.key();
        let _only = self.builder.engine.build_alone(&key).await;
        if let Some(made) = self.cached(&key, &created_by, &inputs).await {
            return self.take(state, made, &key, created_by);
        }
        let mounts = self.mounts(state, index, &mounts).await?;
        let mut spec = self.specification(state, &image, run, &command, declared)?;
        mounts.apply(&mut spec.host);
        spec.process.secret_env.clone_from(&mounts.env);
        let engine = self.builder.engine.clone();
        let container = Step::create(&engine, spec).await?;
        self.tell(What::Running(container.id.clone()));
        let code = self.watch(&container).await?;
        if code != 0 {
            let command = command.join(" ");
            let message = format!("The command '{command}' returned a non-zero code: {code}");
            return Err(Error::invalid(message).caused_by(ProgramFailed { command, code }));
        }
        self.remove_mount_points(&container.id, &image, mounts.targets.clone()).await?;
        state.note(created_by.clone());
        let step = sampan_image::BuildStep { writable: Some(container.id.clone()), ..self.step_of(state) };
        state.history_pop();
        let made = tokio_blocking(move || {
            if let (Some(epoch), Some(layer)) = (step.created, &step.writable) {
                engine.build_settle_times(layer, epoch)?;
            }
            Ok(engine.build_step(&step)?.id.clone())
        })
        .await?;
        self.builder.cache.keep(&key, &made, &created_by, inputs)?;
        self.take(state, made, &key, created_by)
    }

    fn specification(
        &self,
        state: &State,
        image: &str,
        run: &dockerfile::Run,
        command: &[String],
        declared: Vec<String>,
    ) -> Result<ContainerSpec> {
        let mut host = self.request.host.clone();
        host.network_mode = match run.network.as_deref() {
            None | Some("default") => self.request.network.clone().unwrap_or_default(),
            Some("none") => NetworkMode::None,
            Some("host") => NetworkMode::Host,
            Some(other) => {
                return Err(Error::invalid(format!(
                    "unknown network {other:?}: RUN knows default, none and host"
                )));
            }
        };
        let mut env = Vec::new();
        if !state.has_variable("PATH=") {
            env.push(PATH.to_owned());
        }
        let proxies = self.request.arguments.iter().filter(|(name, _)| PROXIES.contains(&name.as_str()));
        env.extend(proxies.map(|(name, value)| format!("{name}={value}")));
        let is_covered = |pair: &&String| {
            let name = pair.split('=').next();
            declared.iter().any(|other| other.split('=').next() == name)
        };
        env.extend(state.config.env.iter().filter(|pair| !is_covered(pair)).cloned());
        env.extend(declared.iter().cloned());
        let process = ProcessOptions {
            user: state.config.user.clone(),
            env,
            cmd: Some(command.to_vec()),
            entrypoint: Some(Vec::new()),
            working_dir: state.config.working_dir.clone(),
            healthcheck: Some(Healthcheck { test: HealthTest::None, ..Healthcheck::default() }),
            labels: [(BUILD_LABEL.to_owned(), String::new())].into(),
            attach_stdout: true,
            attach_stderr: true,
            ..ProcessOptions::default()
        };
        Ok(ContainerSpec {
            image: image.to_owned(),
            platform: None,
            process,
            host,
            networks: Default::default(),
        })
    }

    /// Starts a step's program, passes on what it writes, and gives its exit code.
    async fn watch(&self, container: &Step) -> Result<i64> {
        let (ours, theirs) = UnixStream::pair().context("cannot make a socket")?;
        let client = ClientStream {
            socket: theirs.into(),
            read_ahead: Vec::new(),
            prologue: Vec::new(),
            multiplexed: false,
        };
        let options = AttachOptions { stream: true, stdout: true, stderr: true, ..AttachOptions::default() };
        let engine = &container.engine;
        engine.attach(&container.id, options, client).await.map_err(|(error, _)| error)?;
        let ended = engine.wait(&container.id, WaitCondition::NextExit).await?;
        engine.start(&container.id).await?;
        ours.set_nonblocking(true)?;
        let mut output = tokio::net::UnixStream::from_std(ours)?;
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count @ 1..) = output.read(&mut buffer).await {
            let room = u32::try_from(count).unwrap_or(u32::MAX);
            // The semaphore is never closed.
            let _place = Arc::clone(&self.waiting).acquire_many_owned(room).await.ok();
            self.tell(What::Output(Output { bytes: buffer[..count].to_vec(), _place }));
        }
        Ok(ended.await.status_code)
    }
}

/// The container of a step. It goes with this, whatever becomes of the build.
struct Step {
    engine: Engine,
    id: String,
}

impl Step {
    async fn create(engine: &Engine, spec: ContainerSpec) -> Result<Self> {
        let created = engine.create(None, spec).await?;
        Ok(Self { engine: engine.clone(), id: created.id })
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let (engine, id) = (self.engine.clone(), std::mem::take(&mut self.id));
        tokio::spawn(async move {
            let options = RemoveOptions { force: true, volumes: true, link: false };
            if let Err(error) = engine.remove(&id, options).await {
                tracing::warn!(container = %id, %error, "the container of a build's step stays");
            }
        });
    }
}

fn created_by(arguments: &[String], command: &[String]) -> String {
    let given = if arguments.is_empty() {
        String::new()
    } else {
        format!("|{} {} ", arguments.len(), arguments.join(" "))
    };
    format!("RUN {given}{} # buildkit", command.join(" "))
}
