//! A client of one API server: requests that are asked again where that may help, and streams of lines.

mod configuration;
mod errors;
mod kinds;
mod lines;

pub(crate) use kinds::Kind;
pub(crate) use lines::Lines;

use configuration::Configuration;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::client::Body;
use rand::RngExt as _;
use sampan_provider::{Failure, Result, Retry, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Mutex;

/// Who owns the fields that are set here.
const MANAGER: &str = "sampan";
/// How often one request is sent at most.
const TRIES: u32 = 5;
/// The longest pause before another try.
const LONGEST: Duration = Duration::from_secs(20);
/// How long an answer may take that is no stream.
const PATIENCE: Duration = Duration::from_secs(60);
/// Objects in one page of a list.
const PAGE: u32 = 250;

/// Speaks to one API server.
pub(crate) struct Client {
    configuration: Configuration,
    known: Mutex<Option<Place>>,
}

/// A server, and where in it.
#[derive(Clone)]
pub(crate) struct Place {
    http: kube::Client,
    /// The namespace that is worked in.
    pub(crate) namespace: String,
    /// Its URL.
    pub(crate) server: String,
    /// The context of the user's configuration; empty inside a cluster.
    pub(crate) context: String,
}

/// A path with a query.
pub(crate) fn with_query(path: &str, words: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(words).finish();
    format!("{path}?{query}")
}

/// One request.
struct Call<'a> {
    method: Method,
    path: &'a str,
    kind: &'static str,
    body: Option<&'a Value>,
}

impl Client {
    /// Reads nothing yet.
    pub(crate) fn new(target: &Target, environment: &BTreeMap<String, String>) -> Result<Self> {
        Ok(Self { configuration: Configuration::of(target, environment)?, known: Mutex::new(None) })
    }

    /// The server, by the user's configuration.
    pub(crate) async fn place(&self) -> Result<Place> {
        let mut known = self.known.lock().await;
        if let Some(place) = known.as_ref() {
            return Ok(place.clone());
        }
        let place = self.configuration.connect().await?;
        *known = Some(place.clone());
        Ok(place)
    }

    /// Where an object is, or with an empty name all of its kind.
    pub(crate) async fn path(&self, kind: Kind, name: &str) -> Result<String> {
        Ok(kind.path(&self.place().await?.namespace, name))
    }

    /// An object; `None` when it is not there.
    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>> {
        let path = self.path(kind, name).await?;
        match self.read(&path).await {
            Err(Failure::NotFound(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// What is at a path.
    pub(crate) async fn read(&self, path: &str) -> Result<Value> {
        self.send(&Call { method: Method::GET, path, kind: "", body: None }).await
    }

    /// All objects of a kind that a selector finds, and the version of the list.
    pub(crate) async fn list(&self, kind: Kind, selector: &str) -> Result<(Vec<Value>, String)> {
        let path = self.path(kind, "").await?;
        let mut all = Vec::new();
        let mut from = String::new();
        loop {
            let page = PAGE.to_string();
            let mut words = vec![("labelSelector", selector), ("limit", page.as_str())];
            if !from.is_empty() {
                words.push(("continue", &from));
            }
            let mut page = self.read(&with_query(&path, &words)).await?;
            if let Value::Array(items) = page["items"].take() {
                all.extend(items);
            }
            let text = |name: &str| page["metadata"][name].as_str().unwrap_or_default().to_owned();
            from = text("continue");
            if from.is_empty() {
                return Ok((all, text("resourceVersion")));
            }
        }
    }

    /// Makes an object, or makes it so, by server-side apply: fields that are ours and are left out are removed.
    pub(crate) async fn apply(&self, kind: Kind, object: &Value) -> Result<Value> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let path = format!("{}?fieldManager={MANAGER}&force=true", self.path(kind, name).await?);
        // JSON is YAML.
        let kind = "application/apply-patch+yaml";
        self.send(&Call { method: Method::PATCH, path: &path, kind, body: Some(object) }).await
    }

    /// Changes some fields of an object, or of one of its parts (`scale`).
    pub(crate) async fn change(&self, kind: Kind, name: &str, part: &str, fields: &Value) -> Result<Value> {
        let path = self.path(kind, name).await?;
        let part = if part.is_empty() { String::new() } else { format!("/{part}") };
        let path = format!("{path}{part}?fieldManager={MANAGER}");
        let kind = "application/merge-patch+json";
        self.send(&Call { method: Method::PATCH, path: &path, kind, body: Some(fields) }).await
    }

    /// Asks a question that is written as an object.
    pub(crate) async fn ask(&self, path: &str, question: &Value) -> Result<Value> {
        self.send(&Call { method: Method::POST, path, kind: "application/json", body: Some(question) }).await
    }

    /// Removes an object with what depends on it; none is no failure.
    pub(crate) async fn delete(&self, kind: Kind, name: &str) -> Result<()> {
        let path = self.path(kind, name).await?;
        let body = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background" });
        let call = Call { method: Method::DELETE, path: &path, kind: "application/json", body: Some(&body) };
        match self.send(&call).await {
            Ok(_) | Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// A stream of lines: a log, a watch. It is not asked for again.
    pub(crate) async fn lines(&self, path: &str) -> Result<Lines> {
        let answer = self.once(&Call { method: Method::GET, path, kind: "", body: None }).await?;
        Ok(Lines::new(answer.into_body()))
    }

    async fn send(&self, call: &Call<'_>) -> Result<Value> {
        let (mut tried, mut refreshed) = (0, false);
        loop {
            tried += 1;
            let failure = match tokio::time::timeout(PATIENCE, self.whole(call)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Transport("the cluster takes too long to answer".to_owned()),
            };
            let after = match (&failure, failure.retry()) {
                // A token that was kept has ended: there may be a new one.
                (Failure::Unauthenticated(_), _) if !refreshed => {
                    refreshed = true;
                    *self.known.lock().await = None;
                    continue;
                }
                // Somebody else wrote in the same moment.
                (Failure::Conflict(_), _) if call.method == Method::PATCH => None,
                (_, Retry::Later(after)) => after,
                _ => return Err(failure),
            };
            if tried >= TRIES {
                return Err(failure);
            }
            let most = Duration::from_millis(100 << tried.min(7));
            let pause = after.unwrap_or_else(|| most.mul_f64(rand::rng().random::<f64>()));
            tokio::time::sleep(pause.min(LONGEST)).await;
        }
    }

    async fn whole(&self, call: &Call<'_>) -> Result<Value> {
        let body = self.once(call).await?.into_body();
        let bytes = body.collect().await.map_err(|_| errors::broken())?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|_| errors::unreadable())
    }

    async fn once(&self, call: &Call<'_>) -> Result<http::Response<Body>> {
        let place = self.place().await?;
        let mut request = Request::builder().method(call.method.clone()).uri(call.path);
        if !call.kind.is_empty() {
            request = request.header("content-type", call.kind);
        }
        let body = call.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request
            .header("accept", "application/json, */*")
            .body(Body::from(body))
            .map_err(|_| Failure::invalid("", "a name cannot be part of a URL"))?;
        let answer = place.http.send(request).await.map_err(|error| errors::unsent(&error, &place.server))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
        Err(errors::failure(head.status.as_u16(), &head.headers, &bytes, call.path.contains("/secrets")))
    }
}
