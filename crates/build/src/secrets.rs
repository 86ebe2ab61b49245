//! What a RUN step sees and no image keeps: secrets, and the agent that signs for SSH.

use crate::build::Build;
use crate::client::Client;
use crate::mounts::{Mounts, request};
use sampan_dockerfile::Mount;
use sampan_error::{Context, Error, Result};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// Where secrets are seen, unless the Dockerfile says otherwise (BuildKit's default).
const SECRETS: &str = "/run/secrets";
/// The same for sockets of agents; their number follows.
const AGENTS: &str = "/run/buildkit/ssh_agent";

/// A folder in memory that goes with the step.
pub(crate) struct Private {
    folder: PathBuf,
    /// Connects programs of the step with the agent.
    forwarding: Option<JoinHandle<()>>,
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Some(forwarding) = &self.forwarding {
            forwarding.abort();
        }
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "what a step of a build saw stays until the next start");
        }
    }
}

impl Build {
    /// `--mount=type=secret`
    pub(crate) async fn secret(&self, mount: &Mount, ready: &mut Mounts) -> Result<()> {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let id = if mount.id.is_empty() { name(&mount.target) } else { mount.id.clone() };
        let Some(value) = self.client.secret(&id).await? else {
            return match mount.required {
                true => Err(Error::invalid(format!(
                    "secret {id}: not found: give it with --secret id={id},src=FILE"
                ))),
                // Without one the program sees nothing there.
                false => Ok(()),
            };
        };
        if !mount.env.is_empty() {
            let text = String::from_utf8(value.clone())
                .ok()
                .filter(|text| !text.contains('\0'))
                .ok_or_else(|| Error::invalid(format!("secret {id}: it is no text, so it is no variable")))?;
            ready.env.push(format!("{}={text}", mount.env));
            if mount.target.is_empty() {
                return Ok(());
            }
        }
        let private = self.private(ready)?;
        let path = private.join("secret");
        write(&path, &value)?;
        properties(&path, mount, 0o400)?;
        let target =
            if mount.target.is_empty() { format!("{SECRETS}/{}", name(&id)) } else { mount.target.clone() };
        self.see(&path, target, mount, ready);
        Ok(())
    }

    /// `--mount=type=ssh`
    pub(crate) async fn agent(&self, mount: &Mount, ready: &mut Mounts) -> Result<()> {
        let id = if mount.id.is_empty() { "default" } else { &mount.id };
        if !self.client.has_agent(id).await? {
            return match mount.required {
                true => Err(Error::invalid(format!(
                    "no SSH key {id:?} forwarded from the client: use --ssh {id}"
                ))),
                false => Ok(()),
            };
        }
        let path = self.private(ready)?.join("agent");
        let listener = UnixListener::bind(&path).context("a socket for an agent cannot be made")?;
        properties(&path, mount, 0o600)?;
        if let Some(private) = ready.private.last_mut() {
            private.forwarding =
                Some(tokio::spawn(forward(listener, Arc::clone(&self.client), id.to_owned())));
        }
        let number = ready.env.iter().filter(|pair| pair.starts_with("SSH_AUTH_SOCK=")).count();
        let target =
            if mount.target.is_empty() { format!("{AGENTS}.{number}") } else { mount.target.clone() };
        ready.env.push(format!("SSH_AUTH_SOCK={target}"));
        self.see(&path, target, mount, ready);
        Ok(())
    }

    fn private(&self, ready: &mut Mounts) -> Result<PathBuf> {
        let folder = self.builder.engine.build_private()?;
        ready.private.push(Private { folder: folder.clone(), forwarding: None });
        Ok(folder)
    }

    fn see(&self, path: &Path, target: String, mount: &Mount, ready: &mut Mounts) {
        let mount = Mount { target, writable: false, ..mount.clone() };
        ready.requests.push(request(path, &mount));
        ready.targets.push(mount.target);
    }
}

fn write(path: &Path, value: &[u8]) -> Result<()> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, value)).context("a secret cannot be given")
}

/// Mode and owner as the mount says, else `mode` and root.
fn properties(path: &Path, mount: &Mount, mode: u32) -> Result<()> {
    let mode = match mount.mode.as_str() {
        "" => mode,
        text => {
            u32::from_str_radix(text, 8).map_err(|_| Error::invalid(format!("{text:?} is no octal mode")))?
        }
    };
    let id = |text: &str| match text {
        "" => Ok(0),
        text => text.parse().map_err(|_| Error::invalid(format!("{text:?} is no id"))),
    };
    chown(path, Some(id(&mount.user)?), Some(id(&mount.group)?))
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)))
        .context("a secret cannot be given")
}

/// Connects everyone who comes to the socket with the client's agent.
async fn forward(listener: UnixListener, client: Arc<dyn Client>, id: String) {
    while let Ok((program, _)) = listener.accept().await {
        let (client, id) = (Arc::clone(&client), id.clone());
        tokio::spawn(async move {
            if let Err(error) = client.forward(&id, program).await {
                tracing::debug!(%error, "a connection to an agent ended");
            }
        });
    }
}
