//! Handing a tree of files to a client, which asks for the contents that it wants.

use super::mode;
use crate::connection::{Caller, LARGEST_MESSAGE};
use crate::export::SEND;
use crate::failure;
use crate::files::receive::origin;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat, packet::PacketType};
use http::uri::PathAndQuery;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use sampan_error::{Error, Result};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::metadata::MetadataValue;

/// Bytes of a file in one packet.
const CHUNK: usize = 32 << 10;

/// Sends everything below a root to the client's output of this number.
///
/// # Errors
/// The client refuses or leaves; a file cannot be read.
pub(crate) async fn send(caller: Caller, output: usize, root: OwnedFd) -> Result<()> {
    let what = "the result cannot be handed to the client";
    let (out, packets) = mpsc::channel::<Packet>(64);
    let (asking, asked) = mpsc::unbounded_channel::<Packet>();
    let mut request = Request::new(ReceiverStream::new(packets));
    request.metadata_mut().insert("buildkit-attachable-exporter-id", MetadataValue::from(output));
    let reading = tokio::task::spawn_blocking(move || Sender { root, out, files: HashMap::new() }.run(asked));
    let mut client =
        tonic::client::Grpc::with_origin(caller, origin()).max_decoding_message_size(LARGEST_MESSAGE);
    client.ready().await.map_err(|error| Error::unavailable("the client has left").caused_by(error))?;
    // The same method takes packets for a folder and bytes for a file.
    let codec = tonic_prost::ProstCodec::<Packet, Packet>::default();
    let mut incoming = client
        .streaming(request, PathAndQuery::from_static(SEND), codec)
        .await
        .map_err(|status| failure::error(what, &status))?
        .into_inner();
    while let Some(packet) = incoming.message().await.map_err(|status| failure::error(what, &status))? {
        if packet.r#type() == PacketType::PacketErr {
            let said = String::from_utf8_lossy(&packet.data).into_owned();
            return Err(Error::invalid(format!("{what}: {said}")));
        }
        // The reading side has ended when it cannot take this: it says why.
        if asking.send(packet).is_err() {
            break;
        }
    }
    drop(asking);
    reading.await.map_err(|panic| Error::internal("a result could not be read").caused_by(panic))?
}

struct Sender {
    root: OwnedFd,
    out: mpsc::Sender<Packet>,
    files: HashMap<u32, String>,
}

impl Sender {
    fn run(mut self, mut asked: mpsc::UnboundedReceiver<Packet>) -> Result<()> {
        let mut next = 0;
        self.list("", &mut next)?;
        self.put(Packet::default())?;
        while let Some(packet) = asked.blocking_recv() {
            match packet.r#type() {
                PacketType::PacketReq => self.contents(packet.id)?,
                PacketType::PacketFin => {
                    return self.put(Packet { r#type: PacketType::PacketFin.into(), ..Packet::default() });
                }
                _ => {}
            }
        }
        Err(Error::unavailable("the client left before it had all files"))
    }

    fn list(&mut self, folder: &str, next: &mut u32) -> Result<()> {
        let opened = self.open(if folder.is_empty() { "." } else { folder }, OFlags::DIRECTORY)?;
        let mut names: Vec<_> = rustix::fs::Dir::read_from(&opened)
            .map_err(io)?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .filter(|name| name != "." && name != "..")
            .collect();
        names.sort();
        for name in names {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let found = rustix::fs::statat(&self.root, &path, AtFlags::SYMLINK_NOFOLLOW).map_err(io)?;
            let Some(stat) = self.stat(&path, &found)? else { continue };
            let is_folder = stat.mode & mode::DIRECTORY != 0;
            if stat.mode & mode::KIND == 0 {
                self.files.insert(*next, path.clone());
            }
            *next += 1;
            self.put(Packet { stat: Some(stat), ..Packet::default() })?;
            if is_folder {
                self.list(&path, next)?;
            }
        }
        Ok(())
    }

    /// What is told of a file; devices, pipes and sockets are left out.
    fn stat(&self, path: &str, found: &rustix::fs::Stat) -> Result<Option<Stat>> {
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::Directory => mode::DIRECTORY,
            FileType::Symlink => mode::SYMLINK,
            FileType::RegularFile => 0,
            _ => return Ok(None),
        };
        let linkname = match kind {
            mode::SYMLINK => rustix::fs::readlinkat(&self.root, path, Vec::new())
                .map_err(io)?
                .to_string_lossy()
                .into_owned(),
            _ => String::new(),
        };
        let seconds = found.st_mtime.saturating_mul(1_000_000_000);
        Ok(Some(Stat {
            path: path.to_owned(),
            mode: kind | mode::from_permissions(found.st_mode),
            uid: found.st_uid,
            gid: found.st_gid,
            size: if kind == 0 { found.st_size } else { 0 },
            mod_time: seconds.saturating_add_unsigned(found.st_mtime_nsec),
            linkname,
            ..Stat::default()
        }))
    }

    fn contents(&mut self, id: u32) -> Result<()> {
        let Some(path) = self.files.remove(&id) else {
            return Err(Error::invalid("the client asked for a file that is none"));
        };
        let mut file = File::from(self.open(&path, OFlags::empty())?);
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = file.read(&mut buffer)?;
            let data = buffer[..count].to_vec();
            self.put(Packet { r#type: PacketType::PacketData.into(), id, data, ..Packet::default() })?;
            if count == 0 {
                return Ok(());
            }
        }
    }

    fn open(&self, path: &str, more: OFlags) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | more;
        rustix::fs::openat(&self.root, path, flags, Mode::empty()).map_err(io)
    }

    fn put(&self, packet: Packet) -> Result<()> {
        self.out
            .blocking_send(packet)
            .map_err(|_| Error::unavailable("the client left before it had all files"))
    }
}

fn io(error: rustix::io::Errno) -> Error {
    std::io::Error::from(error).into()
}
