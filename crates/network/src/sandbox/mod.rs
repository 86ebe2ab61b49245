//! A container's network namespace, held by descriptor only.

mod name_sockets;
mod namespace;
mod pool;

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

pub use name_sockets::NameSockets;
pub use pool::SandboxPool;

use crate::error::{NetworkError, Result};
use crate::mac::MacAddress;
use crate::netlink::{Request, link};
use crate::record::EndpointRecord;

/// How often, and how long each time, a new link is waited for: 50 ms in all.
const SETTLING_ROUNDS: u32 = 500;
const SETTLING_PAUSE: Duration = Duration::from_micros(100);

/// A network namespace, with loopback up.
///
/// When the last descriptor and the last process are gone the kernel removes it with all that is in it; nothing
/// has to be cleaned up after a kill. A sandbox holds two descriptors of it: drop it when the container's
/// processes are inside.
#[derive(Debug)]
pub struct Sandbox {
    namespace: OwnedFd,
    /// Opened inside the namespace, so that setting up a container needs no change of namespace.
    inside: Mutex<Option<NetlinkSocket>>,
    /// The veth pair that was made together with the namespace, until a network takes it.
    spare: Mutex<Option<VethPair>>,
}

/// A veth pair with one end inside a sandbox; both ends are up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VethPair {
    pub(crate) host_device: String,
    pub(crate) host_index: u32,
    pub(crate) interface: String,
    pub(crate) inside_index: u32,
    pub(crate) mtu: u32,
}

/// What a network gives to an interface inside.
#[derive(Debug, Clone)]
pub(crate) struct InterfaceSettings<'a> {
    pub(crate) mac: Option<MacAddress>,
    pub(crate) mtu: Option<u32>,
    pub(crate) addresses: &'a [IpNet],
    /// Default routes; empty when another network gives them.
    pub(crate) gateways: &'a [IpAddr],
    /// The gateways' hardware address, so that the first packet need not ask for it.
    pub(crate) gateway_mac: Option<MacAddress>,
}

impl Sandbox {
    /// A namespace with a veth pair whose peer `eth0` was born inside; the host end belongs to no network yet.
    /// `mtu` in bytes is a guess that the network corrects.
    ///
    /// # Errors
    /// The kernel's refusal: without CAP_NET_ADMIN, or at the limit of namespaces.
    pub fn create(instance: &str, mtu: u32) -> Result<Self> {
        let prefix = device_prefix(instance)?;
        let outside = route_socket()?;
        namespace::in_new(move |namespace, inside| {
            let pair =
                namespace::without_ipv6(|| make_pair(&outside, inside, namespace, &prefix, "eth0", mtu))?;
            Ok(Some(pair))
        })
    }

    /// A namespace with nothing but loopback, for the network `none`.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_isolated() -> Result<Self> {
        namespace::in_new(|_, _| Ok(None))
    }

    /// The namespace of a process: to find a container's again after a restart, or of `--network container:X`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn from_pid(pid: i32) -> Result<Self> {
        Ok(Self::holding(namespace::open(&format!("/proc/{pid}/ns/net"))?))
    }

    /// The namespace behind a descriptor, as one that a shim handed over.
    pub fn holding(namespace: OwnedFd) -> Self {
        Self { namespace, inside: Mutex::new(None), spare: Mutex::new(None) }
    }

    /// The namespace this program runs in, for the network `host`.
    ///
    /// # Errors
    /// `/proc` is not there.
    pub fn host() -> Result<Self> {
        Ok(Self::holding(namespace::open("/proc/thread-self/ns/net")?))
    }

    /// The namespace's descriptor, for `setns` by the shim or the runtime. It has close-on-exec.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }

    /// The pair that is ready, or a new one when `interface` must be another or the first is in use.
    pub(crate) fn take_pair(&self, prefix: &str, interface: Option<&str>, mtu: u32) -> Result<VethPair> {
        let spare = lock(&self.spare).take();
        match (spare, interface) {
            (Some(pair), None) => Ok(pair),
            (Some(pair), Some(name)) if pair.interface == name => Ok(pair),
            (Some(pair), Some(name)) => self.rename(pair, name),
            (None, name) => self.with_inside(|inside| {
                let name = match name {
                    Some(name) => name.to_owned(),
                    None => first_free(inside)?,
                };
                let outside = route_socket()?;
                make_pair(&outside, inside, self.namespace.as_fd(), prefix, &name, mtu)
            }),
        }
    }

    /// Sets up an interface inside, in one system call.
    pub(crate) fn set_up(&self, pair: &VethPair, settings: &InterfaceSettings<'_>) -> Result<()> {
        if settings.addresses.iter().any(|address| matches!(address, IpNet::V6(_))) {
            namespace::enable_ipv6(self.namespace.as_fd(), &pair.interface)?;
        }
        let name = &pair.interface;
        let index = pair.inside_index;
        let mut request = Request::new();
        if settings.mac.is_some() || settings.mtu.is_some() {
            let change = link::Change { mac: settings.mac, mtu: settings.mtu, ..Default::default() };
            request.change_link(index, &change, format!("set the MAC address of the container's {name}"));
        }
        for address in settings.addresses {
            request.add_address(index, *address, format!("give {address} to the container's {name}"));
        }
        for gateway in settings.gateways {
            request.add_default_route(index, *gateway, format!("route the container's traffic to {gateway}"));
            if let Some(mac) = settings.gateway_mac {
                request.set_neighbour(index, *gateway, mac, format!("remember the gateway {gateway}"));
            }
        }
        self.with_inside(|inside| request.execute(inside))
    }

    /// Makes the gateways of an endpoint the default routes, for IPv4 and for IPv6, in the place of others.
    ///
    /// # Errors
    /// Its interface is gone; the kernel's refusal.
    pub fn route_by(&self, endpoint: &EndpointRecord, families: [bool; 2]) -> Result<()> {
        let gateways = endpoint.gateways_of(families);
        self.with_inside(|inside| {
            let Some(link) = link::find(inside, &endpoint.interface)? else {
                return Err(NetworkError::Malformed { what: "a container's interface cannot be found" });
            };
            let mut request = Request::new();
            for gateway in gateways {
                let label = format!("route the container's traffic to {gateway}");
                request.add_default_route(link.index, gateway, label);
            }
            request.execute(inside)
        })
    }

    fn rename(&self, mut pair: VethPair, name: &str) -> Result<VethPair> {
        let mut request = Request::new();
        let label = || format!("name the container's interface {name}");
        // An interface that is up cannot be renamed on every kernel.
        request.change_link(
            pair.inside_index,
            &link::Change { up: Some(false), ..Default::default() },
            label(),
        );
        request.change_link(
            pair.inside_index,
            &link::Change { name: Some(name), ..Default::default() },
            label(),
        );
        request.change_link(
            pair.inside_index,
            &link::Change { up: Some(true), ..Default::default() },
            label(),
        );
        self.with_inside(|inside| request.execute(inside))?;
        name.clone_into(&mut pair.interface);
        Ok(pair)
    }

    /// Runs `action` with a socket that was opened inside the namespace.
    pub(crate) fn with_inside<T>(&self, action: impl FnOnce(&NetlinkSocket) -> Result<T>) -> Result<T> {
        let mut inside = lock(&self.inside);
        let socket = match inside.take() {
            Some(socket) => socket,
            None => namespace::open_inside(self.namespace.as_fd())?,
        };
        let result = action(&socket);
        *inside = Some(socket);
        result
    }
}

