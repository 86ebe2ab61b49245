//! The session of a build: the engine asks this command for files, secrets and signatures, as a build needs them. Of
//! the context only files travel that the engine does not have yet.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::pin::Pin;

use bollard_buildkit_proto::fsutil::types::{Packet, packet::PacketType};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::file_sync_server::{FileSync, FileSyncServer};
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::{Ssh, SshServer};
use bollard_buildkit_proto::moby::sshforward::v1::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use sampan_ignore::Ignore;
use sampan_session::{LARGEST_MESSAGE, Selection, Tree, Upgraded};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::client::{Body, Client};
use crate::failure::{Failure, Result};

/// What the engine can have.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    /// Folders by the names that the engine uses: `context`, `dockerfile`.
    pub(super) folders: BTreeMap<String, PathBuf>,
    /// Secrets by their ids: where each is.
    pub(super) secrets: BTreeMap<String, Secret>,
    /// Sockets of agents by their ids.
    pub(super) agents: BTreeMap<String, PathBuf>,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Secret {
    /// In this file.
    File(PathBuf),
    /// In this variable.
    Variable(String),
}

/// Opens a session; gives its id. It lives as long as this command.
///
/// # Errors
/// The engine refuses.
pub(super) fn open(client: &Client, offer: Offer) -> Result<String> {
    let id = random_id()?;
    let mut headers = vec![
        ("Connection", "Upgrade".to_owned()),
        ("Upgrade", "h2c".to_owned()),
        ("X-Docker-Expose-Session-Uuid", id.clone()),
        ("X-Docker-Expose-Session-Name", "sampan".to_owned()),
        ("X-Docker-Expose-Session-Sharedkey", shared_key(&offer)?),
    ];
    let mut methods = vec!["/moby.filesync.v1.FileSync/DiffCopy"];
    if !offer.secrets.is_empty() {
        methods.push("/moby.buildkit.secrets.v1.Secrets/GetSecret");
    }
    if !offer.agents.is_empty() {
        methods.extend(["/moby.sshforward.v1.SSH/CheckAgent", "/moby.sshforward.v1.SSH/ForwardAgent"]);
    }
    headers.extend(methods.iter().map(|it| ("X-Docker-Expose-Session-Grpc-Method", (*it).to_owned())));
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let hijacked = client.hijack_at("/session", &headers, Body::None)?;
    let socket = hijacked.as_fd().try_clone_to_owned()?;
    let ahead = hijacked.ahead;
    // The socket's other handle must not end it; the thread has its own.
    std::thread::Builder::new().name("build-session".into()).spawn(move || run(socket, ahead, offer))?;
    Ok(id)
}

fn run(socket: OwnedFd, ahead: Vec<u8>, offer: Offer) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let served = runtime.map(|runtime| {
        runtime.block_on(async {
            rustix::io::ioctl_fionbio(&socket, true)?;
            let connection = Upgraded::new(socket, ahead).map_err(std::io::Error::other)?;
            let files = FileSyncServer::new(offer.clone()).max_decoding_message_size(LARGEST_MESSAGE);
            let routes = tonic::service::Routes::new(files)
                .add_service(SecretsServer::new(offer.clone()))
                .add_service(SshServer::new(offer));
            sampan_session::serve(connection, routes).await;
            Ok::<_, std::io::Error>(())
        })
    });
    if let Err(error) | Ok(Err(error)) = served {
        eprintln!("the engine cannot ask for the build's files: {error}");
    }
}

fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What builds of the same folder on the same machine have in common, so that the engine keeps what it got.
fn shared_key(offer: &Offer) -> Result<String> {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(machine);
    for folder in offer.folders.values() {
        hash.update(folder.canonicalize()?.as_os_str().as_encoded_bytes());
        hash.update([0]);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

type Many<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl FileSync for Offer {
    type DiffCopyStream = Many<Packet>;
    type TarStreamStream = Many<Packet>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let values = |name: &str| -> Vec<String> {
            let is_encoded = request.metadata().contains_key(format!("{name}-encoded").as_str());
            let values = request.metadata().get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.map(|value| if is_encoded { decode(value) } else { value.to_owned() }).collect()
        };
        let name = values("dir-name").into_iter().next().unwrap_or_default();
        let folder = self.folders.get(&name);
        let folder = folder.ok_or_else(|| Status::not_found(format!("no access allowed to dir {name:?}")))?;
        let root = File::open(folder)
            .map_err(|error| Status::not_found(format!("{}: {error}", folder.display())))?;
        let exclude = values("exclude-patterns");
        let selection = Selection {
            include: values("include-patterns"),
            exclude: Ignore::of(exclude.iter().map(String::as_str)),
            as_root: true,
        };
        let (out, mut packets) = mpsc::channel(64);
        let (asking, asked) = mpsc::unbounded_channel();
        let tree = Tree::new(root.into(), selection, out);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = tree.send(asked) {
                // The engine was told, or is gone.
                drop(error);
            }
        });
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(packet)) = incoming.message().await {
                let is_last = packet.r#type() == PacketType::PacketErr;
                if asking.send(packet).is_err() || is_last {
                    break;
                }
            }
        });
        let (answer, answers) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Some(packet) = packets.recv().await {
                if answer.send(Ok(packet)).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("files go one by one"))
    }
}

