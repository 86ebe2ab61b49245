//! Exec sessions: further programs in a running container.

mod process;
mod sessions;

pub(crate) use sessions::Sessions;

use crate::Engine;
use crate::containers::container::Live;
use crate::containers::{
    AttachOptions, ClientStream, ContainerRecord, ExecOptions, ExecStart, ExecState, Handed, Status,
};
use crate::error::Error;
use sampan_error::{Kind, Result};
use sampan_shim::protocol::{Exec, Size};
use std::sync::Arc;

impl Engine {
    /// Makes a session. Nothing runs yet.
    ///
    /// # Errors
    /// No such container, not running, frozen, no command.
    pub async fn exec_create(&self, reference: &str, options: ExecOptions) -> Result<String> {
        self.recovered().await;
        let container = self.container(reference)?;
        let record = container.record();
        check_running(&record, reference)?;
        if options.cmd.is_empty() {
            return Err(Error::Invalid("No exec command specified".into()).into());
        }
        crate::attach_keys::parse(options.detach_keys.as_deref())?;
        let id = crate::identity::random_id();
        let line = options.cmd.join(" ");
        self.inner.sessions.insert(ExecState {
            id: id.clone(),
            container_id: record.id.clone(),
            options,
            ..Default::default()
        });
        let record = container.change(|record| record.exec_ids.push(id.clone()));
        self.container_event(&record, &format!("exec_create: {line}"), &[("execID", &id)]);
        Ok(id)
    }

    /// Starts a session, with a client or without.
    ///
    /// # Errors
    /// No such session, it ran already, its container does not run: with the client's connection back. That
    /// the program cannot be executed is an error only without a client; a client gets it in the stream.
    pub async fn exec_start(&self, id: &str, start: ExecStart, client: Option<ClientStream>) -> Handed {
        self.recovered().await;
        let (state, record, live) = match self.claim_session(id) {
            Ok(claimed) => claimed,
            Err(error) => return Err((error, client)),
        };
        let copy = match client.as_ref().map(ClientStream::try_clone).transpose() {
            Ok(copy) => copy,
            Err(error) => return Err((error.into(), client)),
        };
        let mut handed = false;
        let outcome = self.run_session(&record, &live, &state, &start, copy, &mut handed).await;
        let Err(error) = outcome else { return Ok(()) };
        let code = if error.kind() == Kind::CommandNotFound { 127 } else { 126 };
        self.inner.sessions.finish(id, code);
        // From the hand-over on it is the supervisor that tells the client.
        if handed && client.is_some() { Ok(()) } else { Err((error, client)) }
    }

    /// The session, if it may start now; nobody else can start it afterwards.
    fn claim_session(&self, id: &str) -> Result<(ExecState, Arc<ContainerRecord>, Arc<Live>)> {
        let state = self.inner.sessions.get(id)?;
        let container = self.container(&state.container_id)?;
        let record = container.record();
        check_running(&record, &record.id)?;
        let live = container.live().ok_or_else(|| Error::ExecNotRunning(record.id.clone()))?;
        Ok((self.inner.sessions.claim(id)?, record, live))
    }

    async fn run_session(
        &self,
        record: &Arc<ContainerRecord>,
        live: &Arc<Live>,
        state: &ExecState,
        start: &ExecStart,
        client: Option<ClientStream>,
        handed: &mut bool,
    ) -> Result<()> {
        let mut options = state.options.clone();
        if let Some(tty) = start.tty {
            options.tty = tty;
        }
        options.console_size = start.console_size.or(options.console_size);
        let process = process::plan(self, record, live, &options)?;
        let line = options.cmd.join(" ");
        self.container_event(record, &format!("exec_start: {line}"), &[("execID", &state.id)]);
        let attach = client.map(|client| {
            let wish = AttachOptions {
                stream: true,
                stdin: options.attach_stdin,
                stdout: options.attach_stdout || options.tty,
                stderr: options.attach_stderr && !options.tty,
                detach_keys: options.detach_keys.clone(),
                ..Default::default()
            };
            (wish, client)
        });
        let (attach, client) = match attach {
            Some((wish, client)) => {
                let (attach, socket) = crate::attach_keys::attachment(&wish, client, options.tty)?;
                (Some(attach), Some(socket))
            }
            None => (None, None),
        };
        let exec = Exec { id: state.id.clone(), process, tty: options.tty, attach };
        *handed = true;
        let launched = live.supervisor.exec(&exec, client).await?;
        self.inner.sessions.started(&state.id, launched.pid.unsigned_abs());
        Ok(())
    }

    /// What is known of a session.
    ///
    /// # Errors
    /// No such session.
    pub async fn exec_inspect(&self, id: &str) -> Result<ExecState> {
        self.recovered().await;
        let state = self.inner.sessions.get(id)?;
        if state.running {
            self.ask_supervisor(&state).await;
            return Ok(self.inner.sessions.get(id)?);
        }
        Ok(state)
    }

    /// A client asks for the exit code as soon as its stream ends, which may be before the event of that end
    /// was read here: the supervisor knows.
    async fn ask_supervisor(&self, state: &ExecState) {
        let Ok(container) = self.container(&state.container_id) else { return };
        let Some(live) = container.live() else { return };
        // A supervisor that is gone has told, or will be noticed, in another way.
        let Ok(status) = live.supervisor.status().await else { return };
        let ended = status.execs.iter().find(|exec| exec.id == state.id).and_then(|exec| exec.code);
        if let Some(code) = ended {
            self.exec_ended(&container.record(), &state.id, code);
        }
    }

    /// Tells a session's terminal its size.
    ///
    /// # Errors
    /// No such session, it does not run.
    pub async fn exec_resize(&self, id: &str, rows: u16, columns: u16) -> Result<()> {
        self.recovered().await;
        let state = self.inner.sessions.get(id)?;
        let container = self.container(&state.container_id)?;
        let live = container.live().ok_or_else(|| Error::ExecNotRunning(state.container_id.clone()))?;
        live.supervisor.resize(Some(&state.id), Size { rows, columns }).await
    }

    /// A session's program ended, as its supervisor says.
    pub(crate) fn exec_ended(&self, record: &ContainerRecord, id: &str, code: i32) {
        if self.inner.sessions.finish(id, code) {
            self.container_event(record, "exec_die", &[("execID", id), ("exitCode", &code.to_string())]);
        }
    }

    /// Forgets the sessions of a container that is gone.
    pub(crate) fn sessions_gone(&self, record: &ContainerRecord) {
        self.inner.sessions.forget_container(&record.id);
    }
}

fn check_running(record: &ContainerRecord, reference: &str) -> Result<()> {
    match record.state.status {
        Status::Running => Ok(()),
        Status::Paused => Err(Error::PausedForExec(reference.into()).into()),
        Status::Restarting => Err(Error::Conflict(format!(
            "Container {reference} is restarting, wait until the container is running"
        ))
        .into()),
        _ => Err(Error::ExecNotRunning(record.id.clone()).into()),
    }
}
