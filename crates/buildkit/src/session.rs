//! A build's client: whatever the build asks of it goes over its session.

use crate::progress::Progress;
use crate::sessions::Open;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::GetSecretRequest;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_client::SecretsClient;
use bollard_buildkit_proto::moby::filesync::v1::CredentialsRequest;
use bollard_buildkit_proto::moby::filesync::v1::auth_client::AuthClient;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_client::SshClient;
use bollard_buildkit_proto::moby::sshforward::v1::{BytesMessage, CheckAgentRequest};
use futures_util::FutureExt;
use sampan_build::{Answer, Builder, Client, Context};
use sampan_engine::Credentials;
use sampan_error::Result;
use sampan_session::{LARGEST_MESSAGE, Wanted, client_failed, origin};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request};

const FILES: &str = "/moby.filesync.v1.FileSync/DiffCopy";
const SECRETS: &str = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
const AGENT: &str = "/moby.sshforward.v1.SSH/ForwardAgent";
const CREDENTIALS: &str = "/moby.filesync.v1.Auth/Credentials";
/// Docker Hub's name in the configurations of clients.
const HUB: &str = "https://index.docker.io/v1/";

/// What taking the context is called.
const CONTEXT: &str = "[internal] load build context";

/// The client of one build.
pub(crate) struct Session {
    pub(crate) builder: Builder,
    pub(crate) open: Arc<Open>,
    pub(crate) progress: Arc<Progress>,
    /// The client's name for the folder of the context.
    pub(crate) folder: String,
    /// What stays out of it.
    pub(crate) exclude: Vec<String>,
    /// The client's names for folders of named contexts.
    pub(crate) named: BTreeMap<String, String>,
    /// The context, when it came from elsewhere.
    pub(crate) remote: Mutex<Option<Context>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Session {
    /// A client without a context.
    pub(crate) fn bare(builder: Builder, open: Arc<Open>, progress: Arc<Progress>) -> Self {
        Self {
            builder,
            open,
            progress,
            folder: String::new(),
            exclude: Vec::new(),
            named: BTreeMap::new(),
            remote: Mutex::default(),
        }
    }

    /// A folder of the client's, of which only what changed since the last time is sent.
    async fn folder(&self, task: &str, wanted: Wanted) -> Result<Context> {
        if self.open.shared_key.is_empty() {
            let context = Context::empty(&self.builder.folder()?)?;
            let bytes = sampan_session::receive(self.open.caller.clone(), &wanted, context.path()).await?;
            self.progress.transferred(task, bytes);
            return Ok(context);
        }
        let updating =
            self.builder.keep_context(&format!("{} {}", self.open.shared_key, wanted.folder)).await?;
        let bytes = sampan_session::receive(self.open.caller.clone(), &wanted, updating.folder()).await?;
        self.progress.transferred(task, bytes);
        updating.done()
    }
}

/// Some files of the client, for once.
pub(crate) async fn once(builder: &Builder, open: &Open, wanted: Wanted) -> Result<Context> {
    let context = Context::empty(&builder.folder()?)?;
    if !open.has(FILES) {
        return Ok(context);
    }
    sampan_session::receive(open.caller.clone(), &wanted, context.path()).await?;
    Ok(context)
}

impl Client for Session {
    fn context(&self) -> Answer<'_, Context> {
        let remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(remote) = remote {
            return Box::pin(async { Ok(remote) });
        }
        let wanted =
            Wanted { folder: self.folder.clone(), exclude: self.exclude.clone(), ..Wanted::default() };
        Box::pin(self.progress.task(CONTEXT, self.folder(CONTEXT, wanted).boxed()))
    }

