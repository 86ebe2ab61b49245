//! config.md: mounts and their options.

use serde_json::{Value, json};

use super::{case, facts, refused};
use crate::bundle::{ask, mount};
use crate::case::{Case, Check, Mutation, Outcome, equal, require};

const MOUNTS: &str = "config.md: Mounts";
const OPTIONS: &str = "config.md: Linux mount options";

fn tmpfs(destination: &str, options: &[&str]) -> Value {
    json!({ "destination": destination, "type": "tmpfs", "source": "tmpfs", "options": options })
}

/// The mount at a place; the topmost when there are several.
fn at<'a>(report: &'a Value, point: &str) -> Result<&'a Value, String> {
    let mounts = report["mounts"].as_array();
    let found = mounts.and_then(|mounts| mounts.iter().rev().find(|mount| mount["point"] == point));
    found.ok_or_else(|| format!("nothing is mounted at {point}"))
}

fn has(list: &Value, text: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|item| item == text))
}

/// The option of the family, on a tmpfs at /work.
fn with_option(spec: &mut Value, option: &str) {
    mount(spec, tmpfs("/work", &["mode=755", option]));
}

/// A runtime that does not know an option hands it to the file system, which refuses it.
fn garble_option(spec: &mut Value, option: &str) {
    for mount in spec["mounts"].as_array_mut().into_iter().flatten() {
        if mount["destination"] != "/work" {
            continue;
        }
        for given in mount["options"].as_array_mut().into_iter().flatten() {
            if given == option {
                *given = json!(format!("unknown-{option}"));
            }
        }
    }
}

/// Drops the option, and with it the effect.
fn drop_option(spec: &mut Value, option: &str) {
    for mount in spec["mounts"].as_array_mut().into_iter().flatten() {
        if mount["destination"] == "/work" {
            mount["options"].as_array_mut().into_iter().for_each(|list| list.retain(|given| given != option));
        }
    }
}

/// The option is shown by the mount table.
fn shown(report: &Value, option: &str) -> Outcome {
    let mount = at(report, "/work")?;
    let shown = has(&mount["options"], option) || has(&mount["super"], option);
    require(shown, || format!("{option} is not in force: {}", mount["options"]))
}

/// The option is taken; it is the usual state, or not to be seen in the mount table.
fn taken(report: &Value, _option: &str) -> Outcome {
    at(report, "/work").map(drop)
}

/// The option undoes the one before it.
fn with_undone(spec: &mut Value, option: &str) {
    let before = match option {
        "rw" => "ro",
        "suid" => "nosuid",
        "dev" => "nodev",
        "exec" => "noexec",
        "diratime" => "nodiratime",
        _ => "noatime",
    };
    mount(spec, tmpfs("/work", &["mode=755", before, option]));
}

fn undone(report: &Value, option: &str) -> Outcome {
    let before = match option {
        "rw" => "ro",
        "suid" => "nosuid",
        "dev" => "nodev",
        "exec" => "noexec",
        "diratime" => "nodiratime",
        _ => "noatime",
    };
    let mount = at(report, "/work")?;
    require(!has(&mount["options"], before), || format!("{before} is still in force"))
}

/// A bind mount of a directory of the bundle with the propagation of the family.
fn with_propagation(spec: &mut Value, option: &str) {
    mount(
        spec,
        json!({ "destination": "/work", "type": "bind", "source": "rootfs/etc", "options": ["rbind", option] }),
    );
}

fn propagation(report: &Value, option: &str) -> Outcome {
    let found = &at(report, "/work")?["propagation"];
    let right = match option.trim_start_matches('r') {
        "shared" => has(found, "shared"),
        // Where the source is not shared there is nobody to be a slave of.
        "slave" => !has(found, "shared"),
        "unbindable" => has(found, "unbindable"),
        _ => !has(found, "shared") && !has(found, "master"),
    };
    require(right, || format!("the propagation is {found}"))
}

fn family(
    option: &'static str,
    must: &str,
    edit: fn(&mut Value, &str),
    judge: fn(&Value, &str) -> Outcome,
    mutation: fn(&mut Value, &str),
) -> Case {
    case(
        &format!("mount-option-{option}"),
        OPTIONS,
        must,
        Check::Family { parameter: option, edit, judge },
        Mutation::EditFamily(mutation),
    )
}

/// The propagation that is not the one asked for.
fn other_propagation(spec: &mut Value, option: &str) {
    let other = match option.trim_start_matches('r') {
        "shared" => "rprivate",
        "private" | "slave" | "unbindable" => "rshared",
        _ => return,
    };
    for mount in spec["mounts"].as_array_mut().into_iter().flatten() {
        if mount["destination"] == "/work" {
            mount["options"] = json!(["rbind", other]);
        }
    }
}

