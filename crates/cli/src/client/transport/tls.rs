//! TLS to an engine, behind one end of a socket pair: a thread carries the bytes, so that the rest of the
//! client sees a plain socket that it can poll and half-close.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::contexts::Store;
use crate::failure::{Failure, Result};
use crate::session::{GlobalOptions, Session};

/// Where the system keeps the authorities that it trusts (Debian, Alpine; Fedora).
const SYSTEM_AUTHORITIES: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// The files that make up a side's identity and its trust; an absent one is not used.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    verify: bool,
}

impl Tls {
    /// What `--tls`, `--tlsverify` and their like ask for.
    pub(super) fn of_options(options: &GlobalOptions) -> Option<Self> {
        if !options.tls {
            return None;
        }
        // A file that nobody named and that is not there is not meant.
        let file = |path: &str, flag: &str| {
            let meant = options.changed.contains(&flag) || Path::new(path).exists();
            meant.then(|| PathBuf::from(path))
        };
        Some(Self {
            authorities: options.tls_verify.then(|| PathBuf::from(&options.tls_ca)),
            certificate: file(&options.tls_certificate, "tlscert"),
            key: file(&options.tls_key, "tlskey"),
            verify: options.tls_verify,
        })
    }

    /// What a context asks for: TLS where it has certificates or says whether to check the engine's.
    ///
    /// # Errors
    /// There is no such context.
    pub(super) fn of_context(session: &Session, name: &str) -> Result<Option<Self>> {
        let store = Store::new(session);
        let context = store.get(name)?;
        let skip = context
            .endpoints
            .get("docker")
            .and_then(|endpoint| endpoint.get("SkipTLSVerify"))
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false);
        let folder = store.certificates_folder(name).join("docker");
        let file = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
        let (authorities, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
        if !skip && authorities.is_none() && certificate.is_none() && key.is_none() {
            return Ok(None);
        }
        Ok(Some(Self { authorities, certificate, key, verify: !skip }))
    }

    /// Encrypts a connection to `address` (`host:port`).
    ///
    /// # Errors
    /// Certificates that cannot be read or do not fit, an engine that is not the right one.
    pub(super) fn wrap(&self, stream: TcpStream, address: &str) -> Result<UnixStream> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| {
            Failure::Connection(format!("{address} is no name for a certificate: {error}"))
        })?;
        let mut connection = ClientConnection::new(Arc::new(self.configuration()?), name)
            .map_err(|error| Failure::Connection(format!("TLS: {error}")))?;
        let mut stream = stream;
        // The handshake first, so that its failure is told as what it is.
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|error| {
                Failure::Connection(format!(
                    "{address}: {error}; check that the engine speaks TLS and that its certificate and yours are \
                     right"
                ))
            })?;
        }
        let (ours, theirs) = UnixStream::pair()?;
        std::thread::Builder::new().name(String::from("tls")).spawn(move || {
            // The other side sees the end of the stream, whatever the reason.
            let _ = carry(&mut connection, &stream, &theirs);
            let _ = theirs.shutdown(Shutdown::Both);
            let _ = stream.shutdown(Shutdown::Both);
        })?;
        Ok(ours)
    }

    fn configuration(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::message(format!("TLS: {error}")))?;
        let builder = if self.verify {
            builder.with_root_certificates(self.roots()?)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        let invalid = |error: rustls::Error| {
            Failure::message(format!(
                "Could not load X509 key pair: {error}. Make sure the key is not encrypted"
            ))
        };
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
                builder.with_client_auth_cert(chain, key).map_err(invalid)
            }
            (None, None) => Ok(builder.with_no_client_auth()),
            _ => Err("a TLS certificate needs its key: give both --tlscert and --tlskey".into()),
        }
    }

    /// The authorities that may have signed the engine's certificate.
    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let path = match &self.authorities {
            Some(path) => path.clone(),
            None => SYSTEM_AUTHORITIES
                .iter()
                .map(PathBuf::from)
                .find(|path| path.exists())
                .ok_or("no certificate authorities are installed; name one by --tlscacert")?,
        };
        for certificate in certificates(&path)? {
            // Bundles of systems hold some that this library finds too old.
            let _ = roots.add(certificate);
        }
        Ok(roots)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::message(format!("could not read {}: {error}", path.display()))
}

