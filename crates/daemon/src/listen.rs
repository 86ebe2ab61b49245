//! The sockets that the daemon listens on.

use crate::error::{Error, Result};
use crate::group;
use rustix::fs::{Mode, chmod};
use sampan_api::Listener;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The first descriptor of systemd's socket activation, sd_listen_fds(3).
const FIRST_INHERITED: i32 = 3;
/// The group that Docker's users are in.
const DOCKER_GROUP: &str = "docker";

/// A listening socket, not yet with the event loop.
#[derive(Debug)]
pub(crate) enum Bound {
    /// A Unix socket with the path that we made, or none when it was inherited.
    Unix(UnixListener, Option<Made>),
    /// A TCP socket.
    Tcp(std::net::TcpListener),
}

/// A socket file that we made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its inode, by which we know it again.
    inode: u64,
}

impl Made {
    /// Removes the file, unless another daemon has put its own there.
    pub(crate) fn remove(&self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            // Whatever keeps it from going is told by the next daemon, which replaces it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Bound {
    /// Hands it to the event loop.
    ///
    /// # Errors
    /// The event loop does not take it.
    pub(crate) fn into_listener(self) -> io::Result<Listener> {
        match self {
            Self::Unix(listener, _) => {
                listener.set_nonblocking(true)?;
                Ok(Listener::Unix(tokio::net::UnixListener::from_std(listener)?))
            }
            Self::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(Listener::Tcp(tokio::net::TcpListener::from_std(listener)?))
            }
        }
    }
}

/// Listens on all addresses.
///
/// # Errors
/// The first that cannot be listened on.
pub(crate) fn all(addresses: &[String], wanted_group: Option<&str>) -> Result<Vec<Bound>> {
    let group = match wanted_group {
        Some(name) => Some(group::find(name).ok_or_else(|| Error::NoSuchGroup(name.to_owned()))?),
        None => group::find(DOCKER_GROUP),
    };
    let mut bound = Vec::new();
    for address in addresses {
        let failed = |source| Error::Listen { address: address.clone(), source };
        match address.split_once("://") {
            None => bound.push(unix(Path::new(address), group)?),
            Some(("unix", path)) => bound.push(unix(Path::new(path), group)?),
            Some(("tcp", rest)) => bound.push(tcp(rest).map_err(failed)?),
            Some(("fd", rest)) => bound.extend(inherited(rest).map_err(failed)?),
            Some((other, _)) => {
                return Err(Error::Flag(format!("{address}: there is no way to listen by {other:?}")));
            }
        }
    }
    Ok(bound)
}

/// A Unix socket, readable and writable for its owner and one group. It is made under another name and put in
/// place by a rename, so that its path is never missing and never has other permissions.
fn unix(path: &Path, group: Option<u32>) -> Result<Bound> {
    let failed = |source| Error::Listen { address: path.display().to_string(), source };
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(failed(io::Error::other("there is something else that is no socket")));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(Error::SocketInUse(path.to_owned()));
        }
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let prepare = || {
        let listener = UnixListener::bind(&temporary)?;
        chmod(&temporary, Mode::from_raw_mode(0o660))?;
        if group.is_some() {
            std::os::unix::fs::chown(&temporary, None, group)?;
        }
        let inode = std::fs::symlink_metadata(&temporary)?.ino();
        std::fs::rename(&temporary, path)?;
        Ok((listener, inode))
    };
    let _ = std::fs::remove_file(&temporary);
    match prepare() {
        Ok((listener, inode)) => Ok(Bound::Unix(listener, Some(Made { path: path.to_owned(), inode }))),
        Err(source) => {
            let _ = std::fs::remove_file(&temporary);
            Err(failed(source))
        }
    }
}

fn tcp(address: &str) -> io::Result<Bound> {
    let address = if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_owned() };
    let address = if address.contains(':') { address } else { format!("{address}:2375") };
    let parsed: std::net::SocketAddr = address
        .replace("localhost", "127.0.0.1")
        .parse()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "it is no IP address with a port"))?;
    let listener = std::net::TcpListener::bind(parsed)?;
    tracing::warn!(
        address = %listener.local_addr()?,
        "the API listens on TCP without encryption: whoever reaches this address is root on this machine"
    );
    Ok(Bound::Tcp(listener))
}

/// Sockets from systemd: all of `fd://`, or the one of `fd://4`.
fn inherited(which: &str) -> io::Result<Vec<Bound>> {
    let ours = std::env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    let count: i32 = std::env::var("LISTEN_FDS").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
    let numbers: Vec<i32> = match which.trim_matches(['*', '/']) {
        "" if ours && count > 0 => (FIRST_INHERITED..FIRST_INHERITED + count).collect(),
        "" => return Err(io::Error::other("systemd has passed no socket")),
        number => vec![number.parse().map_err(|_| io::Error::other("it is no number of a descriptor"))?],
    };
    numbers.into_iter().map(|number| adopt(sampan_sys::descriptor::take_inherited(number)?)).collect()
}

fn adopt(socket: OwnedFd) -> io::Result<Bound> {
    match rustix::net::sockopt::socket_domain(&socket)? {
        rustix::net::AddressFamily::UNIX => Ok(Bound::Unix(UnixListener::from(socket), None)),
        rustix::net::AddressFamily::INET | rustix::net::AddressFamily::INET6 => {
            Ok(Bound::Tcp(std::net::TcpListener::from(socket)))
        }
        _ => Err(io::Error::other("it is neither a Unix nor a TCP socket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_unix_socket_is_for_its_group_only_and_replaces_a_dead_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/api.sock");
        let address = [format!("unix://{}", path.display())];
        let first = all(&address, Some("4711")).expect("listening");
        let found = std::fs::metadata(&path).expect("the socket");
        assert_eq!((found.permissions().mode() & 0o777, found.gid()), (0o660, 4711));
        let refusal = all(&address, None).expect_err("in use").to_string();
        assert!(refusal.contains("another daemon listens"), "{refusal}");
        drop(first);
        let again = all(&address, None).expect("listening again");
        let Bound::Unix(_, Some(made)) = &again[0] else { panic!("a socket of ours") };
        made.remove();
        assert!(!path.exists());
        std::fs::write(&path, "").expect("a file");
        assert!(all(&address, None).is_err());
        assert!(all(&["http://x".into()], None).is_err());
        assert!(all(&["fd://".into()], None).is_err());
        assert!(all(&address, Some("no such group")).is_err());
    }
}
