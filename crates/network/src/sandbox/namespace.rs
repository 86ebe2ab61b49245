//! Work that has to be done from inside a network namespace, each in a thread that ends with it.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Mutex;

use sampan_sys::namespace::{Namespaces, join, unshare};
use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use super::{Sandbox, VethPair};
use crate::error::{NetworkError, Result};
use crate::netlink::{Request, link};

/// A new thread's stack; it calls nothing deep.
const STACK: usize = 128 * 1024;
/// The loopback interface is the first of every namespace.
const LOOPBACK: u32 = 1;
const DEFAULT_WITHOUT_IPV6: &str = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

/// Makes a namespace with loopback up; `fill` runs inside, with its descriptor and a socket of it.
pub(super) fn in_new(
    fill: impl FnOnce(BorrowedFd<'_>, &NetlinkSocket) -> Result<Option<VethPair>> + Send,
) -> Result<Sandbox> {
    in_thread(|| {
        use std::os::fd::AsFd;
        unshare(Namespaces::NETWORK).map_err(NetworkError::system("cannot make a network namespace"))?;
        let namespace = open("/proc/thread-self/ns/net")?;
        let inside = open_here()?;
        let mut request = Request::new();
        let up = link::Change { up: Some(true), ..Default::default() };
        request.change_link(LOOPBACK, &up, "set the container's loopback interface up".to_owned());
        request.execute(&inside)?;
        let spare = fill(namespace.as_fd(), &inside)?;
        Ok(Sandbox { namespace, inside: Mutex::new(Some(inside)), spare: Mutex::new(spare) })
    })
}

/// Runs `action` so that an interface born meanwhile in this thread's namespace has IPv6 turned off, as Docker
/// does for networks without it: else a rogue router could give it addresses (CVE-2020-13401).
pub(super) fn without_ipv6<T>(action: impl FnOnce() -> Result<T>) -> Result<T> {
    // A kernel without IPv6 has no such file, and nothing to turn off.
    let has_ipv6 = fs::write(DEFAULT_WITHOUT_IPV6, "1").is_ok();
    let result = action();
    if has_ipv6 {
        fs::write(DEFAULT_WITHOUT_IPV6, "0").map_err(NetworkError::system("cannot set disable_ipv6"))?;
    }
    result
}

/// Turns IPv6 on for an interface inside.
pub(super) fn enable_ipv6(namespace: BorrowedFd<'_>, interface: &str) -> Result<()> {
    inside(namespace, || {
        let folder = format!("/proc/sys/net/ipv6/conf/{interface}");
        for (setting, value) in [("accept_ra", "0"), ("accept_dad", "0"), ("disable_ipv6", "0")] {
            fs::write(format!("{folder}/{setting}"), value).map_err(NetworkError::system(format!(
                "cannot set {setting} of the container's {interface}"
            )))?;
        }
        Ok(())
    })
}

/// Opens a netlink socket inside.
pub(super) fn open_inside(namespace: BorrowedFd<'_>) -> Result<NetlinkSocket> {
    inside(namespace, open_here)
}

/// Opens a namespace file.
pub(super) fn open(path: &str) -> Result<OwnedFd> {
    let file = fs::File::open(path)
        .map_err(NetworkError::system(format!("cannot open the network namespace {path}")))?;
    Ok(file.into())
}

/// Runs `action` in a thread that joined the namespace.
pub(super) fn inside<T: Send>(
    namespace: BorrowedFd<'_>,
    action: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    in_thread(|| {
        join(namespace, Namespaces::NETWORK)
            .map_err(NetworkError::system("cannot enter a network namespace"))?;
        action()
    })
}

fn open_here() -> Result<NetlinkSocket> {
    NetlinkSocket::open(NetlinkProtocol::Route).map_err(NetworkError::system("cannot open a netlink socket"))
}

fn in_thread<T: Send>(action: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, action)
            .map_err(NetworkError::system("cannot start a thread"))?;
        thread.join().unwrap_or_else(|_| {
            Err(NetworkError::System {
                what: "a thread that worked in a network namespace failed".to_owned(),
                source: io::Error::other("panic"),
            })
        })
    })
}