    fn named_context<'a>(&'a self, name: &'a str) -> Answer<'a, Context> {
        Box::pin(async move {
            let folder = self.named.get(name).cloned().unwrap_or_else(|| name.to_owned());
            let ignored = Wanted {
                folder: folder.clone(),
                include: vec![".dockerignore".to_owned()],
                ..Wanted::default()
            };
            let ignored = once(&self.builder, &self.open, ignored).await?;
            let text = ignored.text(".dockerignore").unwrap_or_default();
            let exclude = sampan_ignore::Ignore::parse(&text).patterns();
            let wanted = Wanted { folder, exclude, ..Wanted::default() };
            let task = format!("[context {name}] load from client");
            self.progress.task(&task, self.folder(&task, wanted).boxed()).await
        })
    }

    fn secret<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            if !self.open.has(SECRETS) {
                return Ok(None);
            }
            let mut client = SecretsClient::with_origin(self.open.caller.clone(), origin());
            let asked = client.get_secret(GetSecretRequest { id: id.to_owned(), ..Default::default() }).await;
            match asked {
                Ok(answer) => Ok(Some(answer.into_inner().data)),
                Err(status) if status.code() == Code::NotFound => Ok(None),
                Err(status) => Err(client_failed(&format!("the secret {id:?} cannot be had"), &status)),
            }
        })
    }

    fn has_agent<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            if !self.open.has(AGENT) {
                return Ok(false);
            }
            let mut client = SshClient::with_origin(self.open.caller.clone(), origin());
            match client.check_agent(CheckAgentRequest { id: id.to_owned() }).await {
                Ok(_) => Ok(true),
                Err(status) if status.code() == Code::NotFound => Ok(false),
                // Clients answer so when the id is unknown to them.
                Err(status) if status.message().contains("unset ssh forward key") => Ok(false),
                Err(status) => Err(client_failed(&format!("the agent {id:?} cannot be had"), &status)),
            }
        })
    }

    fn forward<'a>(&'a self, id: &'a str, program: UnixStream) -> Answer<'a, ()> {
        Box::pin(async move {
            let (mut reader, mut writer) = program.into_split();
            let (out, messages) = tokio::sync::mpsc::channel(4);
            let asking = async move {
                let mut data = vec![0; 16 << 10];
                while let Ok(count @ 1..) = reader.read(&mut data).await {
                    if out.send(BytesMessage { data: data[..count].to_vec() }).await.is_err() {
                        break;
                    }
                }
            };
            let mut request = Request::new(ReceiverStream::new(messages));
            let value = tonic::metadata::MetadataValue::try_from(id)
                .map_err(|_| sampan_error::Error::invalid(format!("{id:?} is no name of an agent")))?;
            request.metadata_mut().insert("buildkit.ssh.id", value);
            let mut client = SshClient::with_origin(self.open.caller.clone(), origin())
                .max_decoding_message_size(LARGEST_MESSAGE);
            let what = "the agent does not answer";
            let answering = async {
                let answer = client.forward_agent(request).await;
                let mut incoming = answer.map_err(|status| client_failed(what, &status))?.into_inner();
                while let Some(message) =
                    incoming.message().await.map_err(|status| client_failed(what, &status))?
                {
                    writer.write_all(&message.data).await?;
                }
                Ok(())
            };
            tokio::join!(asking, answering).1
        })
    }

    fn credentials<'a>(&'a self, registry: &'a str) -> Answer<'a, Option<Credentials>> {
        Box::pin(async move {
            if !self.open.has(CREDENTIALS) {
                return Ok(None);
            }
            let mut client = AuthClient::with_origin(self.open.caller.clone(), origin());
            // The client knows Docker Hub by its address; which that is, is its own matter.
            let host = if registry == "docker.io" { HUB } else { registry };
            let answer = client.credentials(CredentialsRequest { host: host.to_owned() }).await;
            let answer = answer
                .map_err(|status| client_failed("credentials cannot be had from the client", &status))?
                .into_inner();
            let is_token = answer.username.is_empty() && !answer.secret.is_empty();
            let mut credentials = Credentials { server: registry.to_owned(), ..Credentials::default() };
            if is_token {
                credentials.identity_token = answer.secret;
            } else {
                (credentials.username, credentials.password) = (answer.username, answer.secret);
            }
            Ok(Some(credentials))
        })
    }
}
