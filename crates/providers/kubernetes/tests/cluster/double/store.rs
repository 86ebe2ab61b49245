//! The objects, what happened to them, and what their programs printed.

use super::http::Fault;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Everything that the double knows.
pub(crate) struct Store {
    inside: Mutex<Inside>,
    changed: watch::Sender<u64>,
    pub(crate) token: Mutex<String>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    /// Method and path of every request, without its query.
    pub(crate) requests: Mutex<Vec<String>>,
    /// `metrics.k8s.io` is served.
    pub(crate) measures: Mutex<bool>,
}

#[derive(Default)]
pub(crate) struct Inside {
    version: u64,
    /// By plural and name.
    pub(crate) objects: BTreeMap<(String, String), Value>,
    /// What was last applied by whom: by plural, name and manager.
    pub(crate) applied: BTreeMap<(String, String, String), Value>,
    /// Version, plural, type and object.
    pub(crate) events: Vec<(u64, String, &'static str, Value)>,
    /// By pod: what its program printed, with the time.
    pub(crate) lines: BTreeMap<String, Vec<String>>,
    /// By pod: its process.
    pub(crate) processes: BTreeMap<String, u32>,
}

impl Store {
    pub(super) fn new(token: &str) -> Self {
        Self {
            inside: Mutex::default(),
            changed: watch::Sender::new(0),
            token: Mutex::new(token.to_owned()),
            faults: Mutex::default(),
            requests: Mutex::default(),
            measures: Mutex::new(true),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Tells when something changed.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn tell(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// An object.
    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<Value> {
        self.lock().objects.get(&(plural.to_owned(), name.to_owned())).cloned()
    }

    /// Those that a selector finds, and the version.
    pub(super) fn list(&self, plural: &str, selector: &str) -> (Vec<Value>, u64) {
        let inside = self.lock();
        let all =
            inside.objects.iter().filter(|((kind, _), object)| kind == plural && matches(object, selector));
        (all.map(|(_, object)| object.clone()).collect(), inside.version)
    }

    pub(super) fn end_processes(&self) {
        // After a panic, too.
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        for process in inside.processes.values() {
            super::node::signal(*process, "KILL");
        }
    }
}

impl Store {
    /// An object that somebody else made.
    pub(crate) fn put_foreign(&self, plural: &str, object: Value) {
        self.lock().put(plural, object);
    }

    /// Removes what somebody else would remove: an old replica set goes when there are too many.
    pub(crate) fn remove_foreign(&self, plural: &str, wanted: impl Fn(&Value) -> bool) {
        let mut inside = self.lock();
        let all = inside.objects.iter().filter(|((kind, _), object)| kind == plural && wanted(object));
        let names: Vec<String> = all.map(|((_, name), _)| name.clone()).collect();
        for name in names {
            inside.remove(plural, &name);
        }
    }
}

impl Inside {
    /// Keeps an object as it is to be; gives it as it is then.
    pub(super) fn put(&mut self, plural: &str, mut object: Value) -> Value {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let key = (plural.to_owned(), name.clone());
        let before = self.objects.get(&key);
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("resourceVersion");
        metadata.insert("namespace".to_owned(), json!("default"));
        if before.is_none() {
            metadata.insert("uid".to_owned(), json!(format!("uid-{}", self.version + 1)));
            metadata.insert("creationTimestamp".to_owned(), json!("2026-01-02T03:04:05Z"));
            metadata.insert("generation".to_owned(), json!(1));
        }
        if let Some(before) = before {
            let mut same = before.clone();
            same["metadata"].as_object_mut().unwrap().remove("resourceVersion");
            if same == object {
                return before.clone();
            }
            if before["spec"] != object["spec"] {
                let generation = before["metadata"]["generation"].as_u64().unwrap_or(1) + 1;
                object["metadata"]["generation"] = json!(generation);
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let kind = if before.is_none() { "ADDED" } else { "MODIFIED" };
        self.events.push((self.version, plural.to_owned(), kind, object.clone()));
        self.objects.insert(key, object.clone());
        object
    }

    /// Removes an object with those that it owns.
    pub(super) fn remove(&mut self, plural: &str, name: &str) -> Option<Value> {
        let object = self.objects.remove(&(plural.to_owned(), name.to_owned()))?;
        self.applied.retain(|(kind, called, _), _| kind != plural || called != name);
        self.version += 1;
        self.events.push((self.version, plural.to_owned(), "DELETED", object.clone()));
        if plural == "pods"
            && let Some(process) = self.processes.remove(name)
        {
            super::node::signal(process, "TERM");
        }
        let uid = object["metadata"]["uid"].clone();
        let is_owned = |one: &Value| one["metadata"]["ownerReferences"][0]["uid"] == uid;
        let owned: Vec<(String, String)> =
            self.objects.iter().filter(|(_, one)| is_owned(one)).map(|(key, _)| key.clone()).collect();
        for (kind, called) in owned {
            self.remove(&kind, &called);
        }
        Some(object)
    }
}

/// Whether an object's labels are those of a selector: `a=b,c=d`.
pub(super) fn matches(object: &Value, selector: &str) -> bool {
    selector.split(',').filter(|one| !one.is_empty()).all(|one| {
        let (key, value) = one.split_once('=').unwrap();
        object["metadata"]["labels"][key] == value.trim_start_matches('=')
    })
}
