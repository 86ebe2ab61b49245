//! What becomes of a finished image: names, folders and archives for the client, a registry.

use crate::BuildKit;
use crate::builds::Running;
use crate::session::Session;
use crate::sessions::Open;
use bollard_buildkit_proto::moby::buildkit::v1::{Exporter, SolveRequest};
use bollard_buildkit_proto::moby::filesync::v1::BytesMessage;
use bollard_buildkit_proto::moby::filesync::v1::file_send_client::FileSendClient;
use futures_util::{FutureExt, StreamExt};
use sampan_build::{Builder, Client};
use sampan_engine::{ByteStream, PushRequest, Steps};
use sampan_error::{Context as _, Error, Result};
use sampan_image::Reference;
use sampan_session::{LARGEST_MESSAGE, SEND_FILES, client_failed, origin};
use std::collections::HashMap;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::metadata::MetadataValue;

/// Hands an image over in every way that was asked for; gives what the client is told of it.
///
/// # Errors
/// A way that nobody knows, a bad name, a client or a registry that refuses.
pub(crate) async fn all(
    kit: &BuildKit,
    running: &Running,
    image: Option<&str>,
    request: &SolveRequest,
) -> Result<HashMap<String, String>> {
    let mut told = HashMap::new();
    let Some(image) = image else { return Ok(told) };
    told.insert("containerimage.digest".to_owned(), image.to_owned());
    told.insert("containerimage.config.digest".to_owned(), image.to_owned());
    let mut exporters = request.exporters.clone();
    if exporters.is_empty() && !request.exporter_deprecated.is_empty() {
        exporters.push(Exporter {
            r#type: request.exporter_deprecated.clone(),
            attrs: request.exporter_attrs_deprecated.clone(),
        });
    }
    for (index, exporter) in exporters.iter().enumerate() {
        let names = names(exporter)?;
        let way = Way { kit, running, image, index, names: &names };
        match exporter.r#type.as_str() {
            "moby" | "image" => way.image(exporter).await?,
            "docker" | "oci" => way.archive(&exporter.r#type).await?,
            "tar" => way.tar().await?,
            "local" => way.folder().await?,
            other => {
                return Err(Error::not_implemented(format!(
                    "the output {other:?} is not possible: image, docker, oci, tar and local are"
                )));
            }
        }
        if !names.is_empty() {
            told.insert("image.name".to_owned(), names.join(","));
        }
    }
    Ok(told)
}

/// The names of a result, in full.
fn names(exporter: &Exporter) -> Result<Vec<String>> {
    let names = exporter.attrs.get("name").map(String::as_str).unwrap_or_default();
    let whole = |name: &str| {
        let name = Reference::parse(name).map_err(|error| Error::invalid(error.to_string()))?;
        Ok(name.or_latest().to_string())
    };
    names.split(',').filter(|name| !name.is_empty()).map(whole).collect()
}

/// One way for one image.
struct Way<'a> {
    kit: &'a BuildKit,
    running: &'a Running,
    image: &'a str,
    /// Which of the client's outputs it is.
    index: usize,
    names: &'a [String],
}

impl Way<'_> {
    /// Into the engine, under its names.
    async fn image(&self, exporter: &Exporter) -> Result<()> {
        let progress = &self.running.progress;
        let named = async {
            for name in self.names {
                self.kit.engine.images().tag(self.image, name).await?;
            }
            Ok::<_, Error>(())
        };
        progress.task("exporting to image", named.boxed()).await?;
        if exporter.attrs.get("push").is_none_or(|push| !matches!(push.as_str(), "true" | "1")) {
            return Ok(());
        }
        for name in self.names {
            let shown = format!("pushing {name}");
            progress.task(&shown, self.push(name).boxed()).await?;
        }
        Ok(())
    }

    async fn push(&self, name: &str) -> Result<()> {
        let reference =
            Reference::parse(name).map_err(|error| Error::invalid(error.to_string()))?.or_latest();
        let session = self.session().await?;
        let credentials = session.credentials(reference.domain()).await?.unwrap_or_default();
        let request = PushRequest { image: reference.familiar(), credentials, ..PushRequest::default() };
        let (steps, _) = tokio::sync::mpsc::unbounded_channel();
        self.kit.engine.images().push(request, Steps::new(steps)).await?;
        Ok(())
    }

    /// As an archive of the whole image.
    async fn archive(&self, kind: &str) -> Result<()> {
        let open = self.open().await?;
        let images = self.kit.engine.images();
        for name in self.names {
            images.tag(self.image, name).await?;
        }
        let names = if self.names.is_empty() { vec![self.image.to_owned()] } else { self.names.to_vec() };
        let bytes = images.save(names).await?;
        let shown = format!("exporting to {kind} image format");
        self.running.progress.task(&shown, self.bytes(&open, bytes).boxed()).await
    }

    /// As an archive of its files.
    async fn tar(&self) -> Result<()> {
        let open = self.open().await?;
        let bytes = self.kit.engine.images().files(self.image).await?;
        self.running.progress.task("sending tarball", self.bytes(&open, bytes).boxed()).await
    }

    /// As a folder of its files.
    async fn folder(&self) -> Result<()> {
        let open = self.open().await?;
        let root = self.kit.engine.build_view(self.image)?;
        let sent = sampan_session::send(open.caller.clone(), self.index, root).boxed();
        self.running.progress.task("copying files", sent).await
    }

    async fn bytes(&self, open: &Open, mut bytes: ByteStream) -> Result<()> {
        let (out, messages) = tokio::sync::mpsc::channel(16);
        let reading = async move {
            while let Some(chunk) = bytes.next().await {
                // The client's own failure is the one to tell.
                if out.send(BytesMessage { data: chunk?.to_vec() }).await.is_err() {
                    break;
                }
            }
            Ok::<_, Error>(())
        };
        let mut request = Request::new(ReceiverStream::new(messages));
        request.metadata_mut().insert("buildkit-attachable-exporter-id", MetadataValue::from(self.index));
        let mut client = FileSendClient::with_origin(open.caller.clone(), origin())
            .max_encoding_message_size(LARGEST_MESSAGE);
        let failed = |status| client_failed("the result cannot be handed to the client", &status);
        let sending = async {
            let mut answer = client.diff_copy(request).await.map_err(failed)?.into_inner();
            while answer.message().await.map_err(failed)?.is_some() {}
            Ok::<_, Error>(())
        };
        let (read, sent) = tokio::join!(reading, sending);
        read.and(sent)
    }

    async fn open(&self) -> Result<std::sync::Arc<Open>> {
        let open = self.kit.shared.sessions.find(&self.running.session).await?;
        if !open.has(SEND_FILES) {
            return Err(Error::invalid("the client takes no files: name an output with dest="));
        }
        Ok(open)
    }

    async fn session(&self) -> Result<Session> {
        let open = self.kit.shared.sessions.find(&self.running.session).await?;
        let builder = Builder::new(&self.kit.engine).context("a builder cannot be made")?;
        Ok(Session::bare(builder, open, std::sync::Arc::clone(&self.running.progress)))
    }
}