/// Carries bytes both ways until both directions have ended.
fn carry(connection: &mut ClientConnection, network: &TcpStream, local: &UnixStream) -> io::Result<()> {
    network.set_nonblocking(true)?;
    let (mut network, mut local) = (network, local);
    let mut buffer = vec![0_u8; 32 * 1024];
    let (mut local_open, mut network_open) = (true, true);
    while network_open || connection.wants_write() {
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::IN, network_open);
        wanted.set(PollFlags::OUT, connection.wants_write());
        // What is typed waits until what was typed before is on its way.
        let read_local = local_open && !connection.wants_write();
        let local_wanted = if read_local { PollFlags::IN } else { PollFlags::empty() };
        let mut polled = [PollFd::new(&network, wanted), PollFd::new(&local, local_wanted)];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let (on_network, on_local) = (polled[0].revents(), polled[1].revents());
        if read_local && !on_local.is_empty() {
            let count = local.read(&mut buffer)?;
            if count == 0 {
                // Half-closed: the engine reads the end of input and may go on writing.
                local_open = false;
                connection.send_close_notify();
            } else {
                connection.writer().write_all(&buffer[..count])?;
            }
        }
        if on_network.intersects(PollFlags::OUT | PollFlags::ERR) && connection.wants_write() {
            would_block_is_nothing(connection.write_tls(&mut network))?;
        }
        if on_network.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) && network_open {
            network_open = receive(connection, &mut network, &mut local, &mut buffer)?;
        }
    }
    Ok(())
}

/// Decrypts what arrived and passes it on; false at the end.
fn receive(
    connection: &mut ClientConnection,
    network: &mut &TcpStream,
    local: &mut &UnixStream,
    buffer: &mut [u8],
) -> io::Result<bool> {
    let ended = would_block_is_nothing(connection.read_tls(network))? == Some(0);
    connection.process_new_packets().map_err(io::Error::other)?;
    loop {
        match connection.reader().read(buffer) {
            Ok(0) => return Ok(false),
            Ok(count) => local.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(!ended),
            Err(error) => return Err(error),
        }
    }
}

fn would_block_is_nothing(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes any certificate, which is what `--tls` without `--tlsverify` asks for.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::path::PathBuf;
    use std::sync::Arc;

    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

    use super::{Tls, certificates};

    /// A key and certificates made for this test alone, good for a hundred years.
    fn file(name: &str) -> PathBuf {
        PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs this"))
            .join("tests/certificates")
            .join(name)
    }

    /// An engine that wants a client's certificate, says back what it is told and then how much it was.
    fn engine() -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&file("authority.pem")).unwrap() {
            roots.add(certificate).unwrap();
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
        let key = PrivateKeyDer::from_pem_file(file("engine-key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates(&file("engine.pem")).unwrap(), key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut told = Vec::new();
            if stream.read_to_end(&mut told).is_err() {
                return;
            }
            stream.write_all(&told).unwrap();
            stream.write_all(format!("{} bytes", told.len()).as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        });
        port
    }

    fn tls(identity: bool, verify: bool) -> Tls {
        Tls {
            authorities: Some(file("authority.pem")),
            certificate: identity.then(|| file("engine.pem")),
            key: identity.then(|| file("engine-key.pem")),
            verify,
        }
    }

    #[test]
    fn both_ways_and_half_closed() {
        let port = engine();
        let network = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut stream = tls(true, true).wrap(network, &format!("127.0.0.1:{port}")).unwrap();
        let sent = vec![7_u8; 3_000_000];
        stream.write_all(&sent).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), sent.len() + "3000000 bytes".len());
        assert!(received.ends_with(b"3000000 bytes"));
    }

    #[test]
    fn another_engine_is_refused_unless_nobody_minds() {
        let port = engine();
        let network = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let failure = tls(true, true).wrap(network, "elsewhere.example:1").unwrap_err();
        assert!(failure.to_string().contains("certificate"), "{failure}");

        let port = engine();
        let network = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert!(tls(true, false).wrap(network, "elsewhere.example:1").is_ok());
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let half = Tls { key: None, ..tls(true, true) };
        assert!(half.configuration().unwrap_err().to_string().contains("both"));
    }
}
