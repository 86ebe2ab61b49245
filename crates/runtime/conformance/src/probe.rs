//! The probe: runs inside the container and reports, as one JSON document, what it finds.
//!
//! Its arguments are requests such as `read=PATH`; each answer is found in the report under the request itself.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

pub(crate) fn run(requests: &[String]) -> ExitCode {
    let mut report = facts();
    for request in requests {
        let (name, argument) = request.split_once('=').unwrap_or((request, ""));
        report.insert(request.clone(), answer(name, argument));
    }
    println!("{}", Value::Object(report));
    ExitCode::SUCCESS
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// What every report holds.
fn facts() -> Map<String, Value> {
    let mut status = Map::new();
    for line in text("/proc/self/status").lines() {
        if let Some((name, value)) = line.split_once(':') {
            status.insert(name.to_owned(), json!(value.trim()));
        }
    }
    let mut limits = Map::new();
    for line in text("/proc/self/limits").lines().skip(1) {
        // Columns of fixed width: the name has 26 characters.
        if let Some((name, values)) = line.split_at_checked(26) {
            let values: Vec<&str> = values.split_whitespace().take(2).collect();
            limits.insert(name.trim().to_owned(), json!(values));
        }
    }
    let mut namespaces = Map::new();
    for kind in ["pid", "net", "ipc", "uts", "mnt", "cgroup", "user", "time"] {
        let link = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap_or_default();
        namespaces.insert(kind.to_owned(), json!(link));
    }
    let mounts: Vec<Value> = text("/proc/self/mountinfo").lines().map(mount).collect();
    let names = rustix::system::uname();
    let descriptors: Vec<String> = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            // The descriptor of this very look is not the container's.
            (!target.ends_with("fd")).then(|| entry.file_name().to_string_lossy().into_owned())
        })
        .collect();
    let report = json!({
        "pid": std::process::id(),
        "status": status,
        "limits": limits,
        "namespaces": namespaces,
        "mounts": mounts,
        "host name": names.nodename().to_string_lossy(),
        "domain name": names.domainname().to_string_lossy(),
        "machine": names.machine().to_string_lossy(),
        "directory": std::env::current_dir().unwrap_or_default(),
        "arguments": std::env::args().collect::<Vec<_>>(),
        "environment": std::env::vars().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        "oom score": text("/proc/self/oom_score_adj").trim(),
        "cgroups": text("/proc/self/cgroup"),
        "users": text("/proc/self/uid_map"),
        "groups": text("/proc/self/gid_map"),
        "descriptors": descriptors,
        "terminal": terminal(),
    });
    match report {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn terminal() -> Value {
    match sampan_sys::terminal::size(rustix::stdio::stdin()) {
        Ok((rows, columns)) => json!([rows, columns]),
        Err(_) => Value::Null,
    }
}

/// A line of the mount table (proc_pid_mountinfo(5)).
fn mount(line: &str) -> Value {
    let (left, right) = line.split_once(" - ").unwrap_or((line, ""));
    let left: Vec<&str> = left.split(' ').collect();
    let right: Vec<&str> = right.split(' ').collect();
    let part = |list: &[&str], index: usize| list.get(index).map_or(String::new(), ToString::to_string);
    json!({
        "root": part(&left, 3),
        "point": part(&left, 4),
        "options": part(&left, 5).split(',').collect::<Vec<_>>(),
        "propagation": left.iter().skip(6).map(|tag| tag.split(':').next().unwrap_or("")).collect::<Vec<_>>(),
        "type": part(&right, 0),
        "source": part(&right, 1),
        "super": part(&right, 2).split(',').collect::<Vec<_>>(),
    })
}

fn outcome<T>(result: std::io::Result<T>) -> Value {
    match result {
        Ok(_) => json!("ok"),
        Err(error) => json!(error.raw_os_error().unwrap_or(-1)),
    }
}

fn answer(name: &str, argument: &str) -> Value {
    match name {
        "read" => match fs::File::open(argument).map(|file| file.take(4096)) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                match file.read_to_end(&mut bytes) {
                    Ok(_) => json!(String::from_utf8_lossy(&bytes)),
                    Err(error) => outcome::<()>(Err(error)),
                }
            }
            Err(error) => outcome::<()>(Err(error)),
        },
        "open" => outcome(fs::File::open(argument)),
        "write" => outcome(
            fs::OpenOptions::new().append(true).open(argument).and_then(|mut file| file.write_all(b"x")),
        ),
        "create" => outcome(fs::OpenOptions::new().write(true).create_new(true).open(argument)),
        "mkdir" => outcome(fs::create_dir(argument)),
        "chmod" => outcome(fs::set_permissions(argument, fs::Permissions::from_mode(0o700))),
        "list" => match fs::read_dir(argument) {
            Ok(entries) => {
                let mut names: Vec<String> =
                    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
                names.sort();
                json!(names)
            }
            Err(error) => outcome::<()>(Err(error)),
        },
        "link" => match fs::read_link(argument) {
            Ok(target) => json!(target),
            Err(error) => outcome::<()>(Err(error)),
        },
        "stat" => stat(argument),
        "mknod" => make_node(argument),
        "pause" => {
            // Until somebody sends a signal.
            println!("paused");
            loop {
                std::thread::park();
            }
        }
        _ => Value::Null,
    }
}

fn stat(path: &str) -> Value {
    let status = match fs::symlink_metadata(path) {
        Ok(status) => status,
        Err(error) => return outcome::<()>(Err(error)),
    };
    let kind = status.file_type();
    let kind = if kind.is_char_device() {
        "c"
    } else if kind.is_block_device() {
        "b"
    } else if kind.is_fifo() {
        "p"
    } else if kind.is_symlink() {
        "link"
    } else if kind.is_dir() {
        "directory"
    } else {
        "file"
    };
    json!({
        "kind": kind,
        "mode": status.mode() & 0o7777,
        "uid": status.uid(),
        "gid": status.gid(),
        "major": rustix::fs::major(status.rdev()),
        "minor": rustix::fs::minor(status.rdev()),
    })
}

/// `PATH:KIND:MAJOR:MINOR`: makes a node, opens it for reading and for writing.
fn make_node(argument: &str) -> Value {
    let parts: Vec<&str> = argument.split(':').collect();
    let [path, kind, major, minor] = parts.as_slice() else { return Value::Null };
    let kind =
        if *kind == "b" { rustix::fs::FileType::BlockDevice } else { rustix::fs::FileType::CharacterDevice };
    let number = rustix::fs::makedev(major.parse().unwrap_or(0), minor.parse().unwrap_or(0));
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    let made = rustix::fs::mknodat(rustix::fs::CWD, *path, kind, mode, number);
    json!({
        "make": outcome(made.map_err(std::io::Error::from)),
        "read": outcome(fs::File::open(path)),
        "write": outcome(fs::OpenOptions::new().write(true).open(path)),
    })
}
