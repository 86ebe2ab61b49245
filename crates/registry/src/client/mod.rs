//! The distribution protocol: the requests that registries answer (OCI distribution specification 1.1).

mod answer;
mod auth;
mod blobs;
mod catalogue;
mod download;
mod error;
mod host;
mod login;
mod manifests;
mod places;
mod search;
mod send;
mod tags;
mod tls;
mod uploads;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sampan_error::Result;

pub use blobs::{BlobBody, BlobStream};
pub use error::RegistryError;
pub use manifests::Fetched;
pub use search::{SearchResult, SearchTerm};
pub use uploads::{Started, Upload};

use crate::credentials::Credentials;
use crate::settings::Settings;
use auth::Session;
use host::Host;
use send::Connection;

/// Sessions that are kept; one more, and all begin anew.
const MOST_SESSIONS: usize = 64;

/// All registries, as this engine reaches them. Cheap to clone; connections and tokens are shared.
#[derive(Debug, Clone)]
pub struct Registries {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    hosts: Mutex<HashMap<(String, bool), Arc<Host>>>,
    sessions: Mutex<HashMap<(String, Credentials), Arc<Session>>>,
}

impl Registries {
    /// # Errors
    /// `InvalidArgument` for settings that make no sense.
    pub fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        let inner = Inner { settings, hosts: Mutex::default(), sessions: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What was configured.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    fn host(&self, name: &str, insecure: bool) -> Result<Arc<Host>, RegistryError> {
        let key = (name.to_owned(), insecure);
        let mut hosts = self.inner.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(&key) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(Host::new(&self.inner.settings, name, insecure)?);
        hosts.insert(key, Arc::clone(&host));
        Ok(host)
    }

    /// The next connection to a host begins from its certificates.
    fn forget(&self, name: &str) {
        let mut hosts = self.inner.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|(known, _), _| known != name);
    }

    fn connection(
        &self,
        host: &str,
        insecure: bool,
        credentials: &Credentials,
    ) -> Result<Connection, RegistryError> {
        let key = (host.to_owned(), credentials.clone());
        let host = self.host(host, insecure)?;
        let mut sessions = self.inner.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MOST_SESSIONS {
            sessions.clear();
        }
        let session = sessions.entry(key).or_insert_with(|| Arc::new(Session::new(credentials.clone())));
        Ok(Connection { registries: self.clone(), host, session: Arc::clone(session) })
    }
}

/// One repository of one registry.
#[derive(Debug, Clone)]
pub struct Repository {
    connection: Connection,
    path: String,
}

impl Repository {
    /// Host and path, as a person would write them.
    #[must_use]
    pub fn display(&self) -> String {
        format!("{}/{}", self.connection.host.name, self.path)
    }

    /// The host's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.connection.host.name
    }

    /// The repository's name at the host.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    fn scope(&self, actions: &str) -> Vec<String> {
        vec![format!("repository:{}:{actions}", self.path)]
    }

    fn pull_scope(&self) -> Vec<String> {
        self.scope("pull")
    }

    fn push_scope(&self) -> Vec<String> {
        self.scope("pull,push")
    }
}
