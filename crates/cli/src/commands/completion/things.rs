//! What may stand for an argument: containers, images, networks, volumes, contexts.

use serde_json::Value as Json;

use super::{Candidate, Otherwise};
use crate::client::Query;
use crate::config::contexts::Store;
use crate::failure::Result;
use crate::flags::FlagSummary;
use crate::format::objects::Fields;
use crate::session::Session;

/// Candidates for the value of a flag.
pub(super) fn value_of(flag: &FlagSummary, start: &str) -> (Vec<Candidate>, Otherwise) {
    let words: &[&str] = match flag.name {
        "restart" => &["always", "no", "on-failure", "unless-stopped"],
        "pull" => &["always", "missing", "never"],
        "signal" | "stop-signal" => {
            &["SIGHUP", "SIGINT", "SIGKILL", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"]
        }
        "type" => &[
            "config",
            "container",
            "image",
            "network",
            "node",
            "plugin",
            "secret",
            "service",
            "task",
            "volume",
        ],
        "platform" => &["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386"],
        _ => &[],
    };
    let files = ["env-file", "label-file", "cidfile", "output", "input", "format", "volume", "config"];
    let otherwise = if files.contains(&flag.name) { Otherwise::Files } else { Otherwise::Nothing };
    let fitting = words.iter().filter(|word| word.starts_with(start));
    (fitting.map(|word| ((*word).to_string(), String::new())).collect(), otherwise)
}

/// Candidates for a positional argument, by what the usage line calls it.
pub(super) fn of_argument(
    session: &Session,
    command: &str,
    usage: &str,
    position: usize,
    start: &str,
) -> (Vec<Candidate>, Otherwise) {
    let names: Vec<&str> = usage.split(' ').filter(|word| *word != "[OPTIONS]").collect();
    let repeated = names.last().is_some_and(|word| word.ends_with("...]"));
    let name = names.get(position).or_else(|| names.last().filter(|_| repeated));
    let Some(name) = name.map(|name| name.trim_matches(['[', ']', '.'])) else {
        return (Vec::new(), Otherwise::Nothing);
    };
    let found = match name {
        "CONTAINER" => containers(session, command),
        "IMAGE" | "IMAGE|IMAGE" | "REPOSITORY[:TAG" | "SOURCE_IMAGE[:TAG" => images(session),
        "NETWORK" => named(session, "/networks", ""),
        "VOLUME" => named(session, "/volumes", "Volumes"),
        "CONTEXT" => contexts(session),
        "NAME|ID" => all(session),
        _ => return (Vec::new(), Otherwise::Files),
    };
    // A shell asks while its user types: an engine that is away is no reason to complain.
    let mut found = found.unwrap_or_default();
    found.retain(|name| name.starts_with(start));
    (found.into_iter().map(|name| (name, String::new())).collect(), Otherwise::Nothing)
}

/// Names of containers that the command can do something with.
fn containers(session: &Session, command: &str) -> Result<Vec<String>> {
    let fits = |container: &Json| {
        let state = container.text("State");
        match command {
            "start" => matches!(state, "exited" | "created"),
            "unpause" => state == "paused",
            "stop" | "kill" | "exec" | "attach" | "top" | "pause" | "port" => state == "running",
            _ => true,
        }
    };
    let query = Query::new().with("all", "1");
    let containers: Vec<Json> = session.client()?.get("/containers/json", &query)?.json()?;
    let names = containers.iter().filter(|container| fits(container)).flat_map(|container| {
        container
            .texts("Names")
            .into_iter()
            .map(|name| name.trim_start_matches('/').to_string())
            .collect::<Vec<_>>()
    });
    Ok(names.filter(|name| !name.contains('/')).collect())
}

fn images(session: &Session) -> Result<Vec<String>> {
    let images: Vec<Json> = session.client()?.get("/images/json", &Query::new())?.json()?;
    Ok(images
        .iter()
        .flat_map(|image| image.texts("RepoTags").into_iter().map(String::from).collect::<Vec<_>>())
        .collect())
}

fn named(session: &Session, path: &str, key: &str) -> Result<Vec<String>> {
    let answer: Json = session.client()?.get(path, &Query::new())?.json()?;
    let list = if key.is_empty() {
        answer.as_array().cloned().unwrap_or_default()
    } else {
        answer.list(key).to_vec()
    };
    Ok(list.iter().map(|item| item.text("Name").to_string()).collect())
}

fn contexts(session: &Session) -> Result<Vec<String>> {
    let mut names: Vec<String> =
        Store::new(session).list()?.into_iter().map(|context| context.name).collect();
    names.sort();
    Ok(names)
}

fn all(session: &Session) -> Result<Vec<String>> {
    let mut names = containers(session, "inspect")?;
    names.extend(images(session)?);
    names.extend(named(session, "/networks", "")?);
    names.extend(named(session, "/volumes", "Volumes")?);
    Ok(names)
}
