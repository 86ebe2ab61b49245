//! Listening, believing signatures, faults, and from a request to its service.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::clock;
use crate::cloud::Cloud;
use crate::faults::{Fault, Kind};
use crate::services;
use crate::signature::{self, Doubt};
use crate::wire::{self, Call, Failure, Protocol, Written};

/// Largest request, in bytes.
const LARGEST: usize = 16 << 20;
/// How long a call hangs that is ordered not to be answered.
const SILENCE: Duration = Duration::from_secs(120);

/// Serves until the simulation ends.
pub(crate) async fn serve(cloud: Arc<Cloud>, listener: TcpListener) {
    let accepting = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let cloud = Arc::clone(&cloud);
            tokio::spawn(async move {
                let end = cloud.end.clone();
                let service = service_fn(move |request| answer(Arc::clone(&cloud), request));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                end.run_until_cancelled(serving).await;
            });
        }
    };
    cloud.end.run_until_cancelled(accepting).await;
}

async fn answer(cloud: Arc<Cloud>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let written = match Limited::new(body, LARGEST).collect().await {
        Ok(body) => written(&cloud, &head, &body.to_bytes()).await,
        Err(_) => plain(413, json!({ "message": "the request is too large or broke off" })),
    };
    let mut response = Response::builder()
        .status(written.status)
        .header("content-type", written.kind)
        .header("x-cloudsim", "simulation");
    for (name, value) in written.headers {
        response = response.header(name, value);
    }
    let body = Full::new(Bytes::from(written.body));
    Ok(response.body(body).unwrap_or_default())
}

fn plain(status: u16, value: serde_json::Value) -> Written {
    Written { status, kind: "application/json", headers: Vec::new(), body: value.to_string().into_bytes() }
}

async fn written(cloud: &Arc<Cloud>, head: &Parts, body: &[u8]) -> Written {
    if head.uri.path().starts_with("/_cloudsim") {
        return about(cloud, head, body);
    }
    let scope = signature::scope(head);
    let service = scope.as_ref().map_or("", |scope| scope.service.as_str());
    let Some((protocol, operation, input)) = wire::read(head, service, body) else {
        let failure =
            Failure::new("SerializationException", "The request is none that the simulation understands");
        return wire::write(Protocol::Json, service, "", Err(failure));
    };
    let scope = match signature::check(head, body, &cloud.keys, clock::now()) {
        Ok(scope) => scope,
        Err(doubt) => return wire::write(protocol, service, &operation, Err(refusal(protocol, doubt))),
    };
    let fault = cloud.faults.take(&format!("{service}:{operation}"));
    match fault {
        Some(Kind::Throttle) => {
            let code = if matches!(protocol, Protocol::Query | Protocol::Ec2) {
                "Throttling"
            } else {
                "ThrottlingException"
            };
            return wire::write(protocol, service, &operation, Err(Failure::new(code, "Rate exceeded")));
        }
        Some(Kind::ExpiredToken) => {
            let code = if protocol == Protocol::Query { "ExpiredToken" } else { "ExpiredTokenException" };
            let failure =
                Failure::new(code, "The security token included in the request is expired").with_status(403);
            return wire::write(protocol, service, &operation, Err(failure));
        }
        Some(Kind::Html500) => {
            let body = b"<html><body><h1>500 Internal Server Error</h1></body></html>".to_vec();
            return Written { status: 500, kind: "text/html", headers: Vec::new(), body };
        }
        Some(Kind::Timeout) => tokio::time::sleep(SILENCE).await,
        _ => {}
    }
    let is_stuck = fault == Some(Kind::Stuck);
    let call =
        Call { service: scope.service, operation: operation.clone(), region: scope.region, input, is_stuck };
    let mut answered = services::answer(cloud, &call).await;
    cloud.wake.notify_one();
    tracing::debug!(service, operation, failure = ?answered.as_ref().err().map(|failure| &failure.code), "answered");
    if fault == Some(Kind::Partial) {
        answered =
            Err(Failure::new("InternalFailure", "The request failed for an unknown reason").with_status(500));
    }
    wire::write(protocol, service, &operation, answered)
}

/// The refusals as the protocols spell them.
fn refusal(protocol: Protocol, doubt: Doubt) -> Failure {
    let json = !matches!(protocol, Protocol::Query | Protocol::Ec2);
    let (code, message) = match (doubt, protocol) {
        (Doubt::Missing, _) if json => {
            ("MissingAuthenticationTokenException", "Missing Authentication Token")
        }
        (Doubt::Missing, _) => ("MissingAuthenticationToken", "Request is missing Authentication Token"),
        (Doubt::UnknownKey, Protocol::Ec2) => {
            ("AuthFailure", "AWS was not able to validate the provided access credentials")
        }
        (Doubt::UnknownKey, Protocol::Query) => {
            ("InvalidClientTokenId", "The security token included in the request is invalid.")
        }
        (Doubt::UnknownKey, _) => {
            ("UnrecognizedClientException", "The security token included in the request is invalid.")
        }
        (Doubt::Expired, Protocol::Ec2) => ("RequestExpired", "Request has expired."),
        (Doubt::Expired, _) => {
            (if json { "InvalidSignatureException" } else { "SignatureDoesNotMatch" }, "Signature expired")
        }
        (Doubt::Wrong, _) => (
            if json { "InvalidSignatureException" } else { "SignatureDoesNotMatch" },
            "The request signature we calculated does not match the signature you provided.",
        ),
    };
    Failure::new(code, message).with_status(if json { 400 } else { 403 })
}

/// What this is, and orders for faults.
fn about(cloud: &Cloud, head: &Parts, body: &[u8]) -> Written {
    if head.uri.path() == "/_cloudsim/faults" && head.method == hyper::Method::POST {
        return match serde_json::from_slice::<Fault>(body) {
            Ok(fault) => {
                cloud.faults.order(fault);
                plain(200, json!({}))
            }
            Err(error) => plain(400, json!({ "message": format!("this is no order for a fault: {error}") })),
        };
    }
    let regions = cloud.store.names();
    let services: Vec<_> = regions
        .iter()
        .flat_map(|region| {
            cloud.store.look(region, |region| {
                region.services.values().map(|one| one.arn.clone()).collect::<Vec<_>>()
            })
        })
        .collect();
    plain(
        200,
        json!({ "simulated": true, "version": env!("CARGO_PKG_VERSION"), "cloud": "aws",
        "registry": cloud.registry.host, "account": cloud.keys.account, "regions": regions, "services": services }),
    )
}
