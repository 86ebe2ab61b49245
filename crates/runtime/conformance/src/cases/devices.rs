//! config-linux.md and runtime-linux.md: devices and the links of /dev.

use serde_json::{Value, json};

use super::{case, facts, refused};
use crate::bundle::{ask, drop_field, mount};
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const DEVICES: &str = "config-linux.md: Devices";
const DEFAULT: &str = "config-linux.md: Default devices";
const LINKS: &str = "runtime-linux.md: Dev symbolic links";

const NODES: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

fn ask_stat(spec: &mut Value, path: &str) {
    let request = format!("stat={path}");
    ask(spec, &[&request]);
}

fn is_node(report: &Value, path: &str) -> Outcome {
    let Some((_, major, minor)) = NODES.iter().find(|(known, _, _)| *known == path) else { return Ok(()) };
    let found = &report[format!("stat={path}")];
    equal("the kind", &found["kind"], &json!("c"))?;
    equal("the major number", &found["major"], &json!(major))?;
    equal("the minor number", &found["minor"], &json!(minor))
}

const LINKED: [(&str, &str); 4] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];

fn ask_link(spec: &mut Value, path: &str) {
    let request = format!("link={path}");
    ask(spec, &[&request]);
}

fn is_link(report: &Value, path: &str) -> Outcome {
    let target = LINKED.iter().find(|(known, _)| *known == path).map_or("", |(_, target)| *target);
    equal(path, &report[format!("link={path}")], &json!(target))
}

/// An empty directory over /dev, mounted last, hides whatever the runtime puts there.
fn hide_dev(spec: &mut Value) {
    mount(
        spec,
        json!({ "destination": "/dev", "type": "bind", "source": "rootfs/work", "options": ["bind", "ro"] }),
    );
}

fn families() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, _, _) in NODES {
        cases.push(case(
            &format!("default-device-{}", path.trim_start_matches("/dev/")),
            DEFAULT,
            "supply the device",
            Check::Family { parameter: path, edit: ask_stat, judge: is_node },
            Mutation::Edit(hide_dev),
        ));
    }
    for (path, _) in LINKED {
        cases.push(case(
            &format!("link-{}", path.trim_start_matches("/dev/")),
            LINKS,
            "make the link",
            Check::Family { parameter: path, edit: ask_link, judge: is_link },
            Mutation::Edit(hide_dev),
        ));
    }
    cases
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        facts(
            "devices-listed",
            DEVICES,
            "make the listed device with its kind, numbers, mode and owner",
            |spec| {
                spec["linux"]["devices"] = json!([
                    { "path": "/dev/given", "type": "c", "major": 10, "minor": 229,
                      "fileMode": 0o640, "uid": 7, "gid": 8 },
                ]);
                ask(spec, &["stat=/dev/given"]);
            },
            |report| {
                let wanted = json!({
                    "kind": "c", "major": 10, "minor": 229, "mode": 0o640, "uid": 7, "gid": 8,
                });
                equal("the device", &report["stat=/dev/given"], &wanted)
            },
            |spec| spec["linux"]["devices"][0]["uid"] = json!(9),
        ),
        facts(
            "devices-block",
            DEVICES,
            "make a listed block device",
            |spec| {
                spec["linux"]["devices"] =
                    json!([{ "path": "/dev/given", "type": "b", "major": 7, "minor": 0 }]);
                ask(spec, &["stat=/dev/given"]);
            },
            |report| equal("the kind", &report["stat=/dev/given"]["kind"], &json!("b")),
            |spec| drop_field(spec, "/linux", "devices"),
        ),
        facts(
            "devices-fifo",
            DEVICES,
            "make a listed named pipe",
            |spec| {
                spec["linux"]["devices"] = json!([{ "path": "/dev/pipe", "type": "p" }]);
                ask(spec, &["stat=/dev/pipe"]);
            },
            |report| equal("the kind", &report["stat=/dev/pipe"]["kind"], &json!("p")),
            |spec| drop_field(spec, "/linux", "devices"),
        ),
        refused(
            "devices-existing-file",
            DEVICES,
            "refuse to make a device where another file is",
            |spec| {
                spec["linux"]["devices"] =
                    json!([{ "path": "/etc/passwd", "type": "c", "major": 1, "minor": 3 }]);
            },
            |spec| drop_field(spec, "/linux", "devices"),
        )
        .deviates(&[("runc version 1.1", "it takes any file that is there for the device")]),
        facts(
            "default-device-ptmx",
            DEFAULT,
            "supply /dev/ptmx as the multiplexer of the container's own devpts",
            |spec| ask(spec, &["link=/dev/ptmx", "stat=/dev/pts/ptmx"]),
            |report| {
                let target = report["link=/dev/ptmx"].as_str().unwrap_or_default();
                require(matches!(target, "pts/ptmx" | "/dev/pts/ptmx"), || {
                    format!("/dev/ptmx leads to {target:?}")
                })?;
                equal("its kind", &report["stat=/dev/pts/ptmx"]["kind"], &json!("c"))
            },
            hide_dev,
        ),
    ];
    cases.extend(families());
    cases
}
