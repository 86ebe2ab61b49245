//! The sockets on which a container's name server is asked, opened inside its namespace.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use super::{Sandbox, namespace};
use crate::error::{NetworkError, Result};
use crate::names::NAME_SERVER;
use crate::netlink::netfilter::NetfilterSocket;
use crate::nftables::name_server;
use crate::ports::{is_missing, listen};
use crate::record::Protocol;

/// Sockets on free ports of 127.0.0.11 inside a namespace; the kernel sends what comes for port 53 there, so that
/// the container may still have a server of its own on 0.0.0.0:53.
#[derive(Debug)]
pub struct NameSockets {
    /// A bound socket for datagrams.
    pub udp: OwnedFd,
    /// A listening socket.
    pub tcp: OwnedFd,
}

impl Sandbox {
    /// Opens the sockets and lays down the rules that lead to them, in the place of earlier ones.
    ///
    /// # Errors
    /// The kernel's refusal; no packet filter.
    pub fn open_name_sockets(&self) -> Result<NameSockets> {
        namespace::inside(self.namespace.as_fd(), || {
            let failed = || NetworkError::system("cannot open the sockets of a container's name server");
            let address = SocketAddr::from((NAME_SERVER, 0));
            let udp = UdpSocket::bind(address).map_err(failed())?;
            let tcp = TcpListener::bind(address).map_err(failed())?;
            let port = |address: std::io::Result<SocketAddr>| address.map_err(failed()).map(|it| it.port());
            let rules = name_server::rules(port(udp.local_addr())?, port(tcp.local_addr())?);
            rules.commit(&NetfilterSocket::default())?;
            Ok(NameSockets { udp: udp.into(), tcp: tcp.into() })
        })
    }

    /// Opens a socket for datagrams inside, to ask a server that only the container may be able to reach.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn open_datagram_socket(&self, towards: SocketAddr) -> Result<UdpSocket> {
        namespace::inside(self.namespace.as_fd(), || {
            let failed = || NetworkError::system("cannot open a socket inside a container's network");
            let any: SocketAddr =
                if towards.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
            let socket = UdpSocket::bind(any).map_err(failed())?;
            socket.connect(towards).map_err(failed())?;
            Ok(socket)
        })
    }

    /// Opens sockets on a port of all addresses inside, for somebody outside to take what comes: listeners for TCP, bound
    /// sockets for UDP. One for IPv4, and one for IPv6 where there is IPv6.
    ///
    /// # Errors
    /// Something inside has the port; the kernel's refusal.
    pub fn open_entrances(&self, protocol: Protocol, port: u16) -> Result<Vec<OwnedFd>> {
        namespace::inside(self.namespace.as_fd(), || {
            let mut sockets = vec![listen(protocol, (Ipv4Addr::UNSPECIFIED, port).into())?];
            match listen(protocol, (Ipv6Addr::UNSPECIFIED, port).into()) {
                Ok(socket) => sockets.push(socket),
                Err(NetworkError::PortBind { source, .. }) if is_missing(&source) => {}
                Err(error) => return Err(error),
            }
            Ok(sockets)
        })
    }

    /// Opens a connection from inside.
    ///
    /// # Errors
    /// Nobody answers within `timeout`; the kernel's refusal.
    pub fn open_connection(
        &self,
        to: SocketAddr,
        timeout: std::time::Duration,
    ) -> Result<std::net::TcpStream> {
        namespace::inside(self.namespace.as_fd(), || {
            std::net::TcpStream::connect_timeout(&to, timeout)
                .map_err(NetworkError::system(format!("cannot connect to {to} from inside a container")))
        })
    }
}
