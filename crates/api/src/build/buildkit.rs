//! `/grpc` and `/session`: connections that become HTTP/2 and speak BuildKit's protocol.

use super::backend::Backend;
use crate::http::{Call, Outcome, Taken};
use hyper::HeaderMap;
use hyper::header::UPGRADE;
use sampan_buildkit::{Introduction, Upgraded};
use sampan_error::{Error, Result};
use std::io::Write;
use std::os::fd::AsFd;

/// What the other side waits for before it speaks HTTP/2.
const HEAD: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/// `POST /grpc`
pub(super) async fn grpc<E: Backend>(call: Call<E>) -> Result<Outcome> {
    check(&call.headers)?;
    let engine = call.engine;
    Ok(Outcome::hijack(move |taken| async move {
        if let Some(connection) = upgraded(taken) {
            engine.serve_buildkit(connection).await;
        }
    }))
}

/// `POST /session`
pub(super) async fn session<E: Backend>(call: Call<E>) -> Result<Outcome> {
    check(&call.headers)?;
    let text = |name: &str| {
        let value = call.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let introduction = Introduction {
        id: text("x-docker-expose-session-uuid"),
        shared_key: text("x-docker-expose-session-sharedkey"),
        methods: call
            .headers
            .get_all("x-docker-expose-session-grpc-method")
            .iter()
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect(),
    };
    if introduction.id.is_empty() {
        return Err(Error::invalid("a session needs an id: X-Docker-Expose-Session-Uuid"));
    }
    let engine = call.engine;
    Ok(Outcome::hijack(move |taken| async move {
        if let Some(connection) = upgraded(taken) {
            engine.keep_session(introduction, connection).await;
        }
    }))
}

fn check(headers: &HeaderMap) -> Result<()> {
    match headers.get(UPGRADE).and_then(|value| value.to_str().ok()) {
        Some("h2c") => Ok(()),
        Some(other) => Err(Error::invalid(format!("protocol {other} not supported: only h2c is"))),
        None => Err(Error::invalid("no upgrade proto in request: this is for h2c")),
    }
}

fn upgraded(taken: Taken) -> Option<Upgraded> {
    let written = taken
        .socket
        .as_fd()
        .try_clone_to_owned()
        .and_then(|socket| std::fs::File::from(socket).write_all(HEAD));
    if let Err(error) = written {
        tracing::debug!(%error, "a client went away before its answer");
        return None;
    }
    Upgraded::new(taken.socket, taken.read_ahead)
        .inspect_err(|error| tracing::warn!(%error, "a connection cannot be taken over"))
        .ok()
}
