//! What every command has at hand: the global options, the configuration and the connection, each
//! made only when first asked for.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::client::{Client, Endpoint};
use crate::config::ConfigFile;
use crate::failure::Result;
use crate::flags::FlagSet;

/// The flags that stand before the command's name.
#[derive(Debug, Default)]
pub(crate) struct GlobalOptions {
    /// `--config`: the folder of `config.json` and of the contexts.
    pub(crate) config: String,
    /// `--context`.
    pub(crate) context: String,
    /// `--debug`.
    pub(crate) debug: bool,
    /// `--host`, any number of times (more than one is refused when a connection is needed).
    pub(crate) hosts: Vec<String>,
    /// `--log-level`.
    pub(crate) log_level: String,
    /// `--tls`.
    pub(crate) tls: bool,
    /// `--tlsverify`, or `DOCKER_TLS_VERIFY` set.
    pub(crate) tls_verify: bool,
    /// `--tlscacert`.
    pub(crate) tls_ca: String,
    /// `--tlscert`.
    pub(crate) tls_certificate: String,
    /// `--tlskey`.
    pub(crate) tls_key: String,
    /// `--version`.
    pub(crate) version: bool,
    /// The global flags that were given, by name.
    pub(crate) changed: Vec<&'static str>,
}

impl GlobalOptions {
    /// The values before any flag is read: from the environment.
    pub(crate) fn from_environment() -> Self {
        let config = default_config_directory();
        let certificates = match std::env::var("DOCKER_CERT_PATH") {
            Ok(path) if !path.is_empty() => PathBuf::from(path),
            _ => config.clone(),
        };
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let in_certificates = |file: &str| certificates.join(file).to_string_lossy().into_owned();
        Self {
            config: config.to_string_lossy().into_owned(),
            log_level: String::from("info"),
            tls: set("DOCKER_TLS"),
            tls_verify: set("DOCKER_TLS_VERIFY"),
            tls_ca: in_certificates("ca.pem"),
            tls_certificate: in_certificates("cert.pem"),
            tls_key: in_certificates("key.pem"),
            ..Self::default()
        }
    }

    /// Binds the global flags.
    pub(crate) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.config, "config", "", "Location of client config files");
        flags.bool(&mut self.debug, "debug", "D", "Enable debug mode");
        flags.string(
            &mut self.log_level,
            "log-level",
            "l",
            "Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")",
        );
        flags.bool(&mut self.tls, "tls", "", "Use TLS; implied by --tlsverify");
        flags.bool(&mut self.tls_verify, "tlsverify", "", "Use TLS and verify the remote");
        flags.string(&mut self.tls_ca, "tlscacert", "", "Trust certs signed only by this CA");
        flags.string(&mut self.tls_certificate, "tlscert", "", "Path to TLS certificate file");
        flags.string(&mut self.tls_key, "tlskey", "", "Path to TLS key file");
        flags.list(&mut self.hosts, "host", "H", "Daemon socket to connect to");
        flags.string(
            &mut self.context,
            "context",
            "c",
            "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and \
             default context set with \"docker context use\")",
        );
        flags.bool(&mut self.version, "version", "v", "Print version information and quit");
    }
}

/// `$DOCKER_CONFIG`, else `~/.docker`.
fn default_config_directory() -> PathBuf {
    match std::env::var_os("DOCKER_CONFIG") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => crate::config::home_directory().join(".docker"),
    }
}

/// One invocation of the command line.
pub(crate) struct Session {
    name: String,
    options: GlobalOptions,
    config: OnceCell<ConfigFile>,
    endpoint: OnceCell<Endpoint>,
    client: OnceCell<Client>,
}

impl Session {
    /// A session of the program that was called by this name (`sampan`, `docker`).
    pub(crate) fn new(name: String, options: GlobalOptions) -> Self {
        Self { name, options, config: OnceCell::new(), endpoint: OnceCell::new(), client: OnceCell::new() }
    }

    /// The name this program was called by, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The global options.
    pub(crate) fn options(&self) -> &GlobalOptions {
        &self.options
    }

    /// The folder of `config.json`, the contexts and the plugins.
    pub(crate) fn config_directory(&self) -> &Path {
        Path::new(&self.options.config)
    }

    /// Docker's `config.json`, read at the first call. One that cannot be read gives a warning on
    /// stderr and counts as empty, as with docker.
    pub(crate) fn config(&self) -> &ConfigFile {
        self.config.get_or_init(|| ConfigFile::load_or_warn(self.config_directory()))
    }

    /// Where the engine is, without connecting.
    ///
    /// # Errors
    /// Contradicting options, or a context that does not exist.
    pub(crate) fn endpoint(&self) -> Result<&Endpoint> {
        if let Some(endpoint) = self.endpoint.get() {
            return Ok(endpoint);
        }
        let endpoint = Endpoint::resolve(self)?;
        Ok(self.endpoint.get_or_init(|| endpoint))
    }

    /// The client; the connection itself is made by the first request.
    ///
    /// # Errors
    /// As [`Session::endpoint`].
    pub(crate) fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::new(self.endpoint()?.clone(), self)?;
        Ok(self.client.get_or_init(|| client))
    }
}
