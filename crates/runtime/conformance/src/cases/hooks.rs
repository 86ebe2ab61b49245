//! config.md: hooks.

use std::path::Path;

use serde_json::{Value, json};

use super::{case, refused};
use crate::bench::Trial;
use crate::bundle::drop_field;
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const HOOKS: &str = "config.md: POSIX-platform hooks";

/// runc before 1.3 runs poststart hooks at the end of create.
const EARLY_POSTSTART: &[(&str, &str)] = &[("runc version 1.1", "it runs poststart hooks in create")];

/// The hooks that have run after create, after start and after delete.
type Ran = (Vec<String>, Vec<String>, Vec<String>);

/// A hook that appends its name, and the state it reads, to files of the bundle.
fn hook(trial: &Trial<'_>, name: &str) -> Value {
    let log = trial.bundle.path.join("log");
    let state = trial.bundle.path.join(format!("state-{name}"));
    let script = format!(
        "echo {name} >> {}; cat > {}; readlink /proc/self/ns/mnt >> {}.ns",
        log.display(),
        state.display(),
        state.display()
    );
    json!({ "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"] })
}

fn log(trial: &Trial<'_>) -> Vec<String> {
    let text = std::fs::read_to_string(trial.bundle.path.join("log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The hooks of one kind that run on the host or in its file system: name in the specification.
const HOST: [&str; 5] = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];

fn with_all(trial: &Trial<'_>) -> Value {
    let mut spec = trial.spec();
    spec["hooks"] = json!({});
    for name in HOST {
        spec["hooks"][name] = json!([hook(trial, name)]);
    }
    spec["hooks"]["startContainer"] =
        json!([{ "path": "/probe", "args": ["probe", "probe", "create=/started"] }]);
    spec["process"]["args"] = json!(["/probe", "probe", "stat=/started"]);
    spec
}

fn run_through(trial: &Trial<'_>, spec: &Value) -> Result<Ran, String> {
    trial.create(spec)?;
    let created = log(trial);
    trial.start()?;
    let started = log(trial);
    trial.wait()?;
    trial.must(&["delete", &trial.id])?;
    Ok((created, started, log(trial)))
}

fn state_of(trial: &Trial<'_>, name: &str) -> Result<Value, String> {
    let text = std::fs::read(trial.bundle.path.join(format!("state-{name}"))).unwrap_or_default();
    serde_json::from_slice(&text).map_err(|_| format!("the {name} hook got no state"))
}

/// Whether the hook ran in the mount namespace of this program.
fn on_host(trial: &Trial<'_>, name: &str) -> Result<bool, String> {
    let path = trial.bundle.path.join(format!("state-{name}.ns"));
    let found = std::fs::read_to_string(&path).map_err(|_| format!("the {name} hook did not run"))?;
    let own = std::fs::read_link("/proc/self/ns/mnt").map_err(|error| error.to_string())?;
    Ok(Path::new(found.trim()) == own)
}

fn order(trial: &Trial<'_>) -> Outcome {
    let (created, started, deleted) = run_through(trial, &with_all(trial))?;
    let expect = |what: &str, found: &[String], wanted: &[&str]| {
        require(found == wanted, || format!("{what} the hooks that ran are {found:?}"))
    };
    expect("after create", &created, &["prestart", "createRuntime", "createContainer"])?;
    expect("after start", &started, &["prestart", "createRuntime", "createContainer", "poststart"])?;
    expect("after delete", &deleted, &HOST)
}

fn listed_order(trial: &Trial<'_>) -> Outcome {
    let mut spec = trial.spec();
    let hooks: Vec<Value> = ["one", "two", "three"].iter().map(|name| hook(trial, name)).collect();
    spec["hooks"] = json!({ "createRuntime": hooks });
    trial.create(&spec)?;
    let found = log(trial);
    require(found == ["one", "two", "three"], || format!("the hooks ran as {found:?}"))
}

fn state_on_input(trial: &Trial<'_>) -> Outcome {
    run_through(trial, &with_all(trial))?;
    for (name, status) in [
        ("prestart", &["creating", "created"][..]),
        ("createRuntime", &["creating", "created"]),
        ("createContainer", &["creating", "created"]),
        ("poststart", &["running"]),
        ("poststop", &["stopped"]),
    ] {
        let state = state_of(trial, name)?;
        equal("the id", &state["id"], &json!(trial.id))?;
        equal("the bundle", &state["bundle"], &json!(trial.bundle.path))?;
        require(status.iter().any(|status| state["status"] == *status), || {
            format!("the {name} hook was told the status {}", state["status"])
        })?;
    }
    Ok(())
}

fn host_namespace(trial: &Trial<'_>) -> Outcome {
    run_through(trial, &with_all(trial))?;
    for name in ["prestart", "createRuntime", "poststart", "poststop"] {
        require(on_host(trial, name)?, || format!("the {name} hook ran in another mount namespace"))?;
    }
    Ok(())
}

fn container_namespace(trial: &Trial<'_>) -> Outcome {
    run_through(trial, &with_all(trial))?;
    require(!on_host(trial, "createContainer")?, || "the createContainer hook ran on the host".into())
}

fn start_container(trial: &Trial<'_>) -> Outcome {
    trial.create(&with_all(trial))?;
    let marker = trial.bundle.path.join("rootfs/started");
    require(!marker.exists(), || "the hook ran before start".into())?;
    trial.start()?;
    trial.wait()?;
    let text = trial.output();
    // The hook's report comes first, then the program's, which must find what the hook made.
    let last = text.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(last).map_err(|_| format!("the probe wrote {text:?}"))?;
    equal("what the hook made", &report["stat=/started"]["kind"], &json!("file"))
}

fn failing(trial: &Trial<'_>, name: &str) -> Value {
    let mut spec = trial.spec();
    spec["hooks"] = json!({});
    spec["hooks"][name] = json!([
        { "path": "/bin/sh", "args": ["sh", "-c", "exit 3"] },
        hook(trial, "second"),
    ]);
    spec
}

fn drop_hooks(spec: &mut Value) {
    drop_field(spec, "", "hooks");
}

fn create_fails(trial: &Trial<'_>) -> Outcome {
    for name in ["prestart", "createRuntime", "createContainer"] {
        require(trial.create(&failing(trial, name)).is_err(), || {
            format!("create succeeded with a {name} hook that fails")
        })?;
        trial.must_fail(&["state", &trial.id])?;
    }
    Ok(())
}

fn start_fails(trial: &Trial<'_>) -> Outcome {
    let mut spec = trial.spec();
    spec["hooks"] = json!({ "startContainer": [{ "path": "/nowhere" }] });
    trial.create(&spec)?;
    let _ = trial.call(&["start", &trial.id])?;
    trial.wait()?;
    require(trial.output().is_empty(), || "the program ran although the startContainer hook failed".into())
}

fn late_failure(trial: &Trial<'_>) -> Outcome {
    let mut spec = failing(trial, "poststop");
    spec["hooks"]["poststop"][0] = json!({ "path": "/bin/sh", "args": ["sh", "-c", "exit 3"] });
    trial.create(&spec)?;
    trial.start()?;
    trial.wait()?;
    trial.must(&["delete", &trial.id])?;
    trial.must_fail(&["state", &trial.id])
}

fn timeout(trial: &Trial<'_>) -> Outcome {
    let mut spec = trial.spec();
    spec["hooks"] = json!({ "createRuntime": [
        { "path": "/bin/sh", "args": ["sh", "-c", "exec sleep 60"], "timeout": 1 },
    ] });
    trial.require_refused(&spec)
}

pub(super) fn cases() -> Vec<Case> {
    let trial = |name: &str, must: &str, check: fn(&Trial<'_>) -> Outcome, mutation: fn(&mut Value)| {
        case(name, HOOKS, must, Check::Trial(check), Mutation::Edit(mutation))
    };
    vec![
        trial(
            "hooks-lifecycle",
            "run the hooks at their points of the lifecycle, in order",
            order,
            drop_hooks,
        )
        .deviates(EARLY_POSTSTART),
        trial("hooks-listed-order", "run the hooks of one kind in the listed order", listed_order, |spec| {
            spec["hooks"]["createRuntime"].as_array_mut().into_iter().for_each(|list| list.reverse())
        }),
        trial("hooks-state", "pass the state to hooks on standard input", state_on_input, |spec| {
            for (_, list) in spec["hooks"].as_object_mut().into_iter().flatten() {
                for hook in list.as_array_mut().into_iter().flatten() {
                    if hook["path"] == "/bin/sh" {
                        let script = hook["args"][2].as_str().unwrap_or_default();
                        hook["args"][2] = json!(format!("exec < /dev/null; {script}"));
                    }
                }
            }
        })
        .deviates(EARLY_POSTSTART),
        trial(
            "hooks-on-host",
            "run prestart, createRuntime, poststart and poststop hooks in the runtime's namespace",
            host_namespace,
            |spec| {
                let own = spec["hooks"]["createContainer"].clone();
                let moved = own.to_string().replace("createContainer", "createRuntime");
                spec["hooks"]["createContainer"] = serde_json::from_str(&moved).unwrap_or_default();
                drop_field(spec, "/hooks", "createRuntime");
            },
        ),
        trial(
            "hooks-in-container",
            "run createContainer hooks in the container's namespace",
            container_namespace,
            |spec| {
                spec["hooks"]["createRuntime"] = spec["hooks"]["createContainer"].clone();
                drop_field(spec, "/hooks", "createContainer");
            },
        ),
        trial(
            "hooks-start-container",
            "run startContainer hooks inside, in start, before the program",
            start_container,
            |spec| drop_field(spec, "/hooks", "startContainer"),
        ),
        trial(
            "hooks-create-failure",
            "fail to create, and leave no container, when a prestart, createRuntime or createContainer hook fails",
            create_fails,
            drop_hooks,
        ),
        trial(
            "hooks-start-failure",
            "not run the program when a startContainer hook fails",
            start_fails,
            drop_hooks,
        ),
        case(
            "hooks-poststop-failure",
            HOOKS,
            "delete the container although a poststop hook fails",
            Check::Trial(late_failure),
            Mutation::Skip("delete"),
        ),
        trial("hooks-timeout", "end a hook after its timeout, and count it as failed", timeout, drop_hooks),
        refused(
            "hooks-missing-program",
            HOOKS,
            "refuse to create when a createRuntime hook's program does not exist",
            |spec| spec["hooks"] = json!({ "createRuntime": [{ "path": "/nowhere-at-all" }] }),
            drop_hooks,
        ),
    ]
}
