//! Taking files from a client. It sends what it has; we ask for the contents of those that are not here as they are
//! there. Facts about the protocol: `tonistiigi/fsutil`, head of receive.go.

use super::disk::Tree;
use crate::connection::{Caller, LARGEST_MESSAGE, origin};
use crate::failure::client_failed;
use bollard_buildkit_proto::fsutil::types::{Packet, packet::PacketType};
use bollard_buildkit_proto::moby::filesync::v1::file_sync_client::FileSyncClient;
use sampan_error::{Error, Result};
use std::path::Path;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Request;
use tonic::metadata::MetadataValue;

/// Which files are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The client's name of the folder.
    pub folder: String,
    /// Only these, when there are any.
    pub include: Vec<String>,
    /// All but these.
    pub exclude: Vec<String>,
}

/// Makes a folder the same as the client's. Files that are the same already are not sent; others get a new inode.
/// Gives how many bytes of files came.
///
/// # Errors
/// The client refuses or leaves; no space.
pub async fn receive(caller: Caller, wanted: &Wanted, folder: &Path) -> Result<u64> {
    let what = format!("the files of {:?} cannot be had from the client", wanted.folder);
    let (answers, requests) = mpsc::unbounded_channel::<Packet>();
    let mut request = Request::new(UnboundedReceiverStream::new(requests));
    let headers = [
        ("dir-name", std::slice::from_ref(&wanted.folder)),
        ("include-patterns", &wanted.include[..]),
        ("exclude-patterns", &wanted.exclude[..]),
    ];
    for (name, values) in headers {
        add(request.metadata_mut(), name, values)?;
    }
    let mut client = FileSyncClient::with_origin(caller, origin()).max_decoding_message_size(LARGEST_MESSAGE);
    let mut incoming =
        client.diff_copy(request).await.map_err(|status| client_failed(&what, &status))?.into_inner();
    let (to_disk, from_client) = mpsc::channel(256);
    let mut tree = Tree::open(folder)?;
    let disk = tokio::task::spawn_blocking(move || tree.write(from_client, &answers));
    let mut bytes = 0;
    loop {
        let packet = incoming.message().await.map_err(|status| client_failed(&what, &status))?;
        let Some(packet) = packet else { break };
        bytes += packet.data.len() as u64;
        match packet.r#type() {
            PacketType::PacketErr => {
                let said = String::from_utf8_lossy(&packet.data).into_owned();
                return Err(Error::invalid(format!("{what}: {said}")));
            }
            PacketType::PacketFin => break,
            // The disk's side has ended: it says why.
            _ if to_disk.send(packet).await.is_err() => break,
            _ => {}
        }
    }
    drop(to_disk);
    let written = disk.await;
    written.map_err(|panic| Error::internal("files of a client could not be written").caused_by(panic))??;
    Ok(bytes)
}

/// Adds a header with several values. What is no ASCII travels encoded, and so does everything beside it.
fn add(metadata: &mut tonic::metadata::MetadataMap, name: &'static str, values: &[String]) -> Result<()> {
    let is_encoded = values.iter().any(|value| !value.is_ascii());
    for value in values {
        let value = if is_encoded { encode(value) } else { value.clone() };
        let value = MetadataValue::try_from(value.as_str()).map_err(|_| {
            Error::invalid(format!("{value:?} cannot be asked for: it has control characters"))
        })?;
        metadata.append(name, value);
    }
    if is_encoded {
        let key = format!("{name}-encoded");
        let key = tonic::metadata::MetadataKey::from_bytes(key.as_bytes())
            .map_err(|error| Error::internal("a header has a bad name").caused_by(error))?;
        metadata.insert(key, MetadataValue::from_static("1"));
    }
    Ok(())
}

/// A value as in the query of an address.
fn encode(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn patterns_of_other_letters_are_encoded() {
        assert_eq!(encode("ä b/*.md"), "%C3%A4+b%2F%2A.md");
    }
}
