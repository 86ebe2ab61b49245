//! Docker's command line plugins: programs named `docker-NAME` that become commands.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::failure::{ExitStatus, Failure, Result};
use crate::session::Session;

/// Where plugins are that the system installed.
const SYSTEM_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];
/// The word that makes a plugin describe itself.
const METADATA_WORD: &str = "docker-cli-plugin-metadata";
/// The only version of the description there is.
const SCHEMA: &str = "0.1.0";
/// Tells the plugin how to call the command line that started it.
const ORIGINAL_COMMAND: &str = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND";

/// How a plugin describes itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Metadata {
    pub(super) schema_version: String,
    pub(super) vendor: String,
    pub(super) version: String,
    pub(super) short_description: String,
    #[serde(rename = "URL")]
    pub(super) url: String,
    hidden: bool,
}

/// A plugin that was found.
#[derive(Debug)]
pub(super) struct Plugin {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

/// Runs the words of the command line as a plugin, in place of this process. Comes back only without one.
///
/// # Errors
/// The plugin cannot be executed.
pub(super) fn run(session: &Session, words: &[String], original: &[String]) -> Result<Option<ExitStatus>> {
    let Some((name, arguments)) = target(session, words, original) else { return Ok(None) };
    let Some(plugin) = find(session, &name) else { return Ok(None) };
    let mut command = Command::new(&plugin.path);
    command.args(&arguments).env(ORIGINAL_COMMAND, original.first().map_or("docker", String::as_str));
    let forwarded = words.first().is_some_and(|word| *word != name);
    if forwarded && builder_alias(session).is_none() && std::env::var_os("BUILDX_BUILDER").is_none() {
        command.env("BUILDX_BUILDER", crate::config::current_context(session));
    }
    let endpoint = session.endpoint()?;
    if endpoint.is_own_default() {
        // A plugin knows only Docker's own default, and cannot start our daemon.
        session.client()?.reach()?;
        command.env("DOCKER_HOST", endpoint.host());
    }
    let error = command.exec();
    Err(Failure::message(format!("{}: {error}", plugin.path.display())))
}

/// The plugin that these words call, and the arguments for it: all of the command line's, as plugins
/// understand the global flags themselves. `build`, `builder` and `bake` are buildx's.
fn target(session: &Session, words: &[String], original: &[String]) -> Option<(String, Vec<String>)> {
    let first = words.first()?.as_str();
    let globals = &original[1..original.len() - words.len()];
    let builder = builder_alias(session).unwrap_or("buildx");
    let inserted: Option<(&[&str], usize)> = match (first, words.get(1).map(String::as_str)) {
        ("build", _) => Some((&["build"], 1)),
        ("bake", _) => Some((&["bake"], 1)),
        ("builder", _) => Some((&[], 1)),
        ("image", Some("build")) => Some((&["build"], 2)),
        _ => None,
    };
    let mut arguments = globals.to_vec();
    match inserted {
        Some((replacement, count)) => {
            arguments.push(builder.to_owned());
            arguments.extend(replacement.iter().map(ToString::to_string));
            arguments.extend_from_slice(&words[count..]);
            Some((builder.to_owned(), arguments))
        }
        None => {
            arguments.extend_from_slice(words);
            Some((first.to_owned(), arguments))
        }
    }
}

/// The plugin that `config.json` names for builds.
fn builder_alias(session: &Session) -> Option<&str> {
    session.config().value("aliases")?.get("builder")?.as_str()
}

/// The folders in order of precedence.
fn folders(session: &Session) -> Vec<PathBuf> {
    let extra = session.config().value("cliPluginsExtraDirs").and_then(serde_json::Value::as_array);
    let extra = extra.into_iter().flatten().filter_map(serde_json::Value::as_str).map(PathBuf::from);
    extra
        .chain([session.config_directory().join("cli-plugins")])
        .chain(SYSTEM_FOLDERS.iter().map(PathBuf::from))
        .collect()
}

/// The plugin of this name if there is a valid one. Only the first file of that name counts.
fn find(session: &Session, name: &str) -> Option<Plugin> {
    let right = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !right {
        return None;
    }
    let path = folders(session)
        .into_iter()
        .map(|folder| folder.join(format!("docker-{name}")))
        .find(|path| path.exists())?;
    let metadata = describe(&path)?;
    Some(Plugin { name: name.to_owned(), path, metadata })
}

/// What the plugin says of itself; nothing when it is none.
fn describe(path: &PathBuf) -> Option<Metadata> {
    let output = Command::new(path)
        .arg(METADATA_WORD)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).ok()?;
    (metadata.schema_version == SCHEMA && !metadata.vendor.is_empty()).then_some(metadata)
}

/// All plugins that help lists, sorted by name.
pub(super) fn list(session: &Session, is_builtin: impl Fn(&str) -> bool) -> Vec<Plugin> {
    let mut names: Vec<String> = folders(session)
        .into_iter()
        .filter_map(|folder| folder.read_dir().ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("docker-").map(str::to_owned))
        .filter(|name| !is_builtin(name))
        .collect();
    names.sort();
    names.dedup();
    names.iter().filter_map(|name| find(session, name)).filter(|plugin| !plugin.metadata.hidden).collect()
}