#[tonic::async_trait]
impl Secrets for Offer {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let data = match self.secrets.get(&id) {
            None => return Err(Status::not_found(format!("there is no secret {id:?}"))),
            Some(Secret::File(path)) => std::fs::read(path)
                .map_err(|error| Status::failed_precondition(format!("{}: {error}", path.display())))?,
            Some(Secret::Variable(name)) => std::env::var(name)
                .map_err(|_| Status::not_found(format!("the variable {name} is not set")))?
                .into_bytes(),
        };
        Ok(Response::new(GetSecretResponse { data }))
    }
}

#[tonic::async_trait]
impl Ssh for Offer {
    type ForwardAgentStream = Many<BytesMessage>;

    async fn check_agent(
        &self,
        request: Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        let id = request.into_inner().id;
        match self.agents.contains_key(&id) {
            true => Ok(Response::new(CheckAgentResponse {})),
            false => Err(Status::not_found(format!("there is no agent {id:?}"))),
        }
    }

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get("buildkit.ssh.id").and_then(|value| value.to_str().ok());
        let path = self.agents.get(id.unwrap_or("default"));
        let path = path.ok_or_else(|| Status::not_found("there is no such agent"))?;
        let agent = tokio::net::UnixStream::connect(path).await;
        let agent = agent.map_err(|error| Status::unavailable(format!("{}: {error}", path.display())))?;
        let (mut reader, mut writer) = agent.into_split();
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(message)) = incoming.message().await {
                if writer.write_all(&message.data).await.is_err() {
                    break;
                }
            }
        });
        let (answer, answers) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut data = vec![0; 16 << 10];
            while let Ok(count @ 1..) = reader.read(&mut data).await {
                if answer.send(Ok(BytesMessage { data: data[..count].to_vec() })).await.is_err() {
                    break;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}

/// A value as in the query of an address.
fn decode(value: &str) -> String {
    let mut out = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair = [rest.next(), rest.next()].map(Option::unwrap_or_default);
                let number =
                    std::str::from_utf8(&pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
                out.push(number.unwrap_or(b'%'));
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads `--secret id=ID[,src=FILE|env=NAME]`.
///
/// # Errors
/// A key that nobody knows, no id.
pub(super) fn secret(text: &str) -> Result<(String, Secret)> {
    let (mut id, mut file, mut variable) = (String::new(), None, None);
    let mut is_variable = false;
    for field in text.split(',') {
        let (key, value) = field
            .split_once('=')
            .ok_or_else(|| Failure::message(format!("invalid field '{field}' must be a key=value pair")))?;
        match key {
            "id" => id = value.to_owned(),
            "src" | "source" => file = Some(value.to_owned()),
            "env" => variable = Some(value.to_owned()),
            "type" if value == "env" => is_variable = true,
            "type" if value == "file" => {}
            _ => return Err(Failure::message(format!("unexpected key '{key}' in '{field}'"))),
        }
    }
    let place = match (file, variable) {
        (Some(name), None) if is_variable => Secret::Variable(name),
        (Some(path), _) => Secret::File(path.into()),
        (None, Some(name)) => Secret::Variable(name),
        (None, None) if std::env::var_os(&id).is_some() => Secret::Variable(id.clone()),
        (None, None) => Secret::File(id.clone().into()),
    };
    if id.is_empty() {
        return Err(Failure::message(format!("invalid secret {text:?}: it needs an id")));
    }
    if let Secret::File(path) = &place
        && !path.exists()
    {
        return Err(Failure::message(format!(
            "failed to stat {}: no such file or directory",
            path.display()
        )));
    }
    Ok((id, place))
}

/// Reads `--ssh default|ID[=SOCKET]`.
///
/// # Errors
/// There is no agent.
pub(super) fn agent(text: &str) -> Result<(String, PathBuf)> {
    let (id, path) = text.split_once('=').map_or((text, None), |(id, path)| (id, Some(PathBuf::from(path))));
    let path = path.or_else(|| std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from)).ok_or_else(|| {
        Failure::message(format!(
            "invalid empty ssh agent socket: start an agent, or name its socket: --ssh {id}=PATH"
        ))
    })?;
    if path.is_file() {
        return Err(Failure::message(format!(
            "{} is a key: add it to an agent (ssh-add), and give --ssh {id}",
            path.display()
        )));
    }
    Ok((id.to_owned(), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_values_are_read() {
        assert_eq!(secret("id=a,env=B").expect("secret").1, Secret::Variable("B".into()));
        assert_eq!(secret("id=a,src=/dev/null").expect("secret").1, Secret::File("/dev/null".into()));
        assert_eq!(secret("id=a,type=env,src=B").expect("secret").1, Secret::Variable("B".into()));
        for wrong in ["a", "src=/dev/null", "id=a,what=x", "id=a,src=/none"] {
            assert!(secret(wrong).is_err(), "{wrong}");
        }
        assert_eq!(decode("%C3%A4+b%2F*"), "ä b/*");
    }
}
