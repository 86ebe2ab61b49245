//! From a request to its handler: version, route, engine.

use super::{Shared, headers};
use crate::backend::Backend;
use crate::http::router::Answer;
use crate::http::{Body, Call, Form, Handler, Outcome, Version, failure, reply};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use sampan_error::{Error, Kind, Result};

/// Answers a request. The headers that every answer has are added here.
pub(super) async fn answer<E: Backend>(shared: &Shared<E>, request: Request<Incoming>) -> Outcome {
    tracing::debug!(method = %request.method(), path = request.uri().path(), "request");
    let outcome = match route(shared, request).await {
        Ok(outcome) => outcome,
        Err(error) => failure::reply(&error).into(),
    };
    match outcome {
        Outcome::Reply(mut response) => {
            headers::add(response.headers_mut());
            Outcome::Reply(response)
        }
        taken @ Outcome::Hijack(_) => taken,
    }
}

async fn route<E: Backend>(shared: &Shared<E>, request: Request<Incoming>) -> Result<Outcome> {
    refuse_web_pages(&request)?;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let (version, path) = match Version::split(path) {
        None => (Version::NEWEST, path),
        Some((Ok(version), rest)) => (version, rest),
        Some((Err(error), _)) => return Ok(refuse_version(&error).into()),
    };
    let Some((route, parameters)) = shared.router.find(&parts.method, path) else {
        return Err(Error::not_found("page not found"));
    };
    if version < route.since {
        return Err(Error::invalid(format!(
            "{} {path} requires API version {}, but the requested version is {version}",
            parts.method, route.since
        )));
    }
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    let (headers, method) = (parts.headers, parts.method);
    let answer = match &route.handler {
        Handler::Early(handler) => handler(Call { engine: (), version, parameters, query, headers, body }),
        Handler::Ready(handler) => {
            let engine = shared.engine().await?;
            handler(Call { engine, version, parameters, query, headers, body })
        }
    };
    run(&method, answer).await
}

/// Runs the handler. Reading may be dropped with its connection; a change goes on to its end in a task of
/// its own, so that a client that leaves never leaves something half done.
async fn run(method: &Method, answer: Answer) -> Result<Outcome> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return answer.await;
    }
    tokio::spawn(answer).await.unwrap_or_else(|panic| {
        Err(Error::new(Kind::Internal, "the daemon met a bug while working on this; see its log")
            .caused_by(panic))
    })
}

/// A version that is not spoken. Clients of before 1.24 read plain text.
fn refuse_version(error: &Error) -> Response<Body> {
    if error.message().contains("too old") {
        let text = format!("{error}\n");
        return reply::with(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", Body::full(text));
    }
    failure::reply(error)
}

/// A web page in a browser must not drive the engine, wherever it listens.
fn refuse_web_pages(request: &Request<Incoming>) -> Result<()> {
    let headers = request.headers();
    if headers.contains_key("origin") || headers.contains_key("sec-fetch-site") {
        return Err(Error::new(Kind::PermissionDenied, "requests from web pages are refused"));
    }
    Ok(())
}
