//! Making a container: what `run` and `create` do alike.

use std::fs::File;
use std::io::Write;

use serde::Deserialize;
use serde_json::{Value, json};

use super::container_options::{ContainerOptions, CreateBody, refuse_windows_flags};
use super::{platform, progress};
use crate::client::{Body, Client, Query};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::format::reference::Reference;
use crate::session::Session;

/// The flags that are about making the container rather than about the container.
pub(crate) struct CreationOptions {
    pub(crate) name: String,
    pub(crate) platform: String,
    pull: String,
    quiet: bool,
    use_api_socket: bool,
    disable_content_trust: bool,
}

impl Default for CreationOptions {
    /// The values before any flag is read.
    fn default() -> Self {
        Self {
            name: String::new(),
            platform: std::env::var("DOCKER_DEFAULT_PLATFORM").unwrap_or_default(),
            pull: String::from("missing"),
            quiet: false,
            use_api_socket: false,
            disable_content_trust: true,
        }
    }
}

/// What the engine answers to a creation.
#[derive(Debug, Deserialize)]
pub(crate) struct Created {
    #[serde(rename = "Id")]
    pub(crate) id: String,
    #[serde(rename = "Warnings", default)]
    pub(crate) warnings: Option<Vec<String>>,
}

impl CreationOptions {
    /// Binds the flags; `pull_usage` is what help says of `--pull`.
    pub(crate) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>, pull_usage: &'static str) {
        flags.string(&mut self.name, "name", "", "Assign a name to the container");
        flags.string(&mut self.pull, "pull", "", pull_usage);
        flags.bool(&mut self.quiet, "quiet", "q", "Suppress the pull output");
        flags.bool(
            &mut self.use_api_socket,
            "use-api-socket",
            "",
            "Bind mount Docker API socket and required auth",
        );
        flags.string(&mut self.platform, "platform", "", "Set platform if server is multi-platform capable");
        flags.bool(&mut self.disable_content_trust, "disable-content-trust", "", "Skip image verification");
    }

    /// Whether the image is pulled in any case.
    pub(crate) fn always_pulls(&self) -> bool {
        self.pull == "always"
    }

    /// Whether an image that is not there is pulled.
    pub(crate) fn pulls_missing(&self) -> bool {
        matches!(self.pull.as_str(), "missing" | "")
    }

    fn check(&self) -> Result<(), String> {
        if !self.disable_content_trust {
            return Err(String::from(
                "content trust is not supported; leave out --disable-content-trust=false",
            ));
        }
        match self.pull.as_str() {
            "always" | "missing" | "never" | "" => Ok(()),
            other => Err(format!(
                "invalid pull option: '{other}': must be one of \"always\", \"missing\" or \"never\""
            )),
        }
    }
}

/// Makes the body of the request from the flags.
///
/// # Errors
/// Wrong values, with the advice that docker adds; exit status 125.
pub(crate) fn body(
    session: &Session,
    command: &str,
    creation: &CreationOptions,
    options: &ContainerOptions,
    parsed: &Parsed,
) -> Result<CreateBody> {
    refuse_windows_flags(parsed)?;
    let client = session.client()?;
    let with_help = |reason: String| with_help(session, command, &reason, ExitStatus(125));
    creation.check().map_err(with_help)?;
    let proxies = session.config().proxies(client.host());
    let mut body = options.body(parsed, &proxies, false).map_err(with_help)?;
    let (rows, columns) = crate::terminal::size();
    body.host.insert(String::from("ConsoleSize"), json!([rows, columns]));
    if creation.use_api_socket {
        mount_api_socket(session, &mut body)?;
    }
    Ok(body)
}

/// `docker: reason`, followed by where help is.
pub(crate) fn with_help(session: &Session, command: &str, reason: &str, status: ExitStatus) -> Failure {
    let name = session.name();
    Failure::Status {
        text: format!("{name}: {reason}\n\nRun '{name} {command} --help' for more information"),
        status,
    }
}