/// The prefix of every container's veth of an instance: `v` and 8 characters of its id.
pub(crate) fn device_prefix(instance: &str) -> Result<String> {
    prefix('v', instance)
}

/// The prefix of the veth that keeps a bridge awake; the kernel removes it with the daemon.
pub(crate) fn anchor_prefix(instance: &str) -> Result<String> {
    prefix('a', instance)
}

fn prefix(letter: char, instance: &str) -> Result<String> {
    let short = instance.get(..8).filter(|_| instance.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let short = short.ok_or_else(|| NetworkError::InvalidInstance { text: instance.to_owned() })?;
    Ok(format!("{letter}{short}"))
}

/// A socket for links, addresses and routes of the calling thread's namespace.
pub(crate) fn route_socket() -> Result<NetlinkSocket> {
    NetlinkSocket::open(NetlinkProtocol::Route).map_err(NetworkError::system("cannot open a netlink socket"))
}

fn make_pair(
    outside: &NetlinkSocket,
    inside: &NetlinkSocket,
    namespace: BorrowedFd<'_>,
    prefix: &str,
    interface: &str,
    mtu: u32,
) -> Result<VethPair> {
    let mut attempts = 0;
    let host_device = loop {
        let name = format!("{prefix}{}", random_suffix()?);
        let mut request = Request::new();
        request.create_veth(&name, interface, mtu, namespace);
        match request.execute(outside) {
            Ok(()) => break name,
            // Two billion names for each instance: another try is enough.
            Err(error) if error.errno() == Some(rustix::io::Errno::EXIST.raw_os_error()) && attempts < 3 => {
                attempts += 1
            }
            Err(error) => return Err(error),
        }
    };
    let missing = NetworkError::Malformed { what: "a new link cannot be found" };
    let Some(host) = link::find(outside, &host_device)? else { return Err(missing) };
    let Some(peer) = link::find(inside, interface)? else { return Err(missing) };
    let up = |name: &str| format!("set {name} up");
    let mut request = Request::new();
    let quiet = link::Change { without_link_local: true, ..Default::default() };
    request.change_link(host.index, &quiet, format!("keep {host_device} without an address"));
    request.change_link(host.index, &link::Change { up: Some(true), ..Default::default() }, up(&host_device));
    request.execute(outside)?;
    let mut request = Request::new();
    request.change_link(peer.index, &link::Change { up: Some(true), ..Default::default() }, up(interface));
    request.execute(inside)?;
    settle(outside, &host_device)?;
    settle(inside, interface)?;
    Ok(VethPair {
        host_device,
        host_index: host.index,
        interface: interface.to_owned(),
        inside_index: peer.index,
        mtu,
    })
}

/// Waits until the kernel finished bringing a link up, which it does in the background (linkwatch), usually within
/// a tenth of a millisecond: a bridge would keep a port shut until then, and a first packet be lost.
fn settle(socket: &NetlinkSocket, name: &str) -> Result<()> {
    for _ in 0..SETTLING_ROUNDS {
        if link::find(socket, name)?.is_none_or(|link| link.operational) {
            return Ok(());
        }
        std::thread::sleep(SETTLING_PAUSE);
    }
    // Later than usual, and yet it will come up.
    Ok(())
}

/// The first of eth0, eth1, … that is not there.
fn first_free(inside: &NetlinkSocket) -> Result<String> {
    let links = link::list(inside)?;
    let mut number = 0_u32;
    loop {
        let name = format!("eth{number}");
        if !links.iter().any(|link| link.name == name) {
            return Ok(name);
        }
        number += 1;
    }
}

/// Six random characters of a-z and 0-9.
fn random_suffix() -> Result<String> {
    const CHARACTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 6];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(NetworkError::system("no random numbers"))?;
    Ok(bytes.iter().map(|byte| char::from(CHARACTERS[usize::from(byte % 32)])).collect())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is consistent between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
