//! The store of contexts, in Docker's layout: `contexts/meta/SHA256/meta.json` beside `contexts/tls`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::DEFAULT_CONTEXT;
use crate::client::Endpoint;
use crate::failure::{Failure, Result};
use crate::flags::quote;
use crate::session::Session;

const NAME_PATTERN: &str = "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$";

/// A context with what is known of its engine.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Its name.
    pub(crate) name: String,
    /// Its `Metadata`: a description and whatever else others keep there.
    pub(crate) metadata: Map<String, Json>,
    /// Its `Endpoints` by name; `docker` is the engine's.
    pub(crate) endpoints: Map<String, Json>,
}

impl Context {
    /// A context of the engine at this address.
    pub(crate) fn new(name: &str, description: &str, endpoint: Json) -> Self {
        let mut metadata = Map::new();
        if !description.is_empty() {
            metadata.insert("Description".into(), description.into());
        }
        Self { name: name.into(), metadata, endpoints: Map::from_iter([("docker".into(), endpoint)]) }
    }

    fn from_document(name: &str, document: &Json) -> Self {
        let object = |key: &str| document.get(key).and_then(Json::as_object).cloned().unwrap_or_default();
        Self { name: name.into(), metadata: object("Metadata"), endpoints: object("Endpoints") }
    }

    /// What its owner wrote about it; the default context describes itself.
    pub(crate) fn description(&self) -> &str {
        if self.name == DEFAULT_CONTEXT {
            return "Current DOCKER_HOST based configuration";
        }
        self.metadata.get("Description").and_then(Json::as_str).unwrap_or_default()
    }

    /// Its engine's address; nothing when it has no engine.
    pub(crate) fn host(&self) -> Option<&str> {
        Some(self.endpoints.get("docker")?.get("Host").and_then(Json::as_str).unwrap_or_default())
    }

    /// The file's text, with the keys in Docker's order.
    pub(crate) fn document(&self) -> String {
        let mut endpoints = Vec::new();
        for (name, endpoint) in &self.endpoints {
            endpoints.push(format!("{}:{}", json!(name), ordered_endpoint(endpoint)));
        }
        let metadata = Json::Object(self.metadata.clone());
        format!(
            "{{\"Name\":{},\"Metadata\":{metadata},\"Endpoints\":{{{}}}}}",
            json!(self.name),
            endpoints.join(",")
        )
    }
}

/// An engine's endpoint with the keys in Docker's order.
fn ordered_endpoint(endpoint: &Json) -> String {
    let mut rest = endpoint.as_object().cloned().unwrap_or_default();
    let mut parts = Vec::new();
    for key in ["Host", "SkipTLSVerify"] {
        if let Some(value) = rest.remove(key) {
            parts.push(format!("{}:{value}", json!(key)));
        }
    }
    parts.extend(rest.iter().map(|(key, value)| format!("{}:{value}", json!(key))));
    format!("{{{}}}", parts.join(","))
}

/// The contexts of a configuration folder.
pub(crate) struct Store<'a> {
    session: &'a Session,
}

impl<'a> Store<'a> {
    /// The store of the session's configuration folder.
    pub(crate) fn new(session: &'a Session) -> Self {
        Self { session }
    }

    /// The folder of a context's metadata.
    pub(crate) fn metadata_folder(&self, name: &str) -> PathBuf {
        self.folder("meta", name)
    }

    /// The folder of a context's certificates.
    pub(crate) fn certificates_folder(&self, name: &str) -> PathBuf {
        self.folder("tls", name)
    }

    fn folder(&self, kind: &str, name: &str) -> PathBuf {
        let digest = Sha256::digest(name.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.session.config_directory().join("contexts").join(kind).join(digest)
    }

    /// A context by its name.
    ///
    /// # Errors
    /// There is none, or its file cannot be read.
    pub(crate) fn get(&self, name: &str) -> Result<Context> {
        if name == DEFAULT_CONTEXT {
            return self.default_context();
        }
        let path = self.metadata_folder(name).join("meta.json");
        let bytes = std::fs::read(&path).map_err(|error| {
            let reason = system_words(&error);
            let shown = quote(name);
            Failure::message(if error.kind() == std::io::ErrorKind::NotFound {
                format!("context {shown}: context not found: open {}: {reason}", path.display())
            } else {
                format!("context {shown}: open {}: {reason}", path.display())
            })
        })?;
        let document: Json = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::message(format!("parsing {}: {error}", path.display())))?;
        Ok(Context::from_document(name, &document))
    }