/// A failure of the engine as docker reports it for `run`: 127 when the command was not found, 126 when it
/// cannot be executed, else 125, told by the text.
pub(crate) fn run_failure(session: &Session, failure: &Failure) -> Failure {
    if let Failure::NoDaemon(sentence) = failure {
        return Failure::NoDaemon(sentence.clone());
    }
    let text = failure.to_string();
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let status = if has(&[
        "executable file not found",
        "no such file or directory",
        "system cannot find the file specified",
    ]) {
        127
    } else if has(&["permission denied", "is a directory"]) {
        126
    } else {
        125
    };
    with_help(session, "run", &text, ExitStatus(status))
}

/// Checks the image's name, and returns it when it can be pulled.
///
/// # Errors
/// What is no name of an image.
pub(crate) fn image_reference(image: &str) -> Result<Option<Reference>> {
    let is_digest =
        |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_digest(image) || image.strip_prefix("sha256:").is_some_and(is_digest) {
        return Ok(None);
    }
    if let Some(reference) = Reference::parse(image) {
        return Ok(Some(reference));
    }
    let lower = image.to_lowercase();
    if lower != image
        && let Some(reference) = Reference::parse(&lower)
    {
        let name = image.split('@').next().unwrap_or_default();
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        let path = name.len().checked_sub(reference.path.len()).map_or(name, |start| &name[start..]);
        let path =
            if reference.path.len() > name.len() { format!("library/{name}") } else { path.to_owned() };
        return Err(Failure::message(format!(
            "invalid reference format: repository name ({path}) must be lowercase"
        )));
    }
    Err("invalid reference format".into())
}

