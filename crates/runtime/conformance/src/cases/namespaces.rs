//! config-linux.md: namespaces and user mappings.

use serde_json::{Value, json};

use super::{case, facts, refused};
use crate::bench::Trial;
use crate::bundle::{drop_field, with_namespace, without_namespace};
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const NAMESPACES: &str = "config-linux.md: Namespaces";
const USERS: &str = "config-linux.md: User namespace mappings";

/// A check that joins a namespace of one kind.
type JoinCheck = fn(&Trial<'_>) -> Outcome;

/// The name under /proc/PID/ns for the specification's name.
fn file(kind: &str) -> &str {
    match kind {
        "network" => "net",
        "mount" => "mnt",
        other => other,
    }
}

fn own(kind: &str) -> Value {
    json!(std::fs::read_link(format!("/proc/self/ns/{}", file(kind))).unwrap_or_default())
}

fn is_new(report: &Value, kind: &str) -> Outcome {
    require(report["namespaces"][file(kind)] != own(kind), || "it is the host's namespace".into())
}

fn is_inherited(report: &Value, kind: &str) -> Outcome {
    equal("the namespace", &report["namespaces"][file(kind)], &own(kind))
}

fn remove(spec: &mut Value, kind: &str) {
    without_namespace(spec, kind);
    if kind == "uts" {
        drop_field(spec, "", "hostname");
    }
    if kind == "network" {
        // Without its own network namespace a container cannot mount sysfs in every kernel.
        if let Some(mounts) = spec["mounts"].as_array_mut() {
            mounts.retain(|mount| mount["destination"] != "/sys");
        }
    }
}

fn add(spec: &mut Value, kind: &str) {
    with_namespace(spec, json!({ "type": kind }));
}

/// Joins the namespace of a process that this case made: the first container's.
fn joins(trial: &Trial<'_>, kind: &'static str) -> Outcome {
    let mut spec = trial.spec();
    spec["process"]["args"] = json!(["/probe", "probe", "pause"]);
    trial.create(&spec)?;
    let pid = trial.state()?["pid"].as_i64().unwrap_or(0);
    let path = format!("/proc/{pid}/ns/{}", file(kind));
    let wanted = std::fs::read_link(&path).map_err(|error| error.to_string())?;
    let mut second = trial.spec();
    second["linux"]["cgroupsPath"] = json!(format!("{}-second", trial.cgroups));
    without_namespace(&mut second, kind);
    with_namespace(&mut second, json!({ "type": kind, "path": path }));
    trial.bundle.write(&second).map_err(|error| error.to_string())?;
    let id = format!("{}-second", trial.id);
    trial.create_again(&id)?;
    let state = trial.must(&["state", &id])?;
    let state: Value = serde_json::from_str(&state).map_err(|error| error.to_string())?;
    let inner = state["pid"].as_i64().unwrap_or(0);
    let found =
        std::fs::read_link(format!("/proc/{inner}/ns/{}", file(kind))).map_err(|error| error.to_string())?;
    require(found == wanted, || format!("it is in {}", found.display()))
}

/// A path is as good as none.
fn drop_paths(spec: &mut Value) {
    for namespace in spec["linux"]["namespaces"].as_array_mut().into_iter().flatten() {
        if let Some(namespace) = namespace.as_object_mut() {
            namespace.remove("path");
        }
    }
}

fn families() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in ["pid", "network", "ipc", "uts", "mount", "cgroup"] {
        let mutation = if kind == "mount" {
            // No runtime runs without one; one that joins the host's is caught as well.
            Mutation::Edit(|spec| without_namespace(spec, "mount"))
        } else {
            Mutation::EditFamily(remove)
        };
        cases.push(case(
            &format!("namespace-new-{kind}"),
            NAMESPACES,
            "make a new namespace when no path is given",
            Check::Family { parameter: kind, edit: |_, _| {}, judge: is_new },
            mutation,
        ));
    }
    for kind in ["network", "ipc", "uts", "cgroup", "user"] {
        cases.push(case(
            &format!("namespace-inherited-{kind}"),
            NAMESPACES,
            "stay in its own namespace of a kind that is not listed",
            Check::Family { parameter: kind, edit: remove, judge: is_inherited },
            if kind == "user" { Mutation::Edit(with_users) } else { Mutation::EditFamily(add) },
        ));
    }
    let joined: [(&str, JoinCheck); 4] = [
        ("network", |trial| joins(trial, "network")),
        ("ipc", |trial| joins(trial, "ipc")),
        ("uts", |trial| joins(trial, "uts")),
        ("pid", |trial| joins(trial, "pid")),
    ];
    for (kind, check) in joined {
        cases.push(case(
            &format!("namespace-joined-{kind}"),
            NAMESPACES,
            "place the process in the namespace at the path",
            Check::Trial(check),
            Mutation::Edit(drop_paths),
        ));
    }
    cases
}

fn with_users(spec: &mut Value) {
    with_namespace(spec, json!({ "type": "user" }));
    let range = json!([{ "containerID": 0, "hostID": 0, "size": 65536 }]);
    spec["linux"]["uidMappings"] = range.clone();
    spec["linux"]["gidMappings"] = range;
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = families();
    cases.extend([
        refused(
            "namespace-wrong-type",
            NAMESPACES,
            "refuse a path to a namespace of another type",
            |spec| {
                without_namespace(spec, "ipc");
                with_namespace(spec, json!({ "type": "ipc", "path": "/proc/self/ns/net" }));
            },
            drop_paths,
        ),
        refused(
            "namespace-duplicate",
            NAMESPACES,
            "refuse two namespaces of the same type",
            |spec| with_namespace(spec, json!({ "type": "ipc" })),
            |spec| {
                without_namespace(spec, "ipc");
                with_namespace(spec, json!({ "type": "ipc" }));
            },
        ),
        refused(
            "namespace-missing-path",
            NAMESPACES,
            "refuse a path where no namespace is",
            |spec| {
                without_namespace(spec, "ipc");
                with_namespace(spec, json!({ "type": "ipc", "path": "/nowhere-at-all" }));
            },
            drop_paths,
        ),
        facts(
            "user-mappings",
            USERS,
            "map users and groups of a new user namespace",
            |spec| {
                with_users(spec);
                spec["linux"]["uidMappings"][0]["size"] = json!(1000);
                spec["linux"]["gidMappings"][0]["size"] = json!(2000);
                // Device nodes on a tmpfs of the namespace are bound; nothing else is asked of it.
                drop_field(spec, "/linux/resources", "devices");
            },
            |report| {
                let words = |name: &str| {
                    let text = report[name].as_str().unwrap_or_default().to_owned();
                    text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
                };
                require(words("users") == ["0", "0", "1000"], || format!("users are {}", report["users"]))?;
                require(words("groups") == ["0", "0", "2000"], || format!("groups are {}", report["groups"]))
            },
            |spec| {
                spec["linux"]["uidMappings"][0]["size"] = json!(500);
            },
        ),
    ]);
    cases
}
