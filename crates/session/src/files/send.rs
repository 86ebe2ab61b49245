//! Handing a tree of files to a client, which asks for the contents that it wants.

use super::mode;
use crate::connection::{Caller, LARGEST_MESSAGE, origin};
use crate::failure::client_failed;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat, packet::PacketType};
use http::uri::PathAndQuery;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use sampan_error::{Error, Result};
use sampan_ignore::Ignore;
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

/// The method by which results go to a client.
pub const SEND_FILES: &str = "/moby.filesync.v1.FileSend/DiffCopy";

/// Which files of a tree are told of.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only these, when there are any, with the folders above and everything below them.
    pub include: Vec<String>,
    /// All but these.
    pub exclude: Ignore,
    /// Everything is root's, as in every context.
    pub as_root: bool,
}

impl Selection {
    fn has(&self, path: &str) -> bool {
        !self.exclude.excludes(path)
            && (self.include.is_empty()
                || self.include.iter().any(|wanted| {
                    let is_above = wanted.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
                    let is_below =
                        path.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('/'));
                    is_above || is_below || sampan_ignore::matches(wanted, path)
                }))
    }
}

/// A tree that is handed over: the sending side of the protocol, which knows nothing of how packets travel.
pub struct Tree {
    root: OwnedFd,
    selection: Selection,
    out: mpsc::Sender<Packet>,
    files: HashMap<u32, String>,
}

/// Sends everything below a root to the client's output of this number.
///
/// # Errors
/// The client refuses or leaves; a file cannot be read.
pub async fn send(caller: Caller, output: usize, root: OwnedFd) -> Result<()> {
    let what = "the result cannot be handed to the client";
    let (out, packets) = mpsc::channel::<Packet>(64);
    let (asking, asked) = mpsc::unbounded_channel::<Packet>();
    let mut request = Request::new(ReceiverStream::new(packets));
    request.metadata_mut().insert("buildkit-attachable-exporter-id", MetadataValue::from(output));
    let tree = Tree::new(root, Selection::default(), out);
    let reading = tokio::task::spawn_blocking(move || tree.send(asked));
    let mut client =
        tonic::client::Grpc::with_origin(caller, origin()).max_decoding_message_size(LARGEST_MESSAGE);
    client.ready().await.map_err(|error| Error::unavailable("the client has left").caused_by(error))?;
    // The same method takes packets for a folder and bytes for a file.
    let codec = tonic_prost::ProstCodec::<Packet, Packet>::default();
    let mut incoming = client
        .streaming(request, PathAndQuery::from_static(SEND_FILES), codec)
        .await
        .map_err(|status| client_failed(what, &status))?
        .into_inner();
    while let Some(packet) = incoming.message().await.map_err(|status| client_failed(what, &status))? {
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

impl Tree {
    /// Everything selected below a root; packets for the other side go to `out`.
    #[must_use]
    pub fn new(root: OwnedFd, selection: Selection, out: mpsc::Sender<Packet>) -> Self {
        Self { root, selection, out, files: HashMap::new() }
    }

    /// Tells what there is, then gives the contents that are asked for, until the other side has what it wants. Blocks.
    ///
    /// # Errors
    /// The other side leaves; a file cannot be read.
    pub fn send(mut self, mut asked: mpsc::UnboundedReceiver<Packet>) -> Result<()> {
        let told = self.tell();
        if let Err(error) = &told {
            let data = error.to_string().into_bytes();
            // Whoever is gone need not know.
            let _ = self.put(Packet { r#type: PacketType::PacketErr.into(), data, ..Packet::default() });
        }
        told?;
        while let Some(packet) = asked.blocking_recv() {
            match packet.r#type() {
                PacketType::PacketReq => self.contents(packet.id)?,
                PacketType::PacketFin => {
                    return self.put(Packet { r#type: PacketType::PacketFin.into(), ..Packet::default() });
                }
                _ => {}
            }
        }
        Err(Error::unavailable("the other side left before it had all files"))
    }

    fn tell(&mut self) -> Result<()> {
        let mut next = 0;
        self.list("", &mut next)?;
        self.put(Packet::default())
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
            let is_selected = self.selection.has(&path);
            if !is_selected && !self.selection.exclude.has_exceptions() {
                continue;
            }
            let found = rustix::fs::statat(&self.root, &path, AtFlags::SYMLINK_NOFOLLOW).map_err(io)?;
            let Some(stat) = self.stat(&path, &found)? else { continue };
            let is_folder = stat.mode & mode::DIRECTORY != 0;
            let is_told = is_selected || (is_folder && self.has_selected(&path)?);
            if !is_told {
                continue;
            }
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

    /// Whether something below a folder that is left out comes along all the same.
    fn has_selected(&self, folder: &str) -> Result<bool> {
        let opened = self.open(folder, OFlags::DIRECTORY)?;
        for entry in rustix::fs::Dir::read_from(&opened).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy();
            if name == "." || name == ".." {
                continue;
            }
            let path = format!("{folder}/{name}");
            if self.selection.has(&path)
                || (entry.file_type() == FileType::Directory && self.has_selected(&path)?)
            {
                return Ok(true);
            }
        }
        Ok(false)
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
        let owner = if self.selection.as_root { (0, 0) } else { (found.st_uid, found.st_gid) };
        let seconds = found.st_mtime.saturating_mul(1_000_000_000);
        Ok(Some(Stat {
            path: path.to_owned(),
            mode: kind | mode::from_permissions(found.st_mode),
            uid: owner.0,
            gid: owner.1,
            size: if kind == 0 { found.st_size } else { 0 },
            mod_time: seconds.saturating_add_unsigned(found.st_mtime_nsec),
            linkname,
            ..Stat::default()
        }))
    }

    fn contents(&mut self, id: u32) -> Result<()> {
        let Some(path) = self.files.remove(&id) else {
            return Err(Error::invalid("the other side asked for a file that is none"));
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
            .map_err(|_| Error::unavailable("the other side left before it had all files"))
    }
}

fn io(error: rustix::io::Errno) -> Error {
    std::io::Error::from(error).into()
}
