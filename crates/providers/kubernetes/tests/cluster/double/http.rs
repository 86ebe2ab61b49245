//! The HTTP side: paths, verbs, watches and logs.

use super::store::{Store, matches};
use super::{apply, discovery};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An answer instead of the right one: to the next request whose method and path begin so.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// `PATCH /apis/apps`
    pub(crate) to: &'static str,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<&'static str>,
    pub(crate) body: &'static str,
}

/// A resource that is asked for: plural, name, and part of it.
struct Place<'a> {
    plural: &'a str,
    name: &'a str,
    part: &'a str,
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code });
    (StatusCode::from_u16(code).unwrap(), axum::Json(body)).into_response()
}

fn found(object: Option<Value>) -> Response {
    match object {
        Some(object) => axum::Json(object).into_response(),
        None => status(404, "NotFound", "not found"),
    }
}

pub(super) async fn handle(
    State(store): State<Arc<Store>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = format!("{method} {}", uri.path());
    store.requests.lock().unwrap().push(asked.clone());
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header(header::AUTHORIZATION) != format!("Bearer {}", store.token.lock().unwrap()) {
        return status(401, "Unauthorized", "Unauthorized");
    }
    let fault = {
        let mut faults = store.faults.lock().unwrap();
        let at = faults.iter().position(|fault| asked.starts_with(fault.to));
        at.map(|at| faults.remove(at))
    };
    if let Some(fault) = fault {
        let mut answer = (StatusCode::from_u16(fault.status).unwrap(), fault.body).into_response();
        if let Some(after) = fault.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
        }
        return answer;
    }
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let object: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(answer) = discovery::answer(&store, uri.path(), &object) {
        return answer;
    }
    let Some((_, rest)) = uri.path().split_once("/namespaces/default/") else {
        return match uri.path().split('/').collect::<Vec<_>>().as_slice() {
            ["", "api", _, plural] | ["", "apis", _, _, plural] if method == Method::GET => {
                list(&store, plural, &query)
            }
            _ => status(404, "NotFound", "the server could not find the requested resource"),
        };
    };
    let words: Vec<&str> = rest.split('/').collect();
    let word = |number: usize| words.get(number).copied().unwrap_or_default();
    let place = Place { plural: word(0), name: word(1), part: word(2) };
    if uri.path().starts_with("/apis/metrics.k8s.io") {
        return discovery::metrics(&store, query.get("labelSelector").map_or("", String::as_str));
    }
    match (method.as_str(), place.part) {
        ("GET", "log") => log(store, place.name, &query),
        ("GET", "scale") => found(store.get(place.plural, place.name).map(|object| scale(&object))),
        ("GET", _) if place.name.is_empty() && query.contains_key("watch") => {
            watch(store, place.plural, &query)
        }
        ("GET", _) if place.name.is_empty() => list(&store, place.plural, &query),
        ("GET", _) => found(store.get(place.plural, place.name)),
        ("DELETE", _) => {
            let removed = store.lock().remove(place.plural, place.name);
            store.tell();
            found(removed)
        }
        _ => write(&store, &place, header(header::CONTENT_TYPE), &query, &object),
    }
}