/// The name of an image that is no id.
///
/// # Errors
/// What is no name of an image.
pub(crate) fn named_reference(text: &str) -> Result<Reference> {
    image_reference(text)?.ok_or_else(|| {
        Failure::message(format!(
            "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        ))
    })
}

/// Makes the container, pulling its image when it is not there and may be pulled.
///
/// # Errors
/// What the engine refuses.
pub(crate) fn create(
    session: &Session,
    creation: &CreationOptions,
    options: &ContainerOptions,
    body: &CreateBody,
) -> Result<Created> {
    let client = session.client()?;
    let mut id_file = IdFile::open(&options.general.id_file)?;
    let reference = image_reference(&options.image)?;
    if creation.always_pulls() {
        pull(session, client, creation, &options.image)?;
    }
    let query = Query::new()
        .with_if(!creation.platform.is_empty(), "platform", platform(&creation.platform)?)
        .with_if(!creation.name.is_empty(), "name", creation.name.clone());
    let body = body.to_value();
    let first = client.post_json("/containers/create", &query, &body);
    let response = match (first, reference) {
        (Err(failure), Some(reference)) if failure.is_not_found() && creation.pulls_missing() => {
            pull_missing(session, client, creation, &options.image, &reference)?;
            client.post_json("/containers/create", &query, &body)?
        }
        (other, _) => other?,
    };
    let created: Created = response.json()?;
    for warning in created.warnings.iter().flatten().cloned().chain(options.warnings()) {
        eprintln!("WARNING: {warning}");
    }
    id_file.write(&created.id)?;
    Ok(created)
}

/// Says that the image is not here and pulls it.
///
/// # Errors
/// The image cannot be pulled.
pub(crate) fn pull_missing(
    session: &Session,
    client: &Client,
    creation: &CreationOptions,
    image: &str,
    reference: &Reference,
) -> Result<()> {
    if !creation.quiet {
        eprintln!("Unable to find image '{}' locally", familiar(reference));
    }
    pull(session, client, creation, image)
}

/// Pulls an image, with progress on stderr.
///
/// # Errors
/// The image cannot be pulled.
pub(crate) fn pull(
    session: &Session,
    client: &Client,
    creation: &CreationOptions,
    image: &str,
) -> Result<()> {
    let reference = named_reference(image)?;
    let tag =
        reference.digest.clone().or_else(|| reference.tag.clone()).unwrap_or_else(|| String::from("latest"));
    let query = Query::new()
        .with("fromImage", format!("{}/{}", reference.domain, reference.path))
        .with("tag", tag)
        .with_if(!creation.platform.is_empty(), "platform", creation.platform.to_lowercase());
    let authentication = crate::config::registry_authentication(session, &reference.domain);
    let headers = [("X-Registry-Auth", authentication.as_str())];
    let mut response = client.request_with("POST", "/images/create", &query, &headers, Body::None)?;
    let target = if creation.quiet { progress::Target::Nowhere } else { progress::Target::Stderr };
    progress::show(&mut response, target, &mut |_| {})
}

/// The name as a user would write it, with its tag.
fn familiar(reference: &Reference) -> String {
    let mut name = reference.familiar_name();
    match (&reference.tag, &reference.digest) {
        (None, None) => name.push_str(":latest"),
        (tag, digest) => {
            if let Some(tag) = tag {
                name.push_str(&format!(":{tag}"));
            }
            if let Some(digest) = digest {
                name.push_str(&format!("@{digest}"));
            }
        }
    }
    name
}

/// `os/architecture[/variant]`, with the other names of architectures replaced as containerd does.
///
/// # Errors
/// What is no platform.
pub(crate) fn platform(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let parsed =
        platform::parse(text).map_err(|failure| failure.prefixed("error parsing specified platform"))?;
    let parts = ["os", "architecture", "variant"];
    let present: Vec<&str> =
        parts.iter().filter_map(|part| parsed.get(part)?.as_str()).filter(|part| !part.is_empty()).collect();
    Ok(present.join("/"))
}

/// `--use-api-socket`: the engine's own socket, mounted where clients in the container look for it.
fn mount_api_socket(session: &Session, body: &mut CreateBody) -> Result<()> {
    let host = session.endpoint()?.host();
    let Some(path) = host.strip_prefix("unix://") else {
        return Err(Failure::message(format!(
            "flag --use-api-socket can only be used with unix sockets: docker endpoint {host} incompatible"
        )));
    };
    let mount = json!({"Type": "bind", "Source": path, "Target": "/var/run/docker.sock", "BindOptions": {}});
    match body.host.entry("Mounts").or_insert_with(|| json!([])) {
        Value::Array(mounts) => mounts.push(mount),
        other => *other = json!([mount]),
    }
    Ok(())
}

/// The file of `--cidfile`: made before the container, removed again if there is none in the end.
pub(crate) struct IdFile {
    file: Option<(String, File)>,
}

impl IdFile {
    /// Makes the file; an empty path means that none is wanted.
    ///
    /// # Errors
    /// It is there already or cannot be made.
    pub(crate) fn open(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Ok(Self { file: None });
        }
        if std::path::Path::new(path).exists() {
            return Err(Failure::message(format!(
                "container ID file found, make sure the other container isn't running or delete {path}"
            )));
        }
        let file = File::create(path).map_err(|error| {
            Failure::message(format!(
                "failed to create the container ID file: {}: {}",
                format_args!("open {path}"),
                super::container_options::key_values::system_text(&error)
            ))
        })?;
        Ok(Self { file: Some((path.to_owned(), file)) })
    }

    /// Writes the id.
    ///
    /// # Errors
    /// The disk is full.
    pub(crate) fn write(&mut self, id: &str) -> Result<()> {
        if let Some((_, file)) = &mut self.file {
            file.write_all(id.as_bytes()).map_err(|error| {
                Failure::from(error).prefixed("failed to write the container ID to the file")
            })?;
        }
        self.file = None;
        Ok(())
    }
}

impl Drop for IdFile {
    fn drop(&mut self) {
        if let Some((path, _)) = self.file.take()
            && let Err(error) = std::fs::remove_file(&path)
        {
            eprintln!("failed to remove the CID file {}: {error}", quote(&path));
        }
    }
}
