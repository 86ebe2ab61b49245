//! What is answered from the first moment on, without an engine.

use crate::http::{Body, Call, Outcome, Version, reply};
use crate::server::headers::{DOCKER_VERSION, SAMPAN_VERSION};
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use sampan_error::Result;
use serde::Serialize;
use std::collections::BTreeMap;

/// What `/_ping` says beside the headers that every answer has.
const PING: [(HeaderName, &str); 4] = [
    // 1 is the classic builder, 2 BuildKit.
    (HeaderName::from_static("builder-version"), "2"),
    (HeaderName::from_static("swarm"), "inactive"),
    (hyper::header::CACHE_CONTROL, "no-cache, no-store, must-revalidate"),
    (hyper::header::PRAGMA, "no-cache"),
];

fn pong(body: Body) -> Response<Body> {
    let mut response = reply::with(StatusCode::OK, "text/plain; charset=utf-8", body);
    for (name, value) in PING {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// `GET /_ping`
pub(super) async fn ping(_call: Call<()>) -> Result<Outcome> {
    Ok(pong(Body::full("OK")).into())
}

/// `HEAD /_ping`
pub(super) async fn ping_head(_call: Call<()>) -> Result<Outcome> {
    let mut response = pong(Body::empty());
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    Ok(response.into())
}

/// The answer of `/version`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionReply {
    platform: Platform,
    components: Vec<Component>,
    version: &'static str,
    api_version: String,
    #[serde(rename = "MinAPIVersion")]
    min_api_version: String,
    git_commit: &'static str,
    go_version: &'static str,
    os: &'static str,
    arch: &'static str,
    kernel_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    build_time: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Platform {
    name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: &'static str,
    version: &'static str,
    details: BTreeMap<&'static str, String>,
}

/// `GET /version`. The engine's version is that of the Docker whose behaviour we offer, since tools compare
/// it; our own stands beside it.
pub(super) async fn version(_call: Call<()>) -> Result<Outcome> {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let details = BTreeMap::from([
        ("ApiVersion", Version::NEWEST.to_string()),
        ("Arch", architecture().into()),
        ("Experimental", "false".into()),
        ("GitCommit", "sampan".into()),
        ("GoVersion", "none".into()),
        ("KernelVersion", kernel.clone()),
        ("MinAPIVersion", Version::OLDEST.to_string()),
        ("Os", "linux".into()),
    ]);
    let answer = VersionReply {
        platform: Platform { name: format!("Sampan {SAMPAN_VERSION}") },
        components: vec![
            Component { name: "Engine", version: DOCKER_VERSION, details },
            Component { name: "sampan", version: SAMPAN_VERSION, details: BTreeMap::new() },
        ],
        version: DOCKER_VERSION,
        api_version: Version::NEWEST.to_string(),
        min_api_version: Version::OLDEST.to_string(),
        git_commit: "sampan",
        go_version: "none",
        os: "linux",
        arch: architecture(),
        kernel_version: kernel,
        build_time: String::new(),
    };
    Ok(reply::ok(&answer)?.into())
}

/// This machine's architecture in Go's words.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
