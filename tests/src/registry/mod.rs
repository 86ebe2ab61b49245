//! A real registry (Debian's docker-registry) on a test's own machine.

mod certificates;
mod front;
mod token_server;

use std::path::{Path, PathBuf};

pub use certificates::Certificates;
pub use front::{Fault, Front};
pub use token_server::TokenServer;

use crate::{Host, Running, until};

/// The only user of a guarded registry.
pub const USER: &str = "ada";
/// Her password.
pub const PASSWORD: &str = "correct horse";
/// `USER:PASSWORD` as `htpasswd -B` writes it.
pub const HTPASSWD: &str = "ada:$2y$05$LucppO3DIfQ51t1lvQRyAOKL97uqhyKZqm5Y3p1/ogo4npeQ6Jan.\n";

/// Who may use a registry, and how it is reached.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Serves TLS with these.
    pub tls: Option<Certificates>,
    /// Wants [`USER`] and [`PASSWORD`] with each request.
    pub htpasswd: bool,
    /// Wants tokens of this server: its realm, and the certificate that its signatures are checked with.
    pub tokens: Option<(String, PathBuf)>,
}

/// A registry that runs on a host.
pub struct Registry {
    name: String,
    port: u16,
    folder: PathBuf,
    running: Option<Running>,
}

impl Registry {
    /// Starts one on all addresses of the host; its data stays in a folder of its name.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub fn start(host: &Host, name: &str, port: u16, guard: &Guard) -> Registry {
        let folder = host.folder().join(name);
        std::fs::create_dir_all(folder.join("data")).expect("a folder for the registry");
        std::fs::write(folder.join("htpasswd"), HTPASSWD).expect("a file of users");
        std::fs::write(folder.join("config.yml"), configuration(&folder, port, guard))
            .expect("its configuration");
        let mut registry = Registry { name: name.to_owned(), port, folder, running: None };
        registry.restart(host);
        registry
    }

    /// Starts it again after [`Registry::kill`], with the same data.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub fn restart(&mut self, host: &Host) {
        let config = self.folder.join("config.yml").display().to_string();
        let log = self.folder.join("log").display().to_string();
        let script = "exec docker-registry serve \"$1\" >>\"$2\" 2>&1";
        self.running = Some(host.start(&["sh", "-c", script, "sh", &config, &log]));
        let port = self.port;
        until("the registry listens", || {
            host.in_network(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
        });
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self, host: &Host) {
        let config = self.folder.join("config.yml").display().to_string();
        host.run(&["pkill", "-KILL", "-f", &format!("docker-registry serve {config}")]);
        self.running = None;
        let port = self.port;
        until("the registry is gone", || {
            host.in_network(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_err())
        });
    }

    /// `host:port`, as image names begin.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The same at the address that the host has in its network: no loopback, so that trust counts.
    pub fn outer_address(&self) -> String {
        format!("192.0.2.10:{}", self.port)
    }

    /// Its data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The requests that it has answered, one a line.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn configuration(folder: &Path, port: u16, guard: &Guard) -> String {
    let folder = folder.display();
    let mut text = format!(
        "version: 0.1\n\
         log: {{level: info, accesslog: {{disabled: false}}}}\n\
         storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
    );
    match &guard.tls {
        None => text.push_str(&format!("http: {{addr: \":{port}\", secret: s}}\n")),
        Some(tls) => text.push_str(&format!(
            "http:\n  addr: \":{port}\"\n  secret: s\n  tls: {{certificate: {}, key: {}{}}}\n",
            tls.certificate().display(),
            tls.key().display(),
            tls.clients().map(|path| format!(", clientcas: [{}]", path.display())).unwrap_or_default(),
        )),
    }
    if guard.htpasswd {
        text.push_str(&format!("auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"));
    }
    if let Some((realm, bundle)) = &guard.tokens {
        text.push_str(&format!(
            "auth:\n  token: {{realm: \"{realm}\", service: registry, issuer: tests, rootcertbundle: {}}}\n",
            bundle.display()
        ));
    }
    text
}

impl Registry {
    /// Puts a blob into a repository as any client could; its digest.
    ///
    /// # Panics
    /// When the registry refuses it.
    #[track_caller]
    pub fn put_blob(&self, host: &Host, repository: &str, bytes: &[u8]) -> String {
        let file = self.folder.join("blob");
        std::fs::write(&file, bytes).expect("a file for the blob");
        let script = r#"
            digest=sha256:$(sha256sum "$1" | cut -d' ' -f1)
            place=$(curl -fsS -X POST -D- -o /dev/null "http://$2/v2/$3/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
            case $place in *\?*) place="$place&digest=$digest" ;; *) place="$place?digest=$digest" ;; esac
            curl -fsS -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$1" "$place" && echo "$digest""#;
        host.shell(script, &[&file.display().to_string(), &self.address(), repository]).ok().to_owned()
    }

    /// Puts a manifest under a tag; its digest.
    ///
    /// # Panics
    /// When the registry refuses it.
    #[track_caller]
    pub fn put_manifest(
        &self,
        host: &Host,
        repository: &str,
        tag: &str,
        manifest: &serde_json::Value,
    ) -> String {
        let file = self.folder.join("manifest");
        std::fs::write(&file, manifest.to_string()).expect("a file for the manifest");
        let media_type = manifest["mediaType"].as_str().expect("manifests of tests say what they are");
        let script = r#"
            digest=sha256:$(sha256sum "$1" | cut -d' ' -f1)
            curl -fsS -X PUT -H "Content-Type: $5" --data-binary "@$1" "http://$2/v2/$3/manifests/${4:-$digest}" && echo "$digest""#;
        let (file, address) = (file.display().to_string(), self.address());
        host.shell(script, &[&file, &address, repository, tag, media_type]).ok().to_owned()
    }

    /// What it has under a tag or digest.
    ///
    /// # Panics
    /// When it has nothing there.
    #[track_caller]
    pub fn manifest(&self, host: &Host, repository: &str, reference: &str) -> serde_json::Value {
        let script = r#"
            for kind in docker.distribution.manifest.v2 docker.distribution.manifest.list.v2 oci.image.manifest.v1 oci.image.index.v1; do
                set -- "$@" -H "Accept: application/vnd.$kind+json"
            done
            url=$1; shift
            curl -fsS "$@" "$url""#;
        let url = format!("http://{}/v2/{repository}/manifests/{reference}", self.address());
        serde_json::from_str(host.shell(script, &[&url]).ok()).expect("manifests are JSON")
    }
}
