//! The disk's side of taking files: what is here already, and what has to be asked for.

use super::mode;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat, packet::PacketType};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use sampan_error::{Context as _, Error, Result};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use tokio::sync::mpsc::{Receiver, UnboundedSender};

/// A file whose contents are under way.
struct Arriving {
    file: File,
    stat: Stat,
}

/// A folder that becomes the same as the client's.
pub(super) struct Tree {
    root: OwnedFd,
    /// Paths that the client has, with the directories among them.
    seen: HashMap<String, bool>,
    directories: Vec<Stat>,
    arriving: HashMap<u32, Arriving>,
    /// Hard links, made when all contents are there: paths, and the paths of their first names.
    links: Vec<Stat>,
    next: u32,
}

impl Tree {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(folder, flags, Mode::empty())
            .map_err(std::io::Error::from)
            .context("the folder of a context cannot be opened")?;
        Ok(Self {
            root,
            seen: HashMap::new(),
            directories: Vec::new(),
            arriving: HashMap::new(),
            links: Vec::new(),
            next: 0,
        })
    }

    /// Writes what comes, and asks for what is missing. Blocks until all is there.
    pub(super) fn write(
        &mut self,
        mut packets: Receiver<Packet>,
        answers: &UnboundedSender<Packet>,
    ) -> Result<()> {
        let mut is_listed = false;
        while !is_listed || !self.arriving.is_empty() {
            let packet = packets
                .blocking_recv()
                .ok_or_else(|| Error::unavailable("the client left before all its files were here"))?;
            match (packet.r#type(), packet.stat) {
                (PacketType::PacketStat, Some(stat)) => {
                    let id = self.next;
                    self.next += 1;
                    let path = stat.path.clone();
                    if self.entry(id, stat).map_err(|error| error.context(format!("{path:?}")))? {
                        // When the client is gone, the next packet does not come.
                        let _ = answers.send(packet_of(PacketType::PacketReq, id));
                    }
                }
                (PacketType::PacketStat, None) => is_listed = true,
                (PacketType::PacketData, _) => self.data(packet.id, &packet.data)?,
                _ => {}
            }
        }
        self.finish()?;
        let _ = answers.send(packet_of(PacketType::PacketFin, 0));
        Ok(())
    }

    /// One entry of the client's; whether its contents are wanted.
    fn entry(&mut self, id: u32, stat: Stat) -> Result<bool> {
        let parent = checked(&stat.path)?;
        if !parent.is_empty() && self.seen.get(parent) != Some(&true) {
            return Err(Error::invalid("the client sent a file before its folder"));
        }
        let kind = stat.mode & mode::KIND;
        self.seen.insert(stat.path.clone(), kind == mode::DIRECTORY);
        let here = rustix::fs::statat(&self.root, &stat.path, AtFlags::SYMLINK_NOFOLLOW).ok();
        let is_same = here.as_ref().is_some_and(|here| self.is_same(here, &stat));
        match kind {
            mode::DIRECTORY => {
                if !here.as_ref().is_some_and(|it| FileType::from_raw_mode(it.st_mode) == FileType::Directory)
                {
                    self.remove(&stat.path)?;
                    rustix::fs::mkdirat(&self.root, &stat.path, Mode::from(0o700)).map_err(io)?;
                }
                if !is_same {
                    self.properties(&stat)?;
                }
                self.directories.push(stat);
                Ok(false)
            }
            mode::SYMLINK => {
                if !is_same {
                    self.remove(&stat.path)?;
                    rustix::fs::symlinkat(&stat.linkname, &self.root, &stat.path).map_err(io)?;
                    self.owner(&stat)?;
                }
                Ok(false)
            }
            0 if !stat.linkname.is_empty() => {
                self.links.push(stat);
                Ok(false)
            }
            0 if is_same => Ok(false),
            0 => {
                self.remove(&stat.path)?;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let file =
                    rustix::fs::openat(&self.root, &stat.path, flags, Mode::from(0o600)).map_err(io)?;
                self.arriving.insert(id, Arriving { file: file.into(), stat });
                Ok(true)
            }
            // Devices, pipes and sockets are no part of a context.
            _ => {
                self.remove(&stat.path)?;
                self.seen.remove(&stat.path);
                Ok(false)
            }
        }
    }

    fn data(&mut self, id: u32, bytes: &[u8]) -> Result<()> {
        let Some(arriving) = self.arriving.get_mut(&id) else {
            return Err(Error::invalid("the client sent a file that nobody asked for"));
        };
        if !bytes.is_empty() {
            return arriving.file.write_all(bytes).context(format!("cannot write {:?}", arriving.stat.path));
        }
        if let Some(Arriving { stat, .. }) = self.arriving.remove(&id) {
            self.properties(&stat)?;
        }
        Ok(())
    }

    /// Whether what is here is what the client has. Files that were cut off have the time of their writing.
    fn is_same(&self, here: &rustix::fs::Stat, stat: &Stat) -> bool {
        let kind = FileType::from_raw_mode(here.st_mode);
        let wanted = match stat.mode & mode::KIND {
            mode::DIRECTORY => FileType::Directory,
            mode::SYMLINK => FileType::Symlink,
            _ => FileType::RegularFile,
        };
        let modified =
            here.st_mtime.saturating_mul(1_000_000_000).saturating_add_unsigned(here.st_mtime_nsec);
        if kind != wanted || (here.st_uid, here.st_gid) != (stat.uid, stat.gid) || !stat.xattrs.is_empty() {
            return false;
        }
        let same_mode = here.st_mode & 0o7777 == mode::permissions(stat.mode);
        match kind {
            FileType::Directory => same_mode,
            FileType::Symlink => rustix::fs::readlinkat(&self.root, &stat.path, Vec::new())
                .is_ok_and(|target| target.as_bytes() == stat.linkname.as_bytes()),
            _ => same_mode && here.st_size == stat.size && modified == stat.mod_time,
        }
    }

    /// What is left to do when all contents are there.
    fn finish(&mut self) -> Result<()> {
        for stat in std::mem::take(&mut self.links) {
            checked(&stat.linkname)?;
            if self.seen.get(&stat.linkname) != Some(&false) {
                return Err(Error::invalid(format!("{:?} is a link to what is not there", stat.path)));
            }
            self.remove(&stat.path)?;
            let flags = AtFlags::empty();
            rustix::fs::linkat(&self.root, &stat.linkname, &self.root, &stat.path, flags).map_err(io)?;
        }
        self.remove_others("")?;
        for stat in std::mem::take(&mut self.directories).iter().rev() {
            self.times(stat)?;
        }
        Ok(())
    }

    fn remove_others(&self, folder: &str) -> Result<()> {
        let at = if folder.is_empty() { "." } else { folder };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let opened = rustix::fs::openat(&self.root, at, flags, Mode::empty()).map_err(io)?;
        let mut below = Vec::new();
        for entry in rustix::fs::Dir::read_from(&opened).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy();
            if name == "." || name == ".." {
                continue;
            }
            let path = if folder.is_empty() { name.into_owned() } else { format!("{folder}/{name}") };
            match self.seen.get(&path) {
                Some(true) => below.push(path),
                Some(false) => {}
                None => self.remove_raw(&opened, entry.file_name())?,
            }
        }
        below.iter().try_for_each(|path| self.remove_others(path))
    }

    fn remove(&self, path: &str) -> Result<()> {
        let name = std::ffi::CString::new(path).map_err(|_| Error::invalid("a path has a zero byte"))?;
        self.remove_raw(&self.root, &name)
    }

    /// Removes a file or a whole directory, wherever its name is no text.
    fn remove_raw(&self, at: &OwnedFd, name: &std::ffi::CStr) -> Result<()> {
        match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(rustix::io::Errno::ISDIR) => {}
            Err(error) => return Err(io(error)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let opened = rustix::fs::openat(at, name, flags, Mode::empty()).map_err(io)?;
        let names: Vec<_> = rustix::fs::Dir::read_from(&opened)
            .map_err(io)?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_owned()))
            .filter(|name| ![c".", c".."].contains(&name.as_c_str()))
            .collect();
        names.iter().try_for_each(|name| self.remove_raw(&opened, name))?;
        rustix::fs::unlinkat(at, name, AtFlags::REMOVEDIR).map_err(io)
    }

    fn properties(&self, stat: &Stat) -> Result<()> {
        self.owner(stat)?;
        // An owner's change takes set-id bits away, so they come after it; the time is last: it says that all is there.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&self.root, &stat.path, flags, Mode::empty()).map_err(io)?;
        rustix::fs::fchmod(file.as_fd(), Mode::from_raw_mode(mode::permissions(stat.mode))).map_err(io)?;
        for (name, value) in &stat.xattrs {
            if name.starts_with("user.") || name == "security.capability" {
                rustix::fs::fsetxattr(file.as_fd(), name.as_str(), value, XattrFlags::empty()).map_err(io)?;
            }
        }
        rustix::fs::futimens(file.as_fd(), &times(stat)).map_err(io)
    }

    fn owner(&self, stat: &Stat) -> Result<()> {
        if (stat.uid, stat.gid) == (0, 0) {
            return Ok(());
        }
        let (user, group) = (Uid::from_raw(stat.uid), Gid::from_raw(stat.gid));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::chownat(&self.root, &stat.path, Some(user), Some(group), flags).map_err(io)
    }

    fn times(&self, stat: &Stat) -> Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(&self.root, &stat.path, &times(stat), flags).map_err(io)
    }
}