/// The scale of a deployment.
fn scale(object: &Value) -> Value {
    let labels = object["spec"]["selector"]["matchLabels"].as_object().unwrap();
    let selector: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect();
    json!({ "apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": { "name": object["metadata"]["name"], "namespace": "default",
            "resourceVersion": object["metadata"]["resourceVersion"] },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": object["status"]["replicas"].as_u64().unwrap_or(0), "selector": selector.join(",") } })
}

fn write(
    store: &Store,
    place: &Place<'_>,
    kind: &str,
    query: &BTreeMap<String, String>,
    body: &Value,
) -> Response {
    let mut inside = store.lock();
    let key = (place.plural.to_owned(), place.name.to_owned());
    let live = inside.objects.get(&key).cloned();
    let mut made = match (kind, live.clone()) {
        ("application/apply-patch+yaml", live) => {
            if let Err(wrong) = apply::validate(body) {
                return status(422, "Invalid", &wrong);
            }
            let manager = (key.0.clone(), key.1.clone(), query["fieldManager"].clone());
            let made = apply::applied(live.as_ref(), inside.applied.get(&manager), body);
            inside.applied.insert(manager, body.clone());
            made
        }
        (_, None) => return status(404, "NotFound", "not found"),
        (_, Some(mut live)) if place.part == "scale" => {
            live["spec"]["replicas"] = body["spec"]["replicas"].clone();
            live
        }
        ("application/json-patch+json", Some(mut live)) => {
            apply::json_patch(&mut live, body);
            live
        }
        (_, Some(mut live)) => {
            apply::merge(&mut live, body);
            live
        }
    };
    if let Some(live) = live.filter(|live| live["kind"] == "Deployment")
        && live["spec"]["selector"] != made["spec"]["selector"]
    {
        return status(422, "Invalid", "spec.selector: field is immutable");
    }
    apply::fill_in(place.plural, &mut made);
    let made = inside.put(place.plural, made);
    drop(inside);
    store.tell();
    axum::Json(if place.part == "scale" { scale(&made) } else { made }).into_response()
}

fn list(store: &Store, plural: &str, query: &BTreeMap<String, String>) -> Response {
    let (items, version) = store.list(plural, query.get("labelSelector").map_or("", String::as_str));
    let kinds = [
        ("deployments", "Deployment"),
        ("replicasets", "ReplicaSet"),
        ("pods", "Pod"),
        ("services", "Service"),
    ];
    let kind = kinds.iter().find(|(known, _)| *known == plural).map_or("", |(_, kind)| kind);
    let group = if matches!(plural, "deployments" | "replicasets") { "apps/v1" } else { "v1" };
    axum::Json(json!({ "apiVersion": group, "kind": format!("{kind}List"),
        "metadata": { "resourceVersion": version.to_string() }, "items": items }))
    .into_response()
}

/// Events from a version on.
fn watch(store: Arc<Store>, plural: &str, query: &BTreeMap<String, String>) -> Response {
    let selector = query.get("labelSelector").cloned().unwrap_or_default();
    let from: u64 = query.get("resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0);
    let plural = plural.to_owned();
    let changed = store.subscribe();
    let events = stream::unfold((from, changed), move |(from, mut changed)| {
        let (store, plural, selector) = (Arc::clone(&store), plural.clone(), selector.clone());
        async move {
            loop {
                let (text, last) = {
                    let inside = store.lock();
                    let later = inside.events.iter().filter(|(version, kind, _, object)| {
                        *version > from && *kind == plural && matches(object, &selector)
                    });
                    let text: String = later
                        .map(|(_, _, kind, object)| {
                            format!("{}\n", json!({ "type": kind, "object": object }))
                        })
                        .collect();
                    (text, inside.events.last().map_or(0, |event| event.0))
                };
                if !text.is_empty() {
                    return Some((Ok::<_, std::io::Error>(text), (last, changed)));
                }
                // The controllers change things without telling.
                let _ = tokio::time::timeout(std::time::Duration::from_millis(50), changed.changed()).await;
            }
        }
    });
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(events)).into_response()
}

/// What a pod's program printed.
fn log(store: Arc<Store>, pod: &str, query: &BTreeMap<String, String>) -> Response {
    if store.get("pods", pod).is_none() {
        return status(404, "NotFound", "not found");
    }
    let is = |name: &str| query.get(name).is_some_and(|value| value == "true");
    let (timestamps, follow) = (is("timestamps"), is("follow"));
    let since = query.get("sinceTime").cloned().unwrap_or_default();
    let shown = move |line: &String| {
        let rest = line.split_once(' ').unwrap().1;
        format!("{}\n", if timestamps { line } else { rest })
    };
    let all: Vec<String> = store.lock().lines.get(pod).cloned().unwrap_or_default();
    let tail: usize = query.get("tailLines").map_or(usize::MAX, |text| text.parse().unwrap());
    let begin = all.len().saturating_sub(tail);
    let recent: Vec<String> =
        all[begin..].iter().filter(|line| line.as_str() >= since.as_str()).cloned().collect();
    let text: String = recent.iter().map(shown).collect();
    if !follow {
        return text.into_response();
    }
    let (pod, changed) = (pod.to_owned(), store.subscribe());
    let first = (Some(text), all.len(), changed);
    let lines = stream::unfold(first, move |(first, at, mut changed)| {
        let (store, pod) = (Arc::clone(&store), pod.clone());
        async move {
            if let Some(text) = first {
                return Some((Ok::<_, std::io::Error>(text), (None, at, changed)));
            }
            loop {
                let lines = store.lock().lines.get(&pod).cloned().unwrap_or_default();
                if lines.len() > at {
                    let text: String = lines[at..].iter().map(shown).collect();
                    return Some((Ok(text), (None, lines.len(), changed)));
                }
                store.get("pods", &pod)?;
                let _ = tokio::time::timeout(std::time::Duration::from_millis(50), changed.changed()).await;
            }
        }
    });
    Body::from_stream(lines).into_response()
}
