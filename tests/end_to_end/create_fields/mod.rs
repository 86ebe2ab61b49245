//! Every field of a request to create a container is honoured, proved from inside, or refused by name.
//!
//! The tables name each field of API 1.51 once or more; a test checks that none is missing. A row is run
//! against the engine: the container is created with the field, started, and what it prints is compared.

mod endpoint;
mod host;
mod names;
mod process;
mod resources;

use sampan_tests::{Engine, Host};
use serde_json::{Value, json};

/// What must come of a field.
enum Proof {
    /// The container's own output contains one of these, separated by `|`.
    Prints(&'static str, &'static str),
    /// The same; or the engine refuses the field by name, or warns about it, since not every kernel has it.
    PrintsOrRefuses(&'static str, &'static str),
    /// `inspect` shows it: a template and the text that it gives.
    Shows(&'static str, &'static str),
    /// The container cannot be created or started, and the message contains one of these.
    Refused(&'static str),
    /// A function looks; it gets the running or ended container's name.
    Looks(fn(&Host, &str) -> Result<(), String>),
}

use Proof::{Looks, Prints, PrintsOrRefuses, Refused, Shows};

/// One field, or one part of it.
struct Row {
    /// `Config.X`, `HostConfig.X` or `Endpoint.X`; parts follow after a dot.
    field: &'static str,
    /// Merged into the request.
    request: Value,
    proof: Proof,
    /// Docker swallows this one; we do not.
    stricter: bool,
}

fn row(field: &'static str, request: Value, proof: Proof) -> Row {
    Row { field, request, proof, stricter: false }
}

/// A row where we promise more than Docker does: it is not tried there.
fn stricter(field: &'static str, request: Value, proof: Proof) -> Row {
    Row { stricter: true, ..row(field, request, proof) }
}

/// Puts one JSON object into another, level by level.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// The field's own name in the form in which messages are searched for it.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Whether a refusal names the field, its parent, or the option of the command line for it.
fn names_field(message: &str, field: &str) -> bool {
    let message = plain(message);
    let singular = |word: &str| word.strip_suffix("es").or(word.strip_suffix('s')).unwrap_or(word).to_owned();
    let parts =
        field.split('.').skip(1).map(|part| if part == "DriverConfig" { "volume driver" } else { part });
    parts.into_iter().any(|part| message.contains(&singular(&plain(part))))
}

/// Tries one row and says what is wrong.
fn attempt(host: &Host, row: &Row, number: usize) -> Result<(), String> {
    if row.stricter && host.engine() == Engine::Docker {
        return Ok(());
    }
    let script = match row.proof {
        Prints(script, _) | PrintsOrRefuses(script, _) => script,
        _ => "sleep 300",
    };
    let mut request = json!({"Image": "busybox", "Cmd": ["sh", "-c", script]});
    merge(&mut request, &row.request);
    // Fields that left the API are asked for in the version that had them.
    let version = request.as_object_mut().and_then(|map| map.remove("version"));
    let version = version.as_ref().and_then(Value::as_str).unwrap_or("1.51");
    let name = format!("field-{number}");
    let created = host.api("POST", &format!("/v{version}/containers/create?name={name}"), Some(&request));
    let started = (created.status == 201)
        .then(|| host.api("POST", &format!("/v{version}/containers/{name}/start"), None))
        .filter(|answer| answer.status != 204);
    let refusal = if created.status == 201 { started } else { Some(created.clone()) };
    if let Some(refusal) = refusal {
        return match &row.proof {
            Refused(texts) if (400..=501).contains(&refusal.status) && contains_one(&refusal.body, texts) => {
                Ok(())
            }
            PrintsOrRefuses(..) if names_field(&refusal.body, row.field) => Ok(()),
            _ => Err(format!("was refused with {}: {}", refusal.status, refusal.body.trim())),
        };
    }
    let warned = created.json()["Warnings"].to_string();
    let verdict = judge(host, row, &name);
    let excused = matches!(row.proof, PrintsOrRefuses(..)) && warned.len() > "null".len();
    host.docker(&["rm", "-f", "-v", &name]);
    if excused { Ok(()) } else { verdict }
}

fn judge(host: &Host, row: &Row, name: &str) -> Result<(), String> {
    match &row.proof {
        Prints(_, wanted) | PrintsOrRefuses(_, wanted) => {
            host.docker(&["wait", name]);
            let logs = host.docker(&["logs", name]);
            let printed = format!("{}{}", logs.stdout, logs.stderr);
            if contains_one(&printed, wanted) {
                Ok(())
            } else {
                Err(format!("printed {printed:?} instead of {wanted:?}"))
            }
        }
        Shows(template, wanted) => {
            let shown = host.docker(&["inspect", "-f", template, name]);
            let shown = shown.stdout.trim();
            if shown == *wanted { Ok(()) } else { Err(format!("shows {shown:?} instead of {wanted:?}")) }
        }
        Looks(function) => function(host, name),
        Refused(_) => Err("was accepted without a word".into()),
    }
}

fn contains_one(text: &str, wanted: &str) -> bool {
    wanted.split('|').any(|wanted| text.contains(wanted))
}

/// Runs a table on a host of its own and reports every row that fails.
fn walk(rows: &[Row]) {
    let host = Host::new();
    host.docker(&[
        "run",
        "-d",
        "--name",
        "donor",
        "-v",
        "/donated",
        "busybox",
        "sh",
        "-c",
        "echo gift >/donated/file; sleep 1000",
    ])
    .ok();
    let shared = host.folder().join("shared");
    std::fs::create_dir(&shared).expect("made");
    std::fs::write(shared.join("file"), "from the host\n").expect("written");
    let folder = shared.display().to_string();
    let mut wrong = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let text = row.request.to_string().replace("@shared", &folder).replace("@disk", &disk());
        let request = serde_json::from_str(&text).expect("still JSON");
        let row = Row { request, proof: clone(&row.proof), ..*row };
        if let Err(reason) = attempt(&host, &row, number) {
            wrong.push(format!("{} {}: {reason}", row.field, row.request));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows are wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn clone(proof: &Proof) -> Proof {
    match proof {
        Prints(script, wanted) => Prints(script, wanted),
        PrintsOrRefuses(script, wanted) => PrintsOrRefuses(script, wanted),
        Shows(template, wanted) => Shows(template, wanted),
        Refused(texts) => Refused(texts),
        Looks(function) => Looks(*function),
    }
}

/// A block device of this machine that can be throttled.
fn disk() -> String {
    let disks = std::fs::read_dir("/sys/block").expect("sysfs").flatten();
    let mut names: Vec<String> =
        disks.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_by_key(|name| (name.starts_with("loop") || name.starts_with("ram"), name.clone()));
    format!("/dev/{}", names.first().expect("a block device"))
}

#[test]
fn fields_of_the_process_are_honoured_or_refused() {
    walk(&process::rows());
}

#[test]
fn limits_are_honoured_or_refused() {
    walk(&resources::rows());
}

#[test]
fn fields_of_the_host_are_honoured_or_refused() {
    walk(&host::rows());
}

#[test]
fn fields_of_endpoints_are_honoured_or_refused() {
    walk(&endpoint::rows());
}

#[test]
fn no_field_of_the_api_is_missing_in_the_tables() {
    let rows: Vec<Row> =
        [process::rows(), resources::rows(), host::rows(), endpoint::rows()].into_iter().flatten().collect();
    let missing: Vec<&str> = names::ALL
        .iter()
        .flat_map(|(group, fields)| fields.split_whitespace().map(move |field| (group, field)))
        .filter(|(group, field)| {
            let name = format!("{group}.{field}");
            !rows.iter().any(|row| row.field == name || row.field.starts_with(&format!("{name}.")))
        })
        .map(|(_, field)| field)
        .collect();
    assert!(missing.is_empty(), "no row walks {missing:?}");
}

/// An unknown field is no typing error that we may swallow: Docker ignores it, and so do we, but a known
/// one in other letters is the same field, as in Go's JSON.
#[test]
fn keys_match_in_any_case() {
    let host = Host::new();
    let request = json!({"image": "busybox", "CMD": ["sh", "-c", "cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max"],
                         "hostconfig": {"PIDSLIMIT": 33}});
    let created = host.api("POST", "/v1.51/containers/create?name=case", Some(&request));
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(host.docker(&["start", "-a", "case"]).ok(), "33");
}
