//! Contexts that are not a folder of the client's: what it uploads, and what is fetched from elsewhere.

use crate::builds::Running;
use crate::sessions::Open;
use bollard_buildkit_proto::moby::upload::v1::BytesMessage;
use bollard_buildkit_proto::moby::upload::v1::upload_client::UploadClient;
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use sampan_build::{Builder, Context};
use sampan_engine::{ByteStream, blocking_reader};
use sampan_error::{Error, Result};
use sampan_session::{LARGEST_MESSAGE, client_failed, origin};
use tonic::Request;
use tonic::metadata::MetadataValue;

/// The host that stands for the client's session.
const SESSION: &str = "buildkit-session";

/// Fetches a context.
///
/// # Errors
/// It is not there, or is no archive.
pub(crate) async fn fetch(
    builder: &Builder,
    open: &Open,
    running: &Running,
    address: &str,
) -> Result<Context> {
    let uploaded = address.strip_prefix("http://").and_then(|rest| rest.strip_prefix(SESSION));
    let shown = format!("[internal] load remote build context from {address}");
    match uploaded {
        Some(path) => {
            let uploading = upload(builder, open, path).boxed();
            running.progress.task("[internal] load remote build context", uploading).await
        }
        None => running.progress.task(&shown, builder.fetch(address).boxed()).await,
    }
}

/// What the client gives as a stream: an archive that it got from somewhere.
async fn upload(builder: &Builder, open: &Open, path: &str) -> Result<Context> {
    let header = |text: &str| {
        MetadataValue::try_from(text).map_err(|_| Error::invalid(format!("{text:?} is no path of an upload")))
    };
    let mut request = Request::new(futures_util::stream::pending::<BytesMessage>());
    request.metadata_mut().insert("urlpath", header(path)?);
    request.metadata_mut().insert("urlhost", header(SESSION)?);
    let mut client =
        UploadClient::with_origin(open.caller.clone(), origin()).max_decoding_message_size(LARGEST_MESSAGE);
    let what = "the context cannot be had from the client";
    let incoming = client.pull(request).await.map_err(|status| client_failed(what, &status))?.into_inner();
    let bytes: ByteStream = incoming
        .map(move |message| match message {
            Ok(message) => Ok(Bytes::from(message.data)),
            Err(status) => Err(client_failed(what, &status)),
        })
        .boxed();
    let folder = builder.folder()?;
    let mut reader = blocking_reader(bytes);
    let unpacked = tokio::task::spawn_blocking(move || Context::unpack(&folder, &mut reader)).await;
    unpacked.map_err(|panic| Error::internal("the context could not be unpacked").caused_by(panic))?
}
