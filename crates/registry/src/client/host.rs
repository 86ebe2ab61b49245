//! One registry host: how it is reached, with TLS or without.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use super::answer::unreachable;
use super::error::RegistryError;
use super::tls;
use crate::settings::Settings;

const CONNECT: Duration = Duration::from_secs(10);

/// A host and the client for it. Connections are kept and shared by all that goes there.
#[derive(Debug)]
pub(crate) struct Host {
    /// As names of images write it: `docker.io`, `127.0.0.1:5000`.
    pub(crate) name: String,
    /// As it is connected to.
    address: String,
    client: Client,
    insecure: bool,
    /// `http` or `https`, once it is known to be right.
    scheme: Mutex<Option<&'static str>>,
}

impl Host {
    pub(super) fn new(settings: &Settings, name: &str, insecure: bool) -> Result<Self, RegistryError> {
        let address = match name {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        let insecure = insecure || settings.is_insecure(name);
        let client = client(settings, address, !insecure)?;
        let scheme = Mutex::new((!insecure).then_some("https"));
        Ok(Self { name: name.to_owned(), address: address.to_owned(), client, insecure, scheme })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it may be reached without TLS.
    pub(crate) fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// The address of a path that begins with a slash. For an insecure host TLS is tried first, as Docker does.
    pub(crate) async fn url(&self, path: &str) -> Result<Url, RegistryError> {
        let scheme = match self.known_scheme() {
            Some(scheme) => scheme,
            None => self.probe().await?,
        };
        self.build(scheme, path)
    }

    /// Whether an address is one of this host, by the scheme that it is reached by.
    pub(super) fn owns(&self, url: &Url) -> bool {
        let schemes = self.known_scheme().map_or(vec!["https", "http"], |scheme| vec![scheme]);
        schemes.iter().any(|scheme| self.build(scheme, "/").is_ok_and(|own| own.origin() == url.origin()))
    }

    fn build(&self, scheme: &str, path: &str) -> Result<Url, RegistryError> {
        let text = format!("{scheme}://{}{path}", self.address);
        Url::parse(&text).map_err(|error| {
            RegistryError::Configuration(format!("{text} is no address of a registry: {error}"))
        })
    }

    fn known_scheme(&self) -> Option<&'static str> {
        *self.scheme.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets which scheme was right: the host may have been replaced.
    pub(crate) fn forget_scheme(&self) {
        if self.insecure {
            *self.scheme.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    async fn probe(&self) -> Result<&'static str, RegistryError> {
        let mut failure = None;
        for scheme in ["https", "http"] {
            let url = self.build(scheme, "/v2/")?;
            match self.client.get(url).send().await {
                // A server of TLS says so to whoever comes without: why TLS failed is what counts then.
                Ok(answer) if scheme == "http" && answer.status() == StatusCode::BAD_REQUEST => {}
                Ok(_) => {
                    *self.scheme.lock().unwrap_or_else(PoisonError::into_inner) = Some(scheme);
                    return Ok(scheme);
                }
                Err(error) => failure = failure.or_else(|| Some(unreachable(&self.name, &error))),
            }
        }
        Err(failure.unwrap_or_else(|| RegistryError::Configuration(format!("{} has no address", self.name))))
    }
}

/// Names of hosts, found without the C library, which a static program cannot load.
struct HostNames;

impl Resolve for HostNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let find = move || sampan_host_names::resolve(name.as_str());
            let found = tokio::task::spawn_blocking(find).await??;
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// An HTTP client for one host. Redirects are followed by hand, so that nothing secret goes along.
fn client(settings: &Settings, host: &str, verified: bool) -> Result<Client, RegistryError> {
    Client::builder()
        .tls_backend_preconfigured(tls::configuration(&settings.certificates, host, verified)?)
        .dns_resolver(HostNames)
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .read_timeout(settings.stall)
        .user_agent(&settings.user_agent)
        .referer(false)
        .build()
        .map_err(|error| {
            RegistryError::Configuration(format!("no connection to {host} can be made: {error}"))
        })
}
