//! Listening, TLS, and from a request to its handler.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderName};
use hyper::service::service_fn;
use hyper::{Method, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sampan_error::{Context, Error, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::handlers;
use crate::request::Request;
use crate::route::Route;
use crate::store::Store;
use crate::users::Users;

const VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
/// Longest wait for a request's head, and for a handshake.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a registry is served.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where everything is kept.
    pub root: PathBuf,
    /// Addresses to listen on; port 0 takes any.
    pub addresses: Vec<SocketAddr>,
    /// Names and bcrypt hashes of those who may come in; without it everybody may.
    pub htpasswd: Option<PathBuf>,
    /// Certificate and key in PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether nothing may be changed.
    pub read_only: bool,
}

/// What all connections share.
struct Server {
    store: Arc<Store>,
    users: Option<Arc<Users>>,
    read_only: bool,
    tls: Option<TlsAcceptor>,
}

/// Serves a registry until `stop` is done; `ready` hears the addresses that it listens on.
///
/// # Errors
/// The folder, the file of users, the certificate or an address cannot be used.
pub async fn serve(
    settings: Settings,
    stop: impl Future<Output = ()>,
    ready: impl FnOnce(&[SocketAddr]),
) -> Result<()> {
    let root = settings.root.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&root)).await;
    let store = opened
        .map_err(|panic| {
            Error::internal("the registry met a bug while it opened its folder").caused_by(panic)
        })?
        .context("the registry's folder cannot be used")?;
    let server = Arc::new(Server {
        store: Arc::new(store),
        users: settings.htpasswd.as_deref().map(Users::open).transpose()?.map(Arc::new),
        read_only: settings.read_only,
        tls: settings.tls.as_ref().map(|(certificate, key)| acceptor(certificate, key)).transpose()?,
    });
    let mut listening = Vec::new();
    let mut addresses = Vec::new();
    for address in &settings.addresses {
        let listener =
            TcpListener::bind(address).await.context(format!("the registry cannot listen on {address}"))?;
        addresses.push(listener.local_addr()?);
        listening.push(tokio::spawn(accept(listener, Arc::clone(&server))));
    }
    ready(&addresses);
    stop.await;
    for listener in listening {
        listener.abort();
    }
    Ok(())
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&server)));
            }
            Err(error) => {
                // Too many open files: others will close theirs.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>) {
    // Answers are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    match &server.tls {
        None => requests(stream, server).await,
        Some(tls) => match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, server).await,
            Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
            Err(_) => tracing::debug!("a handshake took too long"),
        },
    }
}

async fn requests(stream: impl AsyncRead + AsyncWrite + Unpin, server: Arc<Server>) {
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = pin!(connection).await {
        tracing::debug!(%error, "a connection broke off");
    }
}

impl Server {
    async fn answer(&self, request: hyper::Request<Incoming>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut answer = self.handle(request).await.unwrap_or_else(|failure| {
            if let Failure::Io(error) = &failure {
                tracing::error!(%error, %method, path, "a request failed");
            }
            answer::failed(&failure)
        });
        answer::set(&mut answer, VERSION, "registry/2.0");
        tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
        answer
    }

    async fn handle(&self, request: hyper::Request<Incoming>) -> Result<Answer, Failure> {
        let (head, body) = request.into_parts();
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        if let Some(users) = &self.users {
            let header = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            if !users.admit(header).await {
                return Err(Failure::Unauthorized);
            }
        }
        if self.read_only && !reads {
            return Err(Failure::ReadOnly);
        }
        let route = Route::of(head.uri.path())?;
        let query = head.uri.query().unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let store = Arc::clone(&self.store);
        handlers::handle(route, Request { store, method: head.method, headers: head.headers, query, body })
            .await
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        Error::invalid(format!("{} cannot be used for TLS: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|pems| pems.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unusable(certificate, &error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| unusable(certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
