//! config.md: the process.

use serde_json::{Value, json};

use super::{case, facts, refused};
use crate::bundle::{ask, drop_field};
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const PROCESS: &str = "config.md: Process";
const POSIX: &str = "config.md: POSIX process";
const LINUX: &str = "config.md: Linux process";
const USER: &str = "config.md: POSIX-platform user";

/// The sets of /proc/self/status, by the field of the specification.
fn capability_set(report: &Value, field: &str) -> u64 {
    let line = match field {
        "bounding" => "CapBnd",
        "effective" => "CapEff",
        "inheritable" => "CapInh",
        "permitted" => "CapPrm",
        _ => "CapAmb",
    };
    report["status"][line].as_str().and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(u64::MAX)
}

/// CAP_NET_ADMIN, in the set of the family and those that it depends on.
fn with_capability(spec: &mut Value, field: &str) {
    let sets: &[&str] = match field {
        "effective" => &["bounding", "permitted", "effective"],
        "ambient" => &["bounding", "permitted", "effective", "inheritable", "ambient"],
        "inheritable" => &["bounding", "inheritable"],
        "permitted" => &["bounding", "permitted"],
        _ => &["bounding"],
    };
    spec["process"]["capabilities"] = json!({});
    for set in sets {
        spec["process"]["capabilities"][*set] = json!(["CAP_NET_ADMIN"]);
    }
    // A program of root gets all of its bounding set: only another user shows the sets as they were given.
    spec["process"]["user"] = json!({ "uid": 1000, "gid": 1000 });
    if field == "bounding" || field == "inheritable" || field == "ambient" {
        return;
    }
    // For another user these survive the execve through the ambient set only.
    for set in ["inheritable", "ambient", "permitted", "effective"] {
        spec["process"]["capabilities"][set] = json!(["CAP_NET_ADMIN"]);
    }
}

fn capability_held(report: &Value, field: &str) -> Outcome {
    let found = capability_set(report, field);
    require(found == 1 << 12, || format!("the {field} set is {found:#x}"))
}

fn without_capability(spec: &mut Value, field: &str) {
    // Nothing depends on the bounding set; the others go with what they are part of.
    if field == "bounding" {
        spec["process"]["capabilities"]["bounding"] = json!(["CAP_NET_ADMIN", "CAP_CHOWN"]);
    } else {
        drop_field(spec, "/process/capabilities", field);
        drop_field(spec, "/process/capabilities", "ambient");
    }
}

const LIMITS: [(&str, &str, u64); 8] = [
    ("RLIMIT_NOFILE", "Max open files", 100),
    ("RLIMIT_CORE", "Max core file size", 4096),
    ("RLIMIT_STACK", "Max stack size", 8_388_608),
    ("RLIMIT_FSIZE", "Max file size", 1_048_576),
    ("RLIMIT_NPROC", "Max processes", 500),
    ("RLIMIT_CPU", "Max cpu time", 1000),
    ("RLIMIT_SIGPENDING", "Max pending signals", 50),
    ("RLIMIT_MSGQUEUE", "Max msgqueue size", 4096),
];

fn with_limit(spec: &mut Value, name: &str) {
    let hard = LIMITS.iter().find(|(known, _, _)| *known == name).map_or(0, |(_, _, hard)| *hard);
    spec["process"]["rlimits"] = json!([{ "type": name, "hard": hard, "soft": hard / 2 }]);
}

fn limit(report: &Value, name: &str) -> Outcome {
    let Some((_, title, hard)) = LIMITS.iter().find(|(known, _, _)| *known == name) else { return Ok(()) };
    equal(title, &report["limits"][*title], &json!([(hard / 2).to_string(), hard.to_string()]))
}

fn families() -> Vec<Case> {
    let mut cases = Vec::new();
    for field in ["bounding", "effective", "inheritable", "permitted", "ambient"] {
        cases.push(case(
            &format!("capabilities-{field}"),
            LINUX,
            "give the process this set of capabilities",
            Check::Family { parameter: field, edit: with_capability, judge: capability_held },
            Mutation::EditFamily(without_capability),
        ));
    }
    for (name, _, _) in LIMITS {
        cases.push(case(
            &format!("rlimit-{}", name.trim_start_matches("RLIMIT_").to_lowercase()),
            POSIX,
            "set the soft and the hard limit",
            Check::Family { parameter: name, edit: with_limit, judge: limit },
            Mutation::Edit(|spec| drop_field(spec, "/process", "rlimits")),
        ));
    }
    cases
}

