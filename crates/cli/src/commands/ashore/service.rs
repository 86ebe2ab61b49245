//! What the usual commands do with `NAME@TARGET`.

use super::{request, target_path};
use crate::client::{Client, Query, own_path};
use crate::commands::fleet_flags::{follow, table};
use crate::commands::output::print;
use crate::failure::{Failure, Result};
use crate::format::objects::Fields;
use serde_json::Value;
use std::io::{BufRead, BufReader};

/// A container at a target.
#[derive(Debug, Clone)]
pub(in crate::commands) struct Place {
    name: String,
    target: String,
}

impl Place {
    /// What `NAME@TARGET` names; `None` for a container of this engine, whose name never has an `@`.
    pub(in crate::commands) fn parse(text: &str) -> Option<Self> {
        let (name, target) = text.rsplit_once('@')?;
        // `busybox@sha256:…` is an image.
        let is_one = !name.is_empty() && !target.is_empty() && !target.contains(':');
        is_one.then(|| Self { name: name.to_owned(), target: target.to_owned() })
    }

    fn path(&self, route: &str) -> Result<String> {
        let slash = if route.is_empty() { "" } else { "/" };
        target_path(&self.target, &format!("services/{}{slash}{route}", self.name))
    }
}

/// Where a container lives that was moved away from here, said in one line on stderr.
pub(in crate::commands) fn moved(client: &Client, name: &str) -> Option<Place> {
    let path = own_path(name, "place").ok().filter(|_| client.is_own_engine() && !name.contains('/'))?;
    let place: Value = client.get(&path, &Query::new()).ok()?.json().ok()?;
    let target = place["Target"].as_str()?.to_owned();
    eprintln!("{name} lives at {target}");
    Some(Place { name: name.to_owned(), target })
}

/// The same, after a container was not found; else that failure.
///
/// # Errors
/// It.
pub(in crate::commands) fn elsewhere(client: &Client, name: &str, failure: Failure) -> Result<Place> {
    let place = if failure.is_not_found() { moved(client, name) } else { None };
    place.ok_or(failure)
}

/// `POST …/VERB`
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn post(client: &Client, place: &Place, verb: &str) -> Result<()> {
    request(client, "POST", &place.path(verb)?, &Query::new(), None)?.discard()
}

/// Removes it, with its volumes when asked.
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn remove(client: &Client, place: &Place, volumes: bool) -> Result<()> {
    request(client, "DELETE", &place.path("")?, &Query::new().with_if(volumes, "v", "1"), None)?.discard()
}

/// So many replicas, or as many as the load needs up to a number.
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn scale(client: &Client, place: &Place, body: &Value) -> Result<()> {
    let verb = if body.get("Most").is_some() { "autoscale" } else { "scale" };
    request(client, "POST", &place.path(verb)?, &Query::new(), Some(body))?.discard()
}

/// Brings it up to date, telling the steps on stderr.
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn update(client: &Client, place: &Place, body: &Value) -> Result<()> {
    follow(&mut request(client, "POST", &place.path("update")?, &Query::new(), Some(body))?)
}

/// What `inspect` shows of it.
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn inspect(client: &Client, place: &Place) -> Result<Value> {
    let mut service: Value = request(client, "GET", &place.path("")?, &Query::new(), None)?.json()?;
    let instances: Value = request(client, "GET", &place.path("instances")?, &Query::new(), None)?.json()?;
    service["Instances"] = instances;
    Ok(service)
}

/// Its output; lines begin with the replica's name where there are several.
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn logs(
    client: &Client,
    place: &Place,
    query: &Query,
    timestamps: bool,
) -> Result<()> {
    let instances: Value = request(client, "GET", &place.path("instances")?, &Query::new(), None)?.json()?;
    let several = instances.as_array().is_some_and(|all| all.len() > 1);
    let answer = request(client, "GET", &place.path("logs")?, query, None)?;
    for line in BufReader::new(answer).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        if let Some(error) = line["error"].as_str() {
            return Err(Failure::message(error.to_owned()));
        }
        let instance = if several { format!("{} | ", line.text("Instance")) } else { String::new() };
        let stamp = if timestamps { format!("{} ", line.text("At")) } else { String::new() };
        let text = format!("{instance}{stamp}{}\n", line.text("Text"));
        if line["Error"] == Value::Bool(true) {
            eprint!("{text}");
        } else {
            print(&text)?;
        }
    }
    Ok(())
}

