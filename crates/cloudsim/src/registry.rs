//! ECR's data plane: Sampan's own registry, with ECR's kind of login.

use std::net::SocketAddr;
use std::path::Path;

use sampan_error::{Context, Error, Result};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::keys::write_private;

/// The registry that runs with the simulation.
pub(crate) struct Registry {
    /// `127.0.0.1:port`
    pub(crate) host: String,
    /// The password of the user `AWS`, another one after each start.
    pub(crate) token: String,
}

impl Registry {
    /// Starts it in a folder, at the port of last time if it can.
    ///
    /// # Errors
    /// The folder or the address cannot be used.
    pub(crate) async fn start(folder: &Path, end: CancellationToken) -> Result<Self> {
        let token = clock::random(64);
        // The cheapest hash will do: the password is random.
        let hash = bcrypt::hash(&token, 4).map_err(|error| Error::internal(error.to_string()))?;
        let users = folder.join("registry.users");
        write_private(&users, format!("AWS:{hash}\n").as_bytes())?;
        // Images are named by the address: it should stay over restarts.
        let kept = folder.join("registry.address");
        let last = std::fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse().ok());
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut address = last.unwrap_or(any);
        if tokio::net::TcpListener::bind(address).await.is_err() {
            address = any;
        }
        let settings = sampan_registry_server::Settings {
            root: folder.join("registry"),
            addresses: vec![address],
            htpasswd: Some(users),
            ..Default::default()
        };
        let (ready, listening) = oneshot::channel();
        let serving = tokio::spawn(sampan_registry_server::serve(
            settings,
            async move { end.cancelled().await },
            |addresses| {
                // Whoever waits is below; nobody else can have gone away.
                let _ = ready.send(addresses.first().copied());
            },
        ));
        let Ok(Some(address)) = listening.await else {
            let failed = serving.await.map_err(|error| Error::internal(error.to_string()))?;
            return Err(failed.err().unwrap_or_else(|| Error::internal("the registry ended")));
        };
        std::fs::write(&kept, address.to_string()).context("the registry's address cannot be kept")?;
        Ok(Self { host: address.to_string(), token })
    }
}
