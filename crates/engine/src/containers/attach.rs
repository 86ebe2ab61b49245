//! Attaching clients, resizing terminals, and `sampan run` in one request.

use super::container::Container;
use super::start::FirstClient;
use super::{AttachOptions, ClientStream, ContainerRecord, Handed, RunOptions, Status};
use crate::Engine;
use crate::error::Error;
use crate::spec::ContainerSpec;
use sampan_error::Result;
use sampan_shim::log::{Framing, Selection};
use sampan_shim::protocol::{Attach, AttachEnd, AttachEnded, AttachFraming, Size};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Frame types of the run stream beside Docker's 1 and 2.
const FRAME_ID: u8 = 16;

impl Engine {
    /// Attaches a client: from now on the supervisor has its connection.
    ///
    /// # Errors
    /// No such container, bad detach keys, with the connection back. A container that does not run yet is
    /// waited for, as Docker does: the client is attached when it starts.
    pub async fn attach(&self, reference: &str, options: AttachOptions, client: ClientStream) -> Handed {
        self.recovered().await;
        let outcome = match client.try_clone() {
            Ok(copy) => self.attach_client(reference, &options, copy).await,
            Err(error) => Err(error.into()),
        };
        outcome.map_err(|error| (error, Some(client)))
    }

    async fn attach_client(
        &self,
        reference: &str,
        options: &AttachOptions,
        client: ClientStream,
    ) -> Result<()> {
        let container = self.container(reference)?;
        let record = container.record();
        let refused = |state: &str, advice: &str| {
            Error::Conflict(format!("Container {} is {state}. {advice}", record.id))
        };
        match record.state.status {
            Status::Paused => return Err(refused("paused", "Unpause the container first.").into()),
            Status::Restarting => {
                return Err(refused("restarting", "Wait until the container is running.").into());
            }
            _ => {}
        }
        let tty = record.spec.process.tty;
        let wish =
            AttachOptions { stdin: options.stdin && record.spec.process.open_stdin, ..options.clone() };
        let (mut attach, socket) = crate::attach_keys::attachment(&wish, client, tty)?;
        if options.logs {
            let multiplexed = attach.framing == AttachFraming::Multiplexed;
            attach.replay = Some(Selection {
                stdout: options.stdout,
                stderr: options.stderr,
                framing: if multiplexed { Framing::Multiplexed } else { Framing::Raw },
                ..Selection::default()
            });
        }
        self.container_event(&record, "attach", &[]);
        match container.live() {
            Some(live) => live.supervisor.attach(&attach, socket).await,
            None => self.attach_at_start(&container, attach, socket).await,
        }
    }

    /// A client of a container that does not run yet gets the head at once, and is attached by the start.
    async fn attach_at_start(
        &self,
        container: &Arc<Container>,
        mut attach: Attach,
        socket: OwnedFd,
    ) -> Result<()> {
        let prologue = std::mem::take(&mut attach.prologue).0;
        let mut file = std::fs::File::from(socket.try_clone()?);
        // Under the list's lock: a client that has read the head asks for the start at once, and the start
        // must find it here.
        self.inner
            .waiting_clients
            .add(&container.id, FirstClient { attach, socket }, || file.write_all(&prologue))?;
        // Somebody else may have started it between our look and the entry in the list.
        if let Some(live) = container.live() {
            for client in self.inner.waiting_clients.take(&container.id) {
                live.supervisor.attach(&client.attach, client.socket).await?;
            }
        }
        Ok(())
    }

    /// Tells the container's terminal its size.
    ///
    /// # Errors
    /// No such container, not running.
    pub async fn resize(&self, reference: &str, rows: u16, columns: u16) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let live = container.live().ok_or_else(|| Error::NotRunning(container.id.clone()))?;
        live.supervisor.resize(None, Size { rows, columns }).await?;
        self.container_event(
            &container.record(),
            "resize",
            &[("height", &rows.to_string()), ("width", &columns.to_string())],
        );
        Ok(())
    }

    /// A client left, as the supervisor says.
    pub(crate) fn attach_ended(&self, record: &ContainerRecord, ended: &AttachEnded) {
        if ended.end == AttachEnd::Detached {
            match &ended.exec {
                Some(exec) => self.container_event(record, "exec_detach", &[("execID", exec)]),
                None => self.container_event(record, "detach", &[]),
            }
        }
    }

    /// Creates, attaches and starts in one go. On success the client's connection has been handed away: the
    /// id goes first, then output, then the exit status.
    ///
    /// # Errors
    /// Whatever creating or starting meets, with the client's connection back, on which nothing was written.
    pub async fn run(&self, spec: ContainerSpec, options: RunOptions, client: ClientStream) -> Handed {
        self.recovered().await;
        let engine = self.clone();
        let name = options.name.clone();
        let mut spec = spec;
        spec.host.console_size = options.size.or(spec.host.console_size);
        let created = crate::blocking(move || engine.create_blocking(name, spec)).await;
        let container = match created {
            Ok(container) => container,
            Err(error) => return Err((error, Some(client))),
        };
        let record = container.record();
        self.container_event(&record, "create", &[]);
        let first = match run_client(&record, &options, &client) {
            Ok(first) => first,
            Err(error) => return Err((error, Some(client))),
        };
        if first.is_some() {
            self.container_event(&record, "attach", &[]);
        }
        let started = {
            let _operation = container.operation.lock().await;
            self.start_locked(&container, first).await
        };
        if let Err(error) = started {
            // Nothing is written to a client before the start has succeeded, so it can be answered here.
            return Err((error, Some(client)));
        }
        if options.detach {
            finish_detached(&record, client);
        }
        Ok(())
    }
}

/// The client as the supervisor gets it; it has a copy of the socket, so that a failed start can still be
/// answered on ours.
fn run_client(
    record: &ContainerRecord,
    options: &RunOptions,
    client: &ClientStream,
) -> Result<Option<FirstClient>> {
    if options.detach {
        return Ok(None);
    }
    let tty = record.spec.process.tty;
    let keys =
        if tty { crate::attach_keys::parse(options.attach.detach_keys.as_deref())? } else { Vec::new() };
    let mut prologue = client.prologue.clone();
    prologue.extend(id_frame(record));
    let attach = Attach {
        stdin: options.attach.stdin && record.spec.process.open_stdin,
        stdout: options.attach.stdout || tty,
        stderr: options.attach.stderr && !tty,
        detach_keys: keys.into(),
        framing: AttachFraming::Run,
        prologue: prologue.into(),
        read_ahead: client.read_ahead.clone().into(),
        ..Attach::default()
    };
    Ok(Some(FirstClient { attach, socket: client.socket.try_clone()? }))
}

/// `{"Id":…,"Warnings":[…]}` as a frame.
fn id_frame(record: &ContainerRecord) -> Vec<u8> {
    let body = serde_json::json!({ "Id": record.id, "Warnings": record.warnings }).to_string();
    let mut frame = vec![FRAME_ID, 0, 0, 0];
    frame.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(body.as_bytes());
    frame
}

fn finish_detached(record: &ContainerRecord, client: ClientStream) {
    let mut file = std::fs::File::from(client.socket);
    let mut bytes = client.prologue;
    bytes.extend(id_frame(record));
    // A client that went away meanwhile has its container all the same.
    let _ = file.write_all(&bytes);
}