#[expect(clippy::too_many_lines, reason = "a list, one entry after the other")]
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        facts(
            "cwd",
            PROCESS,
            "start the process in its working directory",
            |spec| spec["process"]["cwd"] = json!("/etc"),
            |report| equal("the directory", &report["directory"], &json!("/etc")),
            |spec| spec["process"]["cwd"] = json!("/"),
        ),
        refused(
            "cwd-relative",
            PROCESS,
            "refuse a working directory that is not absolute",
            |spec| spec["process"]["cwd"] = json!("etc"),
            |spec| spec["process"]["cwd"] = json!("/etc"),
        ),
        facts(
            "env",
            PROCESS,
            "give the process its environment",
            |spec| spec["process"]["env"] = json!(["PATH=/", "GIVEN=a=b c"]),
            |report| {
                let list = report["environment"].as_array();
                let found = list.is_some_and(|list| list.contains(&json!("GIVEN=a=b c")));
                require(found, || format!("the environment is {}", report["environment"]))
            },
            |spec| spec["process"]["env"] = json!(["PATH=/"]),
        ),
        facts(
            "args",
            PROCESS,
            "give the process its arguments",
            |spec| ask(spec, &["one two", ""]),
            |report| equal("the arguments", &report["arguments"], &json!(["/probe", "probe", "one two", ""])),
            |spec| spec["process"]["args"] = json!(["/probe", "probe"]),
        ),
        refused(
            "args-empty",
            POSIX,
            "refuse an empty list of arguments",
            |spec| spec["process"]["args"] = json!([]),
            |spec| spec["process"]["args"] = json!(["/probe", "probe"]),
        ),
        facts(
            "args-found-in-path",
            POSIX,
            "look the command up in PATH as execvp(3) does",
            |spec| spec["process"]["args"] = json!(["probe", "probe"]),
            |report| require(report["pid"].is_u64(), || "the container did not run".into()),
            |spec| spec["process"]["env"] = json!(["PATH=/nowhere"]),
        ),
        facts(
            "user-uid-gid",
            USER,
            "run the process as its user and group",
            |spec| spec["process"]["user"] = json!({ "uid": 17, "gid": 18 }),
            |report| {
                equal("the users", &report["status"]["Uid"], &json!("17\t17\t17\t17"))?;
                equal("the groups", &report["status"]["Gid"], &json!("18\t18\t18\t18"))
            },
            |spec| spec["process"]["user"] = json!({ "uid": 0, "gid": 0 }),
        ),
        facts(
            "user-additional-groups",
            USER,
            "give the process its additional groups and no others",
            |spec| spec["process"]["user"]["additionalGids"] = json!([5, 6]),
            |report| equal("the groups", &report["status"]["Groups"], &json!("5 6")),
            |spec| drop_field(spec, "/process/user", "additionalGids"),
        ),
        facts(
            "user-umask",
            USER,
            "set the file mode creation mask",
            |spec| spec["process"]["user"]["umask"] = json!(0o37),
            |report| equal("the mask", &report["status"]["Umask"], &json!("0037")),
            |spec| drop_field(spec, "/process/user", "umask"),
        ),
        facts(
            "capabilities-unknown",
            LINUX,
            "go on, with a warning, when a capability does not exist",
            |spec| {
                spec["process"]["capabilities"]["bounding"] = json!(["CAP_KILL", "CAP_OF_NOBODY"]);
            },
            |report| require(report["pid"].is_u64(), || "the container did not run".into()),
            |spec| spec["process"]["capabilities"]["bounding"] = json!(17),
        ),
        refused(
            "rlimits-duplicate",
            POSIX,
            "refuse two limits of the same type",
            |spec| {
                let limit = json!({ "type": "RLIMIT_NOFILE", "hard": 100, "soft": 100 });
                spec["process"]["rlimits"] = json!([limit, limit]);
            },
            |spec| drop_field(spec, "/process", "rlimits"),
        )
        .deviates(&[("runc version 1.1", "it takes the last of them")]),
        refused(
            "rlimits-unknown",
            POSIX,
            "refuse a limit that the kernel does not have",
            |spec| {
                spec["process"]["rlimits"] = json!([{ "type": "RLIMIT_OF_NOBODY", "hard": 1, "soft": 1 }]);
            },
            |spec| drop_field(spec, "/process", "rlimits"),
        ),
        facts(
            "no-new-privileges",
            LINUX,
            "set no_new_privs when noNewPrivileges is true",
            |spec| spec["process"]["noNewPrivileges"] = json!(true),
            |report| equal("no_new_privs", &report["status"]["NoNewPrivs"], &json!("1")),
            |spec| drop_field(spec, "/process", "noNewPrivileges"),
        ),
        facts(
            "oom-score-set",
            LINUX,
            "set oom_score_adj",
            |spec| spec["process"]["oomScoreAdj"] = json!(321),
            |report| equal("oom_score_adj", &report["oom score"], &json!("321")),
            |spec| drop_field(spec, "/process", "oomScoreAdj"),
        ),
        facts(
            "oom-score-unset",
            LINUX,
            "leave oom_score_adj alone when it is not set",
            |_| {},
            |report| {
                let own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
                equal("oom_score_adj", &report["oom score"], &json!(own.trim()))
            },
            |spec| spec["process"]["oomScoreAdj"] = json!(500),
        ),
        facts(
            "console-size-without-terminal",
            PROCESS,
            "ignore consoleSize without a terminal",
            |spec| spec["process"]["consoleSize"] = json!({ "height": 10, "width": 20 }),
            |report| equal("the terminal", &report["terminal"], &json!(null)),
            |spec| spec["process"]["terminal"] = json!(true),
        ),
        case(
            "terminal",
            PROCESS,
            "attach a terminal to the process, and hand its other end over",
            Check::Trial(terminal),
            Mutation::Edit(|spec| spec["process"]["terminal"] = json!(false)),
        ),
        facts(
            "no-descriptors-leak",
            PROCESS,
            "give the process no descriptors but the standard three",
            |_| {},
            |report| {
                let list = report["descriptors"].as_array().cloned().unwrap_or_default();
                let wanted = [json!("0"), json!("1"), json!("2")];
                require(list.iter().all(|fd| wanted.contains(fd)), || format!("it has {list:?}"))
            },
            // A runtime that leaks cannot be made by editing; one whose process does not run is caught too.
            |spec| spec["process"]["args"] = json!(["/nowhere"]),
        ),
    ];
    cases.extend(families());
    cases
}

