//! The engine that runs the containers: the few calls of Docker's API that are needed, over its socket.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use sampan_error::{Context, Error, Kind, Result};
use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::http_client;

/// A Docker-speaking engine.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    socket: PathBuf,
}

/// A query's `name=value` pairs, escaped.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Engine {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        credentials: Option<String>,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>> {
        let stream = UnixStream::connect(&self.socket).await;
        let stream = stream.map_err(|error| {
            Error::unavailable(format!("the engine at {} does not answer: {error}", self.socket.display()))
        })?;
        let mut request = Request::builder().method(method).uri(path).header("host", "engine");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let Some(credentials) = credentials {
            request = request.header("x-registry-auth", credentials);
        }
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(body)).map_err(|error| Error::internal(error.to_string()))?;
        http_client::send(stream, request).await
    }

    /// A call with a JSON answer; an empty answer is `null`.
    ///
    /// # Errors
    /// What the engine says, with its kind.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let bytes = http_client::whole(self.send(method, path, None, body).await?).await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// All containers with a label, running or not.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn containers(&self, label: &str) -> Result<Vec<Value>> {
        let filters = json!({ "label": [label] }).to_string();
        let path = format!("/containers/json?{}", query(&[("all", "1"), ("filters", &filters)]));
        Ok(self.call(Method::GET, &path, None).await?.as_array().cloned().unwrap_or_default())
    }

    /// What a container is.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn inspect(&self, container: &str) -> Result<Value> {
        self.call(Method::GET, &format!("/containers/{container}/json"), None).await
    }

    /// Makes a container and returns its id.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn create(&self, name: &str, body: &Value) -> Result<String> {
        let path = format!("/containers/create?{}", query(&[("name", name)]));
        let made = self.call(Method::POST, &path, Some(body)).await?;
        made["Id"].as_str().map(str::to_owned).ok_or_else(|| Error::internal("the engine made no container"))
    }

    /// Starts a container; a started one stays.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn start(&self, container: &str) -> Result<()> {
        unless(
            self.call(Method::POST, &format!("/containers/{container}/start"), None).await,
            &[Kind::NotModified],
        )
    }

    /// Stops a container within so many seconds, and waits for its end.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn stop(&self, container: &str, seconds: u64) -> Result<()> {
        let path = format!("/containers/{container}/stop?t={seconds}");
        unless(self.call(Method::POST, &path, None).await, &[Kind::NotModified, Kind::NotFound])
    }

    /// Removes a container and its nameless volumes; one that is gone stays gone.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn remove(&self, container: &str) -> Result<()> {
        let path = format!("/containers/{container}?force=1&v=1");
        unless(self.call(Method::DELETE, &path, None).await, &[Kind::NotFound])
    }

    /// Pulls an image, with a name and password when its registry wants them.
    ///
    /// # Errors
    /// What the engine or the registry says.
    pub(crate) async fn pull(&self, image: &str, login: Option<(&str, &str)>) -> Result<()> {
        let credentials = login.map(|(name, password)| {
            URL_SAFE.encode(json!({ "username": name, "password": password }).to_string())
        });
        let path = format!("/images/create?{}", query(&[("fromImage", image), ("tag", tag_to_name(image))]));
        let answer = self.send(Method::POST, &path, credentials, None).await?;
        let said = http_client::whole(answer).await?;
        for line in said.split(|byte| *byte == b'\n') {
            let line: Value = serde_json::from_slice(line).unwrap_or_default();
            if let Some(error) = line["error"].as_str() {
                return Err(Error::not_found(error));
            }
        }
        Ok(())
    }

    /// The output of a container so far: each line with the moment that the engine saw it, in milliseconds.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn output(&self, container: &str, since: i64) -> Result<Vec<(i64, String)>> {
        let since = format!("{}.{:03}", since.max(0) / 1000, since.max(0) % 1000);
        let pairs = [("stdout", "1"), ("stderr", "1"), ("timestamps", "1"), ("since", since.as_str())];
        let path = format!("/containers/{container}/logs?{}", query(&pairs));
        let answer = self.send(Method::GET, &path, None, None).await?;
        Ok(crate::logs::lines(&http_client::whole(answer).await?))
    }

    /// A stream that says something whenever something happens to containers with a label.
    ///
    /// # Errors
    /// The engine does not answer.
    pub(crate) async fn events(&self, label: &str) -> Result<Events> {
        let filters = json!({ "label": [label], "type": ["container"] }).to_string();
        let path = format!("/events?{}", query(&[("filters", &filters)]));
        let answer = self.send(Method::GET, &path, None, None).await.context("no events")?;
        Ok(Events(answer.into_body()))
    }

    /// Makes a bridge network unless it is there.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn network(&self, name: &str, labels: &Value) -> Result<()> {
        if self.call(Method::GET, &format!("/networks/{name}"), None).await.is_ok() {
            return Ok(());
        }
        let body = json!({ "Name": name, "Driver": "bridge", "CheckDuplicate": true, "Labels": labels });
        unless(self.call(Method::POST, "/networks/create", Some(&body)).await, &[Kind::Conflict])
    }

    /// Removes a network, volume or image by its path; what is gone stays gone.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn forget(&self, path: &str) -> Result<()> {
        unless(self.call(Method::DELETE, path, None).await, &[Kind::NotFound])
    }
}

/// What happens on the engine.
pub(crate) struct Events(Incoming);

impl Events {
    /// Waits for the next thing to happen; `false` when the stream has ended.
    pub(crate) async fn next(&mut self) -> bool {
        matches!(self.0.frame().await, Some(Ok(_)))
    }
}

fn unless(answer: Result<Value>, fine: &[Kind]) -> Result<()> {
    match answer {
        Err(error) if !fine.contains(&error.kind()) => Err(error),
        _ => Ok(()),
    }
}

/// A name with a tag or digest says all; for one without, `latest` is meant and not every tag.
fn tag_to_name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || last.contains('@') { "" } else { "latest" }
}
