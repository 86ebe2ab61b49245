//! `run` against Sampan's own daemon: one request, one stream with id, output and exit status.

use std::cell::RefCell;
use std::io::{self, IoSlice};

use serde::Deserialize;
use serde_json::json;

use super::attachment::{self, Target};
use super::container_options::CreateBody;
use super::creation::{self, Created, IdFile};
use super::run::{Args, Attached};
use crate::client::{Body, Client, Hijacked};
use crate::failure::{ExitStatus, Failure, Result};
use crate::session::Session;
use crate::terminal::{self, Arrived, Outcome, Signals, Sink, Streams};

/// The kinds of frames beside stdout and stderr.
mod frame {
    /// JSON `{"Id", "Warnings"}`: the container is made.
    pub(super) const CREATED: u8 = 16;
    /// JSON `{"StatusCode"}` or `{"Error": {"Kind", "Message"}}`: the end.
    pub(super) const EXIT: u8 = 17;
    /// The user typed the detach keys, and the engine saw it.
    pub(super) const DETACHED: u8 = 18;
}

/// Runs the container.
///
/// # Errors
/// What the engine refuses, with docker's exit statuses.
pub(super) fn run(session: &Session, args: &Args, body: &CreateBody) -> Result<ExitStatus> {
    let client = session.client()?;
    let mut id_file = IdFile::open(&args.options.general.id_file)?;
    let attached = Attached::of(body);
    let tty = args.options.general.tty;
    let hijacked =
        request(session, client, args, body).map_err(|failure| creation::run_failure(session, &failure))?;
    let signals = if attached.any() { Some(Signals::catch(args.proxy_signals)?) } else { None };

    let state = RefCell::new(State::default());
    let mut sink = RunSink { streams: attached.sink(tty), state: &state, id_file: &mut id_file, args };
    let mut on_signal = |arrived: Arrived| {
        let id = state.borrow().id.clone();
        if let Some(id) = id {
            attachment::deliver(client, &Target::Container(id), tty, arrived);
        }
    };
    let outcome = Streams {
        hijacked,
        stdin: attached.stdin,
        output: true,
        tty,
        framed: true,
        detach_keys: args.detach_keys.clone(),
        sink: &mut sink,
        signals,
        on_signal: &mut on_signal,
        exit: None,
    }
    .run()?;
    drop(sink);
    finish(session, client, args, attached, outcome, state.into_inner())
}

fn request(session: &Session, client: &Client, args: &Args, body: &CreateBody) -> Result<Hijacked> {
    let reference = creation::image_reference(&args.options.image)?;
    if args.creation.always_pulls() {
        creation::pull(session, client, &args.creation, &args.options.image)?;
    }
    let size = match (args.options.general.tty, terminal::size()) {
        (false, _) | (true, (0, 0)) => None,
        (true, (rows, columns)) => Some([rows, columns]),
    };
    let document = json!({
        "Name": args.creation.name,
        "Config": body.to_value(),
        "Platform": creation::platform(&args.creation.platform)?,
        "Detach": args.detach,
        "Attach": {
            "Stdin": body.attaches("AttachStdin"),
            "Stdout": body.attaches("AttachStdout"),
            "Stderr": body.attaches("AttachStderr"),
        },
        "DetachKeys": args.detach_keys,
        "Size": size,
    });
    let send = || {
        let headers = [("Connection", "Upgrade"), ("Upgrade", "tcp")];
        client.hijack_at("/sampan/run", &headers, Body::json(&document)?)
    };
    match (send(), reference) {
        // One request creates and starts: what is not found may also be a network, and only an image is pulled.
        (Err(failure), Some(reference))
            if failure.is_not_found()
                && failure.to_string().contains("No such image")
                && args.creation.pulls_missing() =>
        {
            creation::pull_missing(session, client, &args.creation, &args.options.image, &reference)?;
            send()
        }
        (other, _) => other,
    }
}

/// What the frames said.
#[derive(Default)]
struct State {
    id: Option<String>,
    exit: Option<Exit>,
    detached: bool,
}

#[derive(Debug, Deserialize)]
struct Exit {
    #[serde(rename = "StatusCode", default)]
    status: i64,
    #[serde(rename = "Error", default)]
    error: Option<ExitError>,
}

#[derive(Debug, Deserialize)]
struct ExitError {
    #[serde(rename = "Message", alias = "message", default)]
    message: String,
    #[serde(rename = "Kind", default)]
    kind: String,
    #[serde(default)]
    code: u16,
}

struct RunSink<'a> {
    streams: Box<dyn Sink>,
    state: &'a RefCell<State>,
    id_file: &'a mut IdFile,
    args: &'a Args,
}

impl Sink for RunSink<'_> {
    fn stdout(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.streams.stdout(pieces)
    }

    fn stderr(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.streams.stderr(pieces)
    }

    fn own(&mut self, kind: u8, content: &[u8]) -> Result<()> {
        let mut state = self.state.borrow_mut();
        match kind {
            frame::CREATED => {
                let created: Created = serde_json::from_slice(content)?;
                for warning in created.warnings.into_iter().flatten().chain(self.args.options.warnings()) {
                    eprintln!("WARNING: {warning}");
                }
                self.id_file.write(&created.id)?;
                state.id = Some(created.id);
            }
            frame::EXIT => state.exit = Some(serde_json::from_slice(content)?),
            frame::DETACHED => state.detached = true,
            // A newer daemon may say more.
            _ => {}
        }
        Ok(())
    }
}

fn finish(
    session: &Session,
    client: &Client,
    args: &Args,
    attached: Attached,
    outcome: Outcome,
    state: State,
) -> Result<ExitStatus> {
    match (state.exit, state.id) {
        (Some(Exit { error: Some(error), .. }), _) => {
            let failure = Failure::Daemon { status: error.code, message: error.message };
            let status = match error.kind.as_str() {
                "CommandNotFound" => ExitStatus(127),
                "CommandNotExecutable" => ExitStatus(126),
                _ => return Err(creation::run_failure(session, &failure)),
            };
            Err(creation::with_help(session, "run", &failure.to_string(), status))
        }
        _ if outcome == Outcome::Detached || state.detached => Ok(ExitStatus::SUCCESS),
        (Some(exit), _) => Ok(ExitStatus::of_program(exit.status)),
        (None, Some(id)) if args.detach || !attached.any() => {
            println!("{id}");
            Ok(ExitStatus::SUCCESS)
        }
        // The stream was cut off: the container itself can still be asked.
        (None, Some(id)) => {
            let body = attachment::wait_for(client, &id, "")?.text()?;
            Ok(attachment::exit_status(&body))
        }
        (None, None) => Err(creation::run_failure(
            session,
            &Failure::message("the daemon closed the connection before the container was made"),
        )),
    }
}