/// Receives the terminal as an engine would, and reads what the probe says about it.
fn terminal(trial: &crate::bench::Trial<'_>) -> Outcome {
    use std::io::Read;
    use std::os::fd::AsFd;
    let fault = |error: std::io::Error| error.to_string();
    let path = trial.bundle.path.join("console");
    let listener = std::os::unix::net::UnixListener::bind(&path).map_err(fault)?;
    listener.set_nonblocking(true).map_err(fault)?;
    let mut spec = trial.spec();
    spec["process"]["terminal"] = json!(true);
    spec["process"]["consoleSize"] = json!({ "height": 33, "width": 77 });
    ask(&mut spec, &["stat=/dev/console"]);
    trial.bundle.write(&spec).map_err(fault)?;
    let bundle = trial.bundle.path.display().to_string();
    let socket = path.display().to_string();
    trial.must(&["create", "--bundle", &bundle, "--console-socket", &socket, &trial.id])?;
    let (connection, _) = listener.accept().map_err(|_| "no terminal was handed over".to_owned())?;
    let mut descriptors = Vec::new();
    let mut bytes = [0_u8; 256];
    sampan_sys::socket::receive_with_descriptors(connection.as_fd(), &mut bytes, &mut descriptors)
        .map_err(fault)?;
    let master = descriptors.pop().ok_or("no terminal was handed over")?;
    trial.start()?;
    let mut text = Vec::new();
    // The end of a terminal without a program is an error of the read, not an end of file.
    let _ = std::fs::File::from(master).read_to_end(&mut text);
    let report: Value = serde_json::from_slice(&text)
        .map_err(|_| format!("the probe wrote {:?}", String::from_utf8_lossy(&text)))?;
    equal("the terminal's size", &report["terminal"], &json!([33, 77]))?;
    equal("/dev/console", &report["stat=/dev/console"]["kind"], &json!("c"))
}
