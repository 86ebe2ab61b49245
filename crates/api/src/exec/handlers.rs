//! Handlers: parse, call, convert.

use super::backend::Backend;
use super::wire;
use crate::http::{Call, Outcome, Version, hijack, reply};
use hyper::StatusCode;
use sampan_engine::containers::{ExecOptions, ExecStart};
use sampan_error::{Error, Result};

/// `POST /containers/{id}/exec`
pub(super) async fn create<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::CreateBody = call.json().await?;
    let cmd = body.cmd.map(|words| words.0).unwrap_or_default();
    if cmd.is_empty() {
        return Err(Error::invalid("No exec command specified"));
    }
    if !body.working_dir.is_empty() && call.version < Version(35) {
        return Err(Error::invalid("WorkingDir needs API v1.35 or newer"));
    }
    let options = ExecOptions {
        cmd,
        env: if call.version < Version(25) { Vec::new() } else { body.env.unwrap_or_default() },
        user: body.user,
        working_dir: body.working_dir,
        tty: body.tty,
        privileged: body.privileged,
        attach_stdin: body.attach_stdin,
        attach_stdout: body.attach_stdout,
        attach_stderr: body.attach_stderr,
        detach_keys: Some(body.detach_keys).filter(|keys| !keys.is_empty()),
        console_size: console_size(body.console_size, call.version)?,
    };
    let id = call.engine.exec_create(&call.parameter("id"), options).await?;
    Ok(reply::json(StatusCode::CREATED, &wire::CreateReply { id })?.into())
}

/// Rows and columns, which came with 1.42.
fn console_size(size: Option<Vec<u16>>, version: Version) -> Result<Option<(u16, u16)>> {
    if version < Version(42) {
        return Ok(None);
    }
    match size.as_deref() {
        None | Some([] | [0, 0]) => Ok(None),
        Some([rows, columns]) => Ok(Some((*rows, *columns))),
        Some(_) => Err(Error::invalid("ConsoleSize needs two numbers, rows and columns")),
    }
}

/// `POST /exec/{id}/start`
pub(super) async fn start<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    // Read to its end before the socket is taken: what is left of it would be read as input.
    let body: wire::StartBody = call.optional_json().await?;
    let id = call.parameter("id");
    let state = call.engine.exec_inspect(&id).await?;
    if state.running || state.exit_code.is_some() {
        return Err(Error::conflict(format!("exec command {id} has already run")));
    }
    let tty = body.tty.unwrap_or(state.options.tty);
    let console_size = console_size(body.console_size, call.version)?;
    if console_size.is_some() && !tty {
        return Err(Error::invalid("console size is only supported when TTY is enabled"));
    }
    let start = ExecStart { detach: body.detach, tty: body.tty, console_size };
    if body.detach {
        return match call.engine.exec_start(&id, start, None).await {
            Ok(()) => Ok(reply::empty(StatusCode::OK).into()),
            Err((error, _)) => Err(error),
        };
    }
    let prologue = hijack::prologue(call.wants_upgrade(), call.version, !tty);
    let engine = call.engine;
    Ok(Outcome::hijack(move |taken| async move {
        let client = taken.into_client_stream(prologue, !tty);
        if let Err((error, stream)) = engine.exec_start(&id, start, Some(client)).await {
            hijack::fail_in_stream(stream, &error);
        }
    }))
}

/// `POST /exec/{id}/resize`
pub(super) async fn resize<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (rows, columns) = crate::containers::terminal_size(&call)?;
    call.engine.exec_resize(&call.parameter("id"), rows, columns).await?;
    Ok(reply::empty(StatusCode::OK).into())
}

/// `GET /exec/{id}/json`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let state = call.engine.exec_inspect(&call.parameter("id")).await?;
    let options = state.options;
    let mut words = options.cmd.into_iter();
    let answer = wire::Inspect {
        id: state.id,
        running: state.running,
        exit_code: state.exit_code,
        process_config: wire::Process {
            tty: options.tty,
            entrypoint: words.next().unwrap_or_default(),
            arguments: words.collect(),
            privileged: options.privileged,
            user: options.user,
        },
        open_stdin: options.attach_stdin,
        open_stderr: options.attach_stderr,
        open_stdout: options.attach_stdout,
        can_remove: !state.running && state.exit_code.is_some(),
        container_id: state.container_id,
        detach_keys: options.detach_keys.unwrap_or_default(),
        pid: state.pid,
    };
    Ok(reply::ok(&answer)?.into())
}
