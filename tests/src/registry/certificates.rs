//! An authority of a test's own, and what it vouches for.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Certificates in a folder: an authority, a server's for 127.0.0.1, 192.0.2.10 and `localhost`, a client's.
#[derive(Debug, Clone)]
pub struct Certificates {
    folder: PathBuf,
    wants_clients: bool,
}

/// Makes the authority, then what it signs; RSA, since tokens are signed with the same keys.
const SCRIPT: &str = r#"
set -eu
cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=authority of a test" -keyout ca.key -out ca.crt
sign() {
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf '%s\n' "$2" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt"
}
sign server "subjectAltName=IP:127.0.0.1,IP:192.0.2.10,DNS:localhost"
sign client "extendedKeyUsage=clientAuth"
"#;

impl Certificates {
    /// Makes them in a new folder below `parent`.
    ///
    /// # Panics
    /// When openssl fails.
    #[track_caller]
    pub fn new(parent: &Path) -> Certificates {
        let folder = parent.join("certificates");
        std::fs::create_dir_all(&folder).expect("a folder for certificates");
        let made = Command::new("sh").args(["-c", SCRIPT, "sh"]).arg(&folder).output().expect("openssl runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Certificates { folder, wants_clients: false }
    }

    /// The same, for a server that wants to see a client's certificate.
    pub fn wanting_clients(&self) -> Certificates {
        Certificates { wants_clients: true, ..self.clone() }
    }

    /// The authority's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// The server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// The server's key.
    pub fn key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    /// The client's certificate and key.
    pub fn client(&self) -> (PathBuf, PathBuf) {
        (self.folder.join("client.crt"), self.folder.join("client.key"))
    }

    pub(super) fn clients(&self) -> Option<PathBuf> {
        self.wants_clients.then(|| self.authority())
    }
}