fn options() -> Vec<Case> {
    let mut cases = Vec::new();
    for option in ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "sync", "dirsync"]
    {
        let mutation = if option == "relatime" { garble_option } else { drop_option };
        cases.push(family(option, "put the mount option in force", with_option, shown, mutation));
    }
    for option in [
        "async",
        "atime",
        "defaults",
        "lazytime",
        "loud",
        "noiversion",
        "nolazytime",
        "norelatime",
        "nostrictatime",
        "remount",
        "silent",
        "strictatime",
        "iversion",
    ] {
        let case = family(option, "take the mount option", with_option, taken, garble_option);
        cases.push(match option {
            "defaults" => case.deviates(&[("runc version 1.1", "it hands the option to the file system")]),
            "remount" => case.deviates(&[("runc version 1.1", "it remounts what is not mounted yet")]),
            _ => case,
        });
    }
    for option in ["rw", "suid", "dev", "exec", "diratime"] {
        cases.push(family(option, "undo the opposite option", with_undone, undone, drop_option));
    }
    for option in ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"]
    {
        cases.push(family(
            option,
            "set the propagation of a bind mount",
            with_propagation,
            propagation,
            other_propagation,
        ));
    }
    cases
}

#[expect(clippy::too_many_lines, reason = "a list, one entry after the other")]
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        facts(
            "mounts-in-order",
            MOUNTS,
            "mount the entries in the listed order",
            |spec| {
                mount(spec, tmpfs("/work", &[]));
                mount(spec, tmpfs("/work/inner", &[]));
                ask(spec, &["list=/work"]);
            },
            |report| equal("/work", &report["list=/work"], &json!(["inner"])),
            |spec| spec["mounts"].as_array_mut().into_iter().for_each(|list| list.reverse()),
        ),
        facts(
            "mount-relative-destination",
            MOUNTS,
            "take a relative destination as relative to the root",
            |spec| mount(spec, tmpfs("work", &[])),
            |report| at(report, "/work").map(drop),
            |spec| spec["mounts"].as_array_mut().into_iter().for_each(|list| drop(list.pop())),
        ),
        facts(
            "mount-source-and-type",
            MOUNTS,
            "mount the type from the source",
            |spec| mount(spec, json!({ "destination": "/work", "type": "tmpfs", "source": "named" })),
            |report| {
                let mount = at(report, "/work")?;
                equal("the type", &mount["type"], &json!("tmpfs"))?;
                equal("the source", &mount["source"], &json!("named"))
            },
            |spec| {
                let list = spec["mounts"].as_array_mut();
                list.into_iter().flatten().filter(|mount| mount["destination"] == "/work").for_each(
                    |mount| {
                        mount["source"] = json!("other");
                    },
                );
            },
        ),
        facts(
            "mount-bind-directory",
            OPTIONS,
            "bind a directory",
            |spec| {
                mount(
                    spec,
                    json!({ "destination": "/work", "type": "none", "source": "rootfs/masked", "options": ["bind"] }),
                );
                ask(spec, &["read=/work/secret"]);
            },
            |report| equal("the bound file", &report["read=/work/secret"], &json!("secret")),
            |spec| spec["mounts"].as_array_mut().into_iter().for_each(|list| drop(list.pop())),
        ),
        facts(
            "mount-bind-file",
            OPTIONS,
            "bind a file over a place that does not exist yet",
            |spec| {
                mount(
                    spec,
                    json!({ "destination": "/new/file", "source": "rootfs/secret", "options": ["rbind", "ro"] }),
                );
                ask(spec, &["read=/new/file", "write=/new/file"]);
            },
            |report| {
                equal("the bound file", &report["read=/new/file"], &json!("secret"))?;
                equal("writing to it", &report["write=/new/file"], &json!(30))
            },
            |spec| {
                let list = spec["mounts"].as_array_mut();
                list.into_iter()
                    .flatten()
                    .filter(|mount| mount["destination"] == "/new/file")
                    .for_each(|mount| mount["options"] = json!(["rbind"]));
            },
        ),
        facts(
            "mount-file-system-option",
            OPTIONS,
            "hand options it does not know to the file system",
            |spec| mount(spec, tmpfs("/work", &["size=128k"])),
            |report| {
                let mount = at(report, "/work")?;
                require(has(&mount["super"], "size=128k"), || format!("the options are {}", mount["super"]))
            },
            |spec| drop_option(spec, "size=128k"),
        ),
        refused(
            "mount-bind-missing-source",
            MOUNTS,
            "refuse a bind mount whose source does not exist",
            |spec| {
                mount(
                    spec,
                    json!({ "destination": "/work", "type": "bind", "source": "/nowhere-at-all", "options": ["bind"] }),
                );
            },
            |spec| spec["mounts"].as_array_mut().into_iter().for_each(|list| drop(list.pop())),
        ),
    ];
    cases.extend(options());
    cases
}
