//! runtime.md: states and operations.

use serde_json::{Value, json};

use super::case;
use crate::bench::Trial;
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const STATE: &str = "runtime.md: State";
const LIFECYCLE: &str = "runtime.md: Lifecycle";
const QUERY: &str = "runtime.md: Query state";
const CREATE: &str = "runtime.md: Create";
const START: &str = "runtime.md: Start";
const KILL: &str = "runtime.md: Kill";
const DELETE: &str = "runtime.md: Delete";

/// A container whose program waits for a signal.
fn pausing(trial: &Trial<'_>) -> Value {
    let mut spec = trial.spec();
    spec["process"]["args"] = json!(["/probe", "probe", "pause"]);
    spec
}

fn running(trial: &Trial<'_>) -> Outcome {
    trial.create(&pausing(trial))?;
    trial.start()?;
    trial.wait_for_output("paused")
}

fn status(trial: &Trial<'_>, wanted: &str) -> Outcome {
    equal("the status", &trial.state()?["status"], &json!(wanted))
}

fn state_fields(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    let state = trial.state()?;
    equal("the id", &state["id"], &json!(trial.id))?;
    equal("the bundle", &state["bundle"], &json!(trial.bundle.path))?;
    require(state["ociVersion"].is_string(), || "there is no ociVersion".into())?;
    require(state["pid"].as_i64().is_some_and(|pid| pid > 0), || "there is no pid".into())
}

fn statuses(trial: &Trial<'_>) -> Outcome {
    trial.create(&pausing(trial))?;
    status(trial, "created")?;
    trial.start()?;
    trial.wait_for_output("paused")?;
    status(trial, "running")?;
    trial.must(&["kill", &trial.id, "KILL"])?;
    trial.wait()?;
    status(trial, "stopped")?;
    trial.must(&["delete", &trial.id])?;
    trial.must_fail(&["state", &trial.id])
}

fn not_run_by_create(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    // What create would have started shows itself at the latest once start has been called and is over.
    let pid = trial.state()?["pid"].as_i64().unwrap_or(0);
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    require(!program.ends_with("probe"), || "the program runs already".into())?;
    require(trial.output().is_empty(), || "the program ran already".into())
}

fn frozen_configuration(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    let mut other = trial.spec();
    other["process"]["args"] = json!(["/probe", "probe", "changed"]);
    trial.bundle.write(&other).map_err(|error| error.to_string())?;
    trial.start()?;
    trial.wait()?;
    let report: Value = serde_json::from_str(&trial.output()).map_err(|error| error.to_string())?;
    equal("the arguments", &report["arguments"], &json!(["/probe", "probe"]))
}

fn unknown(trial: &Trial<'_>, command: &str) -> Outcome {
    trial.must_fail(&[command, "conformance-of-nobody"])
}

fn without_id(trial: &Trial<'_>, command: &str) -> Outcome {
    trial.must_fail(&[command])
}

fn duplicate(trial: &Trial<'_>) -> Outcome {
    running(trial)?;
    let pid = trial.state()?["pid"].clone();
    require(trial.create_again(&trial.id).is_err(), || "create succeeded twice".into())?;
    equal("the first container's pid", &trial.state()?["pid"], &pid)?;
    status(trial, "running")
}

fn invalid_id(trial: &Trial<'_>) -> Outcome {
    trial.bundle.write(&trial.spec()).map_err(|error| error.to_string())?;
    for id in ["../escape", "", "a/b"] {
        require(trial.create_again(id).is_err(), || format!("create took the id {id:?}"))?;
    }
    Ok(())
}

fn start_running(trial: &Trial<'_>) -> Outcome {
    running(trial)?;
    trial.must_fail(&["start", &trial.id])?;
    status(trial, "running")
}

fn start_stopped(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    trial.start()?;
    trial.wait()?;
    trial.must_fail(&["start", &trial.id])
}

fn start_runs(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    trial.start()?;
    trial.wait()?;
    require(trial.output().contains("\"pid\""), || "the program did not run".into())
}

fn signal_arrives(trial: &Trial<'_>) -> Outcome {
    trial.create(&{
        let mut spec = pausing(trial);
        // The first process of a pid namespace gets only signals that it handles; without one, all.
        crate::bundle::without_namespace(&mut spec, "pid");
        spec
    })?;
    trial.start()?;
    trial.wait_for_output("paused")?;
    trial.must(&["kill", &trial.id, "USR1"])?;
    trial.wait()?;
    status(trial, "stopped")
}

fn kill_created(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    trial.must(&["kill", &trial.id, "KILL"])?;
    trial.wait()?;
    status(trial, "stopped")
}

fn kill_stopped(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    trial.start()?;
    trial.wait()?;
    trial.must_fail(&["kill", &trial.id, "TERM"])
}

fn delete_running(trial: &Trial<'_>) -> Outcome {
    running(trial)?;
    trial.must_fail(&["delete", &trial.id])?;
    status(trial, "running")
}

fn delete_everything(trial: &Trial<'_>) -> Outcome {
    running(trial)?;
    trial.must(&["kill", &trial.id, "KILL"])?;
    trial.wait()?;
    trial.must(&["delete", &trial.id])?;
    trial.must_fail(&["state", &trial.id])?;
    let mut left: Vec<String> = Vec::new();
    let root = std::path::Path::new("/sys/fs/cgroup");
    let relative = trial.cgroups.trim_start_matches('/');
    let hierarchies = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    for hierarchy in hierarchies.chain([root.to_owned()]) {
        if hierarchy.join(relative).exists() {
            left.push(hierarchy.display().to_string());
        }
    }
    require(left.is_empty(), || format!("its cgroups are left in {}", left.join(", ")))?;
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    require(!table.contains(&trial.id), || "its mounts are left on the host".into())
}