/// What it uses, once.
///
/// # Errors
/// What the place says.
pub(in crate::commands) fn stats(client: &Client, places: &[Place]) -> Result<()> {
    let mut rows = vec![["NAME", "CPU %", "MEM USAGE / LIMIT", "NET I/O", "PIDS"].map(str::to_owned)];
    for place in places {
        let all: Value = request(client, "GET", &place.path("usage")?, &Query::new(), None)?.json()?;
        for one in all.as_array().into_iter().flatten() {
            let bytes = |field: &str| one[field].as_u64().map_or_else(|| "--".to_owned(), size);
            let percent = |field: &str| one[field].as_f64().map(|value| format!("{value:.2}%"));
            let memory = percent("MemoryPercent")
                .filter(|_| one["Memory"].is_null())
                .unwrap_or_else(|| format!("{} / {}", bytes("Memory"), bytes("MemoryLimit")));
            rows.push([
                format!("{}@{}", one.text("Name"), place.target),
                percent("CpuPercent").unwrap_or_else(|| "--".to_owned()),
                memory,
                format!("{} / {}", bytes("Received"), bytes("Sent")),
                one["Processes"].as_u64().map_or_else(|| "--".to_owned(), |count| count.to_string()),
            ]);
        }
    }
    print(&table(&rows))
}

fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "four digits are shown")]
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return format!("{value:.4}")
                .get(..5)
                .unwrap_or_default()
                .trim_end_matches(['0', '.'])
                .to_owned()
                + unit;
        }
        value /= 1024.0;
    }
    format!("{value:.1}TiB")
}

/// What lives at these targets, in one table; `all` asks every target that was made.
///
/// # Errors
/// No such target. A target that does not answer is a line on stderr, and the others are shown.
pub(in crate::commands) fn ls(client: &Client, targets: &[String], all: bool, quiet: bool) -> Result<()> {
    let mut names = targets.to_vec();
    if all {
        let made: Value = client.get("/sampan/targets", &Query::new())?.json()?;
        let made = made.as_array().into_iter().flatten().map(|target| target.text("Name").to_owned());
        names.extend(made);
    }
    let mut rows = vec![["NAME", "IMAGE", "STATUS", "READY", "ADDRESS"].map(str::to_owned)];
    let mut failed = None;
    for target in &names {
        let path = target_path(target, "services")?;
        let services: Value =
            match request(client, "GET", &path, &Query::new(), None).and_then(|answer| answer.json()) {
                Ok(services) => services,
                Err(failure) if all => {
                    eprintln!("{target}: {failure}");
                    failed = Some(failure);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
        for service in services.as_array().into_iter().flatten() {
            rows.push(row(service, target));
        }
    }
    match failed {
        Some(failure) if rows.len() == 1 && names.len() == 1 => return Err(failure),
        _ => {}
    }
    if quiet {
        let lines: String = rows.iter().skip(1).map(|row| format!("{}\n", row[0])).collect();
        return print(&lines);
    }
    print(&table(&rows))
}

fn row(service: &Value, target: &str) -> [String; 5] {
    let simulated = if service["Simulated"] == Value::Bool(true) { " (simulated)" } else { "" };
    let addresses = service["Addresses"].as_array().into_iter().flatten();
    let addresses: Vec<String> = addresses
        .map(|one| {
            format!("{}:{}->{}/{}", one.text("Host"), one["Port"], one["ContainerPort"], one.text("Protocol"))
        })
        .collect();
    [
        format!("{}@{target}", service.text("Name")),
        service.text("Image").to_owned(),
        format!("{}{simulated}", service.text("State")),
        format!("{}/{}", service["Ready"], service["Wanted"]),
        addresses.join(", "),
    ]
}