fn times(stat: &Stat) -> Timestamps {
    let at = Timespec {
        tv_sec: stat.mod_time.div_euclid(1_000_000_000),
        tv_nsec: stat.mod_time.rem_euclid(1_000_000_000),
    };
    Timestamps { last_access: at, last_modification: at }
}

fn packet_of(kind: PacketType, id: u32) -> Packet {
    Packet { r#type: kind.into(), id, ..Packet::default() }
}

fn io(error: rustix::io::Errno) -> Error {
    std::io::Error::from(error).into()
}

/// The folder of a path that stays inside; empty for the root.
fn checked(path: &str) -> Result<&str> {
    let is_clean = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_clean || path.contains('\0') {
        return Err(Error::invalid(format!("the client sent a bad path: {path:?}")));
    }
    Ok(path.rsplit_once('/').map_or("", |(parent, _)| parent))
}

/// Names that were seen, for those who test.
#[cfg(test)]
fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn stat(path: &str, mode: u32, size: i64) -> Packet {
        let stat = Stat { path: path.into(), mode, size, mod_time: 1_000_000_007, ..Stat::default() };
        Packet { stat: Some(stat), ..packet_of(PacketType::PacketStat, 0) }
    }

    fn run(folder: &Path, packets: Vec<Packet>) -> (Result<()>, Vec<u32>) {
        let (to_disk, from_client) = tokio::sync::mpsc::channel(packets.len() + 1);
        let (answers, mut requests) = tokio::sync::mpsc::unbounded_channel();
        packets.into_iter().for_each(|packet| to_disk.try_send(packet).expect("room"));
        drop(to_disk);
        let result = Tree::open(folder).expect("folder").write(from_client, &answers);
        let mut asked = Vec::new();
        while let Ok(packet) = requests.try_recv() {
            if packet.r#type() == PacketType::PacketReq {
                asked.push(packet.id);
            }
        }
        (result, asked)
    }

    fn data(id: u32, data: &[u8]) -> Packet {
        Packet { data: data.to_vec(), ..packet_of(PacketType::PacketData, id) }
    }

    #[test]
    fn only_what_changed_is_asked_for() {
        let folder = tempfile::tempdir().expect("folder");
        let last = || packet_of(PacketType::PacketStat, 0);
        let tree = || {
            vec![stat("a", 0o644, 2), stat("d", mode::DIRECTORY | 0o755, 0), stat("d/b", 0o600, 1), last()]
        };
        let mut first = tree();
        first.extend([data(0, b"hi"), data(2, b"x"), data(0, b""), data(2, b"")]);
        let (result, asked) = run(folder.path(), first);
        result.expect("written");
        assert_eq!(asked, [0, 2]);
        let before = std::fs::metadata(folder.path().join("a")).expect("file");
        assert_eq!((before.mode() & 0o7777, before.mtime(), before.mtime_nsec()), (0o644, 1, 7));
        let copy = tempfile::tempdir_in(folder.path().parent().expect("parent")).expect("folder");
        std::fs::hard_link(folder.path().join("a"), copy.path().join("a")).expect("link");
        // The same again: nothing is asked for. A file that changed is, and it is another inode then.
        let (result, asked) = run(folder.path(), tree());
        result.expect("written");
        assert!(asked.is_empty());
        let mut changed = tree();
        changed[0] = stat("a", 0o644, 3);
        changed.remove(2);
        changed.extend([data(0, b"hi!"), data(0, b"")]);
        let (result, asked) = run(folder.path(), changed);
        result.expect("written");
        assert_eq!(asked, [0]);
        assert_eq!(std::fs::read(copy.path().join("a")).expect("file"), b"hi", "a copy keeps what it had");
        assert!(names(&folder.path().join("d")).is_empty(), "what the client has no more is gone");
    }

    #[test]
    fn nothing_is_written_outside() {
        let folder = tempfile::tempdir().expect("folder");
        let link = |to: &str| {
            let mut packet = stat("l", mode::SYMLINK | 0o777, 0);
            packet.stat.as_mut().expect("stat").linkname = to.into();
            packet
        };
        for packets in [
            vec![stat("../x", 0o644, 1)],
            vec![stat("/x", 0o644, 1)],
            vec![stat("d/x", 0o644, 1)],
            vec![link("/tmp"), stat("l/x", 0o644, 1)],
            vec![data(7, b"x")],
        ] {
            assert!(run(folder.path(), packets).0.is_err());
        }
    }

    #[test]
    fn a_client_that_leaves_leaves_nothing_that_looks_whole() {
        let folder = tempfile::tempdir().expect("folder");
        let packets = vec![stat("a", 0o644, 2), packet_of(PacketType::PacketStat, 0), data(0, b"hi")];
        assert!(run(folder.path(), packets.clone()).0.is_err());
        let (_, asked) = run(folder.path(), packets);
        assert_eq!(asked, [0]);
    }
}
