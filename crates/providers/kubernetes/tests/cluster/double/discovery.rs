//! What a server says of itself: groups, who asks, figures of use.

use super::store::Store;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

fn resources(group: &str, all: &[(&str, &str, &str)]) -> Response {
    let verbs = json!(["get", "list", "watch", "create", "update", "patch", "delete"]);
    let list: Vec<Value> = all
        .iter()
        .map(|(plural, kind, short)| {
            let short: Vec<&str> = short.split(' ').filter(|one| !one.is_empty()).collect();
            json!({ "name": plural, "singularName": kind.to_lowercase(), "namespaced": true, "kind": kind,
                "shortNames": short, "verbs": verbs })
        })
        .chain((group == "apps/v1").then(|| {
            json!({ "name": "deployments/scale", "singularName": "", "namespaced": true, "group": "autoscaling",
                "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"] })
        }))
        .collect();
    axum::Json(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": list }),
    )
    .into_response()
}

fn group(name: &str, version: &str) -> Value {
    let version = json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({ "name": name, "versions": [version], "preferredVersion": version })
}

/// The answer to what is no object of a namespace.
pub(super) fn answer(store: &Store, path: &str, body: &Value) -> Option<Response> {
    let said = match path {
        "/version" => {
            json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.0", "platform": "linux/amd64" })
        }
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => {
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group("apps", "v1"), group("autoscaling", "v2")] })
        }
        "/api/v1" => {
            let all = [
                ("pods", "Pod", "po"),
                ("services", "Service", "svc"),
                ("secrets", "Secret", ""),
                ("persistentvolumeclaims", "PersistentVolumeClaim", "pvc"),
            ];
            return Some(resources("v1", &all));
        }
        "/apis/apps/v1" => {
            return Some(resources(
                "apps/v1",
                &[("deployments", "Deployment", "deploy"), ("replicasets", "ReplicaSet", "rs")],
            ));
        }
        "/apis/autoscaling/v2" => {
            return Some(resources(
                "autoscaling/v2",
                &[("horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa")],
            ));
        }
        "/api/v1/namespaces/default" => {
            json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": "default" } })
        }
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            json!({ "status": { "userInfo": { "username": "tester" } } })
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
            let asked = &body["spec"]["resourceAttributes"];
            let allowed =
                asked["namespace"] == "default" && asked["verb"].is_string() && asked["resource"].is_string();
            json!({ "status": { "allowed": allowed } })
        }
        _ if path.starts_with("/apis/metrics.k8s.io") && !*store.measures.lock().unwrap() => {
            let missing = json!({ "kind": "Status", "reason": "NotFound", "code": 404 });
            return Some((axum::http::StatusCode::NOT_FOUND, axum::Json(missing)).into_response());
        }
        _ => return None,
    };
    Some(axum::Json(said).into_response())
}

/// What the pods use.
pub(super) fn metrics(store: &Store, selector: &str) -> Response {
    let (pods, _) = store.list("pods", selector);
    let items: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({ "metadata": { "name": pod["metadata"]["name"] }, "timestamp": "2026-01-02T03:04:05Z", "window": "15s",
                "containers": [ { "name": "c", "usage": { "cpu": "156340n", "memory": "3264Ki" } } ] })
        })
        .collect();
    axum::Json(json!({ "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items })).into_response()
}
