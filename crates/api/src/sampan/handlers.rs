//! Handlers: parse, call, convert.

use super::backend::Backend;
use super::wire;
use crate::containers::convert;
use crate::http::{Call, Outcome, hijack};
use sampan_engine::containers::{AttachOptions, RunOptions};
use sampan_error::{Error, Result};

/// The content type of the stream of frames.
const FRAMES: &str = "application/vnd.sampan.run";

/// `POST /sampan/run`
pub(super) async fn run<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::RunBody = call.json().await?;
    let some = |text: String| (!text.is_empty()).then_some(text);
    let (spec, warnings) = convert::spec(body.config, some(body.platform), call.version)?;
    let size = match body.size.as_deref() {
        None | Some([]) => None,
        Some([rows, columns]) => Some((*rows, *columns)),
        Some(_) => return Err(Error::invalid("Size needs two numbers, rows and columns")),
    };
    let options = RunOptions {
        name: some(body.name),
        detach: body.detach,
        attach: AttachOptions {
            logs: false,
            stream: true,
            stdin: body.attach.stdin,
            stdout: body.attach.stdout,
            stderr: body.attach.stderr,
            detach_keys: some(body.detach_keys),
        },
        size,
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let engine = call.engine;
    Ok(Outcome::hijack(move |taken| async move {
        let stream = taken.into_client_stream(hijack::switching(FRAMES), true);
        if let Err((error, stream)) = engine.run(spec, options, stream).await {
            hijack::refuse(stream, &error);
        }
    }))
}
