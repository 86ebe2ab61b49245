//! Replica sets of deployments, pods of replica sets.

use super::node;
use super::store::{Inside, Store};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const REVISION: &str = "deployment.kubernetes.io/revision";

/// Looks a moment after each change, so that clients see what a controller has not seen.
pub(super) async fn run(store: Arc<Store>) {
    let mut changed = store.subscribe();
    while changed.changed().await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        changed.mark_unchanged();
        let begun = {
            let mut inside = store.lock();
            let deployments: Vec<Value> = of_kind(&inside, "deployments");
            deployments.iter().flat_map(|deployment| reconcile(&mut inside, deployment)).collect::<Vec<_>>()
        };
        for pod in begun {
            node::start(&store, &pod);
        }
        store.subscribe();
    }
}

fn of_kind(inside: &Inside, plural: &str) -> Vec<Value> {
    inside.objects.iter().filter(|((kind, _), _)| kind == plural).map(|(_, object)| object.clone()).collect()
}

fn owned(inside: &Inside, plural: &str, owner: &Value) -> Vec<Value> {
    let mut all = of_kind(inside, plural);
    all.retain(|one| one["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]);
    all
}

fn owner(object: &Value, version: &str, kind: &str) -> Value {
    json!([{ "apiVersion": version, "kind": kind, "name": object["metadata"]["name"],
        "uid": object["metadata"]["uid"], "controller": true }])
}

fn revision(object: &Value) -> u64 {
    object["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A template's hash.
fn hash(template: &Value) -> String {
    let sum =
        template.to_string().bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{:x}", sum & 0xffff_ffff)
}

/// Makes what is there what is wanted; gives the pods whose programs are to be started.
fn reconcile(inside: &mut Inside, deployment: &Value) -> Vec<Value> {
    let sets = owned(inside, "replicasets", deployment);
    let template = &deployment["spec"]["template"];
    let hash = hash(template);
    let newest = sets.iter().map(revision).max().unwrap_or(0);
    let called = format!("{}-{hash}", deployment["metadata"]["name"].as_str().unwrap());
    let current = sets.iter().find(|set| set["metadata"]["name"] == called.as_str());
    let number = current.map(revision).filter(|number| *number == newest).unwrap_or(newest + 1);
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let mut own = template.clone();
    own["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let mut set = current.cloned().unwrap_or_else(|| {
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": called,
            "labels": own["metadata"]["labels"], "ownerReferences": owner(deployment, "apps/v1", "Deployment") },
            "spec": { "selector": { "matchLabels": own["metadata"]["labels"] }, "template": own } })
    });
    // So does the real controller, and `kubectl rollout undo` gives them back to the deployment.
    set["metadata"]["annotations"] = deployment["metadata"]["annotations"].clone();
    set["metadata"]["annotations"][REVISION] = json!(number.to_string());
    set["spec"]["replicas"] = json!(wanted);
    set["status"] = json!({ "replicas": wanted });
    let set = inside.put("replicasets", set);
    for mut old in sets.into_iter().filter(|old| old["metadata"]["name"] != called.as_str()) {
        old["spec"]["replicas"] = json!(0);
        old["status"] = json!({ "replicas": 0 });
        for pod in owned(inside, "pods", &old) {
            inside.remove("pods", pod["metadata"]["name"].as_str().unwrap());
        }
        inside.put("replicasets", old);
    }
    let begun = pods(inside, &set, usize::try_from(wanted).unwrap());
    let mut seen = deployment.clone();
    seen["metadata"]["annotations"][REVISION] = json!(number.to_string());
    seen["status"] = json!({ "observedGeneration": seen["metadata"]["generation"], "replicas": wanted,
        "updatedReplicas": wanted, "readyReplicas": wanted, "availableReplicas": wanted,
        "conditions": [ { "type": "Available", "status": "True" },
            { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" } ] });
    inside.put("deployments", seen);
    begun
}

/// So many pods of a replica set; gives the new ones.
fn pods(inside: &mut Inside, set: &Value, wanted: usize) -> Vec<Value> {
    let there = owned(inside, "pods", set);
    for pod in there.iter().skip(wanted) {
        inside.remove("pods", pod["metadata"]["name"].as_str().unwrap());
    }
    let mut begun = Vec::new();
    let mut number = 0;
    while there.len() + begun.len() < wanted {
        number += 1;
        let called = format!("{}-{number}", set["metadata"]["name"].as_str().unwrap());
        if inside.objects.contains_key(&("pods".to_owned(), called.clone())) {
            continue;
        }
        let template = &set["spec"]["template"];
        let container = &template["spec"]["containers"][0];
        let started = jiff::Timestamp::now().to_string();
        begun.push(inside.put(
            "pods",
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": called,
                "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"],
                "ownerReferences": owner(set, "apps/v1", "ReplicaSet") },
                "spec": template["spec"],
                "status": { "phase": "Running", "hostIP": "192.0.2.7", "startTime": started,
                    "conditions": [ { "type": "Ready", "status": "True" } ],
                    "containerStatuses": [ { "name": container["name"], "image": container["image"], "imageID": "",
                        "ready": true, "restartCount": 0, "state": { "running": { "startedAt": started } } } ] } }),
        ));
    }
    begun
}
