//! The sockets behind a published port: one that only keeps others out, or one that relays.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::{self, AddressFamily, Shutdown, SocketFlags, SocketType, ipproto, sockopt};

use crate::error::{NetworkError, Result};
use crate::record::Protocol;

/// Connections that wait to be accepted by a relay.
const BACKLOG: i32 = 4096;

/// Holds a port, so that no other process can use it. `None` when this kernel has no sockets of that protocol
/// (SCTP is often a module, and nobody can take what nobody can open).
///
/// A TCP port is listened on for a moment: only that finds another listener for sure and yet not those leftovers
/// of closed connections (TIME_WAIT) that hold a port for a minute. Then the socket stops listening: if the
/// packet filter is emptied, connections are refused and do not hang.
pub(super) fn hold(protocol: Protocol, address: SocketAddr) -> Result<Option<OwnedFd>> {
    let refused = |source: io::Error| NetworkError::PortBind { address, protocol: protocol.as_str(), source };
    let socket = match open(protocol, address) {
        Ok(socket) => socket,
        Err(error) if protocol == Protocol::Sctp && is_missing(&error) => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    let held = (|| -> rustix::io::Result<()> {
        if protocol == Protocol::Udp {
            return net::bind(&socket, &address);
        }
        sockopt::set_socket_reuseaddr(&socket, true)?;
        net::bind(&socket, &address)?;
        net::listen(&socket, 1)?;
        net::shutdown(&socket, Shutdown::Both)?;
        // Without this another process that asks for it could listen beside us.
        sockopt::set_socket_reuseaddr(&socket, false)
    })();
    held.map_err(|error| refused(error.into()))?;
    Ok(Some(socket))
}

/// Opens a socket for a relay: a listener for TCP, a bound socket for UDP that tells which address was asked.
pub(crate) fn listen(protocol: Protocol, address: SocketAddr) -> Result<OwnedFd> {
    let refused = |source: io::Error| NetworkError::PortBind { address, protocol: protocol.as_str(), source };
    let socket = open(protocol, address).map_err(refused)?;
    let listening = (|| -> io::Result<()> {
        if protocol == Protocol::Tcp {
            sockopt::set_socket_reuseaddr(&socket, true)?;
            net::bind(&socket, &address)?;
            return Ok(net::listen(&socket, BACKLOG)?);
        }
        sampan_sys::packet_information::receive(&socket, address.is_ipv6())?;
        Ok(net::bind(&socket, &address)?)
    })();
    listening.map_err(refused)?;
    Ok(socket)
}

/// Whether an error says that there is no such protocol or address family here.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::PROTONOSUPPORT, Errno::AFNOSUPPORT, Errno::SOCKTNOSUPPORT, Errno::ADDRNOTAVAIL]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn open(protocol: Protocol, address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let (kind, number) = match protocol {
        Protocol::Tcp => (SocketType::STREAM, ipproto::TCP),
        Protocol::Udp => (SocketType::DGRAM, ipproto::UDP),
        Protocol::Sctp => (SocketType::STREAM, ipproto::SCTP),
    };
    let socket = net::socket_with(family, kind, SocketFlags::CLOEXEC, Some(number))?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;
    use crate::testing::in_own_namespace;

    #[test]
    fn a_held_port_can_be_used_by_nobody_and_refuses_connections() {
        in_own_namespace(|| {
            let address: SocketAddr = "0.0.0.0:8080".parse().unwrap();
            let socket = hold(Protocol::Tcp, address).unwrap();
            // The standard library asks for address reuse, as most servers do.
            assert_eq!(TcpListener::bind(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
            assert!(TcpListener::bind("127.0.0.1:8080").is_err());
            assert_eq!(
                TcpStream::connect("127.0.0.1:8080").unwrap_err().kind(),
                io::ErrorKind::ConnectionRefused
            );
            let error = hold(Protocol::Tcp, address).unwrap_err();
            assert_eq!(
                error.to_string(),
                "failed to bind host port 0.0.0.0:8080/tcp: address already in use"
            );
            drop(socket);
            TcpListener::bind(address).unwrap();
        });
    }

    #[test]
    fn a_port_in_use_is_found_and_a_closed_connection_is_no_use() {
        in_own_namespace(|| {
            let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
            let listener = TcpListener::bind(address).unwrap();
            assert!(hold(Protocol::Tcp, "0.0.0.0:8080".parse().unwrap()).is_err());
            let client = TcpStream::connect(address).unwrap();
            // The side that closes first keeps the port in TIME_WAIT.
            drop(listener.accept().unwrap());
            drop((client, listener));
            hold(Protocol::Tcp, address).unwrap();
            let udp = UdpSocket::bind(address).unwrap();
            assert!(hold(Protocol::Udp, address).is_err());
            drop(udp);
            let held = hold(Protocol::Udp, address).unwrap();
            assert!(UdpSocket::bind(address).is_err());
            drop(held);
        });
    }
}