fn delete_keeps_others(trial: &Trial<'_>) -> Outcome {
    trial.create(&trial.spec())?;
    trial.start()?;
    trial.wait()?;
    trial.must(&["delete", &trial.id])?;
    let kept = trial.bundle.path.join("rootfs/probe");
    require(kept.exists(), || "the bundle's files are gone".into())
}

fn nothing_left_by_failure(trial: &Trial<'_>) -> Outcome {
    let mut wrong = trial.spec();
    wrong["process"]["cwd"] = json!("/secret");
    let refused = trial.create(&wrong).is_err();
    if !refused {
        // It may as well be noticed when the program is started.
        trial.must_fail(&["start", &trial.id])?;
        return Ok(());
    }
    trial.must_fail(&["state", &trial.id])?;
    // The same id is free again.
    trial.create(&trial.spec())
}

#[expect(clippy::too_many_lines, reason = "a list, one entry after the other")]
pub(super) fn cases() -> Vec<Case> {
    let trial = |name: &str, section, must: &str, check: fn(&Trial<'_>) -> Outcome, mutation| {
        case(name, section, must, Check::Trial(check), mutation)
    };
    vec![
        trial(
            "state-fields",
            STATE,
            "show version, id, pid and bundle",
            state_fields,
            Mutation::Print("state", |document| document["bundle"] = json!("/elsewhere")),
        ),
        trial(
            "state-status",
            STATE,
            "tell created, running and stopped apart",
            statuses,
            Mutation::Print("state", |document| document["status"] = json!("running")),
        ),
        trial(
            "create-does-not-run",
            LIFECYCLE,
            "not run the program before start",
            not_run_by_create,
            Mutation::Also("create", &["start"]),
        ),
        trial(
            "create-freezes-configuration",
            LIFECYCLE,
            "not let later changes of config.json affect the container",
            frozen_configuration,
            Mutation::Edit(|spec| spec["process"]["args"] = json!(["/probe", "probe", "changed"])),
        ),
        trial(
            "failure-leaves-nothing",
            LIFECYCLE,
            "leave everything as it was when an operation fails",
            nothing_left_by_failure,
            Mutation::Edit(|spec| {
                if spec["process"]["cwd"] == "/secret" {
                    spec["process"]["cwd"] = json!("/");
                }
            }),
        ),
        trial(
            "state-unknown",
            QUERY,
            "fail for a container that does not exist",
            |trial| unknown(trial, "state"),
            Mutation::Succeed("state"),
        ),
        trial(
            "state-without-id",
            QUERY,
            "fail without an id",
            |trial| without_id(trial, "state"),
            Mutation::Succeed("state"),
        ),
        trial(
            "create-without-id",
            CREATE,
            "fail without an id",
            |trial| without_id(trial, "create"),
            Mutation::Succeed("create"),
        ),
        trial(
            "create-duplicate",
            CREATE,
            "refuse an id that is taken, and leave its container alone",
            duplicate,
            Mutation::Succeed("create"),
        ),
        trial(
            "create-invalid-id",
            CREATE,
            "refuse an id that is not valid",
            invalid_id,
            Mutation::Succeed("create"),
        ),
        trial(
            "start-without-id",
            START,
            "fail without an id",
            |trial| without_id(trial, "start"),
            Mutation::Succeed("start"),
        ),
        trial(
            "start-unknown",
            START,
            "fail for a container that does not exist",
            |trial| unknown(trial, "start"),
            Mutation::Succeed("start"),
        ),
        trial(
            "start-running",
            START,
            "refuse to start a container twice",
            start_running,
            Mutation::Succeed("start"),
        ),
        trial(
            "start-stopped",
            START,
            "refuse to start a container that has stopped",
            start_stopped,
            Mutation::Succeed("start"),
        ),
        trial("start-runs-program", START, "run the program", start_runs, Mutation::Skip("start")),
        trial(
            "kill-without-id",
            KILL,
            "fail without an id",
            |trial| without_id(trial, "kill"),
            Mutation::Succeed("kill"),
        ),
        trial(
            "kill-signal",
            KILL,
            "send the signal to the container's process",
            signal_arrives,
            Mutation::Skip("kill"),
        ),
        trial(
            "kill-created",
            KILL,
            "send signals to a container that is only created",
            kill_created,
            Mutation::Skip("kill"),
        ),
        trial(
            "kill-stopped",
            KILL,
            "refuse to signal a container that has stopped",
            kill_stopped,
            Mutation::Succeed("kill"),
        ),
        trial(
            "delete-without-id",
            DELETE,
            "fail without an id",
            |trial| without_id(trial, "delete"),
            Mutation::Succeed("delete"),
        ),
        trial(
            "delete-unknown",
            DELETE,
            "fail for a container that does not exist",
            |trial| unknown(trial, "delete"),
            Mutation::Succeed("delete"),
        ),
        trial(
            "delete-running",
            DELETE,
            "refuse to delete a running container",
            delete_running,
            Mutation::Succeed("delete"),
        ),
        trial(
            "delete-resources",
            DELETE,
            "delete what create has made",
            delete_everything,
            Mutation::Skip("delete"),
        ),
        trial(
            "delete-keeps-others",
            DELETE,
            "keep what create has not made",
            delete_keeps_others,
            Mutation::Skip("start"),
        ),
    ]
}