    fn default_context(&self) -> Result<Context> {
        let endpoint = Endpoint::of_default_context(self.session)?;
        let skip = self.session.options().tls && !self.session.options().tls_verify;
        let endpoint = json!({ "Host": endpoint.host(), "SkipTLSVerify": skip });
        Ok(Context::new(DEFAULT_CONTEXT, "", endpoint))
    }

    /// All contexts, the default one last.
    ///
    /// # Errors
    /// The folder or a file in it cannot be read.
    pub(crate) fn list(&self) -> Result<Vec<Context>> {
        let folder = self.session.config_directory().join("contexts").join("meta");
        let mut contexts = Vec::new();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let Ok(bytes) = std::fs::read(entry.path().join("meta.json")) else { continue };
            let document: Json = serde_json::from_slice(&bytes)?;
            let name = document.get("Name").and_then(Json::as_str).unwrap_or_default().to_string();
            contexts.push(Context::from_document(&name, &document));
        }
        contexts.push(self.default_context()?);
        Ok(contexts)
    }

    /// Writes a context.
    ///
    /// # Errors
    /// The default context, or a folder that cannot be written.
    pub(crate) fn save(&self, context: &Context) -> Result<()> {
        if context.name == DEFAULT_CONTEXT {
            return Err("default context cannot be created nor updated".into());
        }
        let folder = self.metadata_folder(&context.name);
        std::fs::create_dir_all(&folder)?;
        let temporary = folder.join(format!(".meta.json.{}", std::process::id()));
        std::fs::write(&temporary, context.document())?;
        std::fs::rename(&temporary, folder.join("meta.json"))?;
        Ok(())
    }

    /// Removes a context with its certificates.
    ///
    /// # Errors
    /// A folder that cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        for folder in [self.metadata_folder(name), self.certificates_folder(name)] {
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(format!("failed to remove context {name}: {}", system_words(&error)).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The certificate files of each endpoint, sorted.
    pub(crate) fn certificates(&self, name: &str) -> Vec<(String, Vec<String>)> {
        let folder = self.certificates_folder(name);
        let names = |folder: &Path| {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names: Vec<String> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        names(&folder).into_iter().map(|endpoint| (endpoint.clone(), names(&folder.join(endpoint)))).collect()
    }

    /// Puts a certificate file of an endpoint in place.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn save_certificate(
        &self,
        name: &str,
        endpoint: &str,
        file: &str,
        bytes: &[u8],
    ) -> Result<()> {
        use std::io::Write;
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        let folder = self.certificates_folder(name).join(endpoint);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut options = std::fs::OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(folder.join(file))?
            .write_all(bytes)?;
        Ok(())
    }
}

/// The address of the engine that a context names.
///
/// # Errors
/// There is no such context, or it has no engine.
pub(crate) fn host(session: &Session, name: &str) -> Result<String> {
    let context = Store::new(session).get(name)?;
    let host = context.host().ok_or_else(|| {
        Failure::message(format!("no docker endpoint configured for context {}", quote(name)))
    })?;
    Ok(host.into())
}

/// Whether a new context may be called so.
///
/// # Errors
/// The reason why not.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err("context name cannot be empty".into());
    }
    if name == DEFAULT_CONTEXT {
        return Err("\"default\" is a reserved context name".into());
    }
    let mut letters = name.bytes();
    let first = letters.next().is_some_and(|letter| letter.is_ascii_alphanumeric());
    let others = name.len() > 1
        && letters
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'.' | b'+' | b'-'));
    if first && others {
        return Ok(());
    }
    let name = quote(name);
    Err(format!("context name {name} is invalid, names are validated against regexp {}", quote(NAME_PATTERN))
        .into())
}

/// The system's words for an error, as C and Go print them.
pub(crate) fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
