//! Connections: a unix socket, TCP, TLS, or ssh with `docker system dial-stdio` at its other end.

use crate::address::{Address, Certificates};
use crate::failure::{Failure, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Command;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where systems keep the authorities that they trust (Debian, Alpine; Fedora).
const SYSTEM_AUTHORITIES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Bytes both ways.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Opens a connection to an engine.
pub(crate) async fn connect(address: &Address) -> Result<Box<dyn Connection>> {
    let opened = tokio::time::timeout(PATIENCE, open(address)).await;
    opened.unwrap_or_else(|_| Err(Failure::Transport(format!("{address} does not answer"))))
}

async fn open(address: &Address) -> Result<Box<dyn Connection>> {
    let failed = |error: std::io::Error| Failure::Transport(format!("{address} cannot be reached: {error}"));
    match address {
        Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(failed)?)),
        Address::Tcp { host, port, certificates } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
            // Small requests wait for nothing.
            stream.set_nodelay(true).map_err(failed)?;
            let Some(certificates) = certificates else { return Ok(Box::new(stream)) };
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Failure::Address(format!("{host} is no name for a certificate")))?;
            let connector = tokio_rustls::TlsConnector::from(Arc::new(configuration(certificates)?));
            Ok(Box::new(connector.connect(name, stream).await.map_err(failed)?))
        }
        Address::Ssh { user, host, port, socket } => {
            let mut child = Command::new("ssh")
                .args(ssh_words(user, host, port, socket))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .map_err(|error| Failure::Transport(format!("ssh could not be started: {error}")))?;
            let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(Failure::Transport("ssh gave no streams".to_owned()));
            };
            Ok(Box::new(ssh::Pipes::new(child, output, input)))
        }
    }
}

fn ssh_words(user: &str, host: &str, port: &str, socket: &str) -> Vec<String> {
    // Nobody is there to type a password.
    let mut words: Vec<String> =
        ["-o", "ConnectTimeout=10", "-o", "BatchMode=yes", "-T"].map(str::to_owned).into();
    if !user.is_empty() {
        words.extend(["-l".to_owned(), user.to_owned()]);
    }
    if !port.is_empty() {
        words.extend(["-p".to_owned(), port.to_owned()]);
    }
    words.extend(["--".to_owned(), host.to_owned(), "docker".to_owned()]);
    if !socket.is_empty() {
        words.extend(["--host".to_owned(), format!("unix://{socket}")]);
    }
    words.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    words
}

fn configuration(certificates: &Certificates) -> Result<ClientConfig> {
    let invalid =
        |error: rustls::Error| Failure::Address(format!("the certificates cannot be used: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let system = || SYSTEM_AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
    let authority = certificates.authority.as_deref().or_else(system).ok_or_else(|| {
        Failure::Address(
            "no certificate authorities are installed: name one by `--option ca=FILE`".to_owned(),
        )
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in chain(authority)? {
        // Bundles of systems hold some that this library finds too old.
        let _ = roots.add(certificate);
    }
    let builder = builder.with_root_certificates(roots);
    match &certificates.identity {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
            builder.with_client_auth_cert(chain(certificate)?, secret).map_err(invalid)
        }
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::Address(format!("{} cannot be read: {error}", path.display()))
}

mod ssh {
    //! A child's output and input as one connection. The child ends with it.

    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tokio::process::{Child, ChildStdin, ChildStdout};

    pub(super) struct Pipes {
        _child: Child,
        output: ChildStdout,
        input: ChildStdin,
    }

    impl Pipes {
        pub(super) fn new(child: Child, output: ChildStdout, input: ChildStdin) -> Self {
            Self { _child: child, output, input }
        }
    }

    impl AsyncRead for Pipes {
        fn poll_read(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().output).poll_read(context, into)
        }
    }

    impl AsyncWrite for Pipes {
        fn poll_write(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.get_mut().input).poll_write(context, bytes)
        }

        fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().input).poll_flush(context)
        }

        fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.get_mut().input).poll_shutdown(context)
        }
    }
}
