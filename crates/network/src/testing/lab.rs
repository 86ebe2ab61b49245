//! A host of its own with a neighbour on its network: everything made of namespaces.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ipnet::IpNet;
use sampan_sys::namespace::{Namespaces, join};

use super::in_own_namespace;
use crate::netlink::{Request, link};
use crate::record::{BindingRequest, EndpointRecord, EndpointRequest, HostPort, Protocol, Records};
use crate::sandbox::{Sandbox, route_socket};
use crate::{Manager, ManagerConfig};

/// How long a client waits for an answer that must come, and for one that must not.
const PATIENCE: Duration = Duration::from_secs(5);
const IMPATIENCE: Duration = Duration::from_millis(250);
pub(crate) const HOST: &str = "192.0.2.2";
pub(crate) const OTHER: &str = "192.0.2.9";

/// The host is the calling thread's namespace; `other` is another host on the same wire.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) other: Sandbox,
    numbers: AtomicU64,
}

/// Runs a test on a host with `eth0` at [`HOST`], a default route, and a neighbour at [`OTHER`], which reaches
/// container addresses by this host if this host lets it.
pub(crate) fn with_lab<T: Send + 'static>(test: impl FnOnce(&Lab) -> T + Send + 'static) -> T {
    in_own_namespace(|| {
        let other = Sandbox::create_isolated().unwrap();
        let wire = |request: &mut Request, index: u32, address: &str, gateway: &str| {
            let up = link::Change { up: Some(true), ..Default::default() };
            request.change_link(index, &up, "set up".into());
            request.add_address(index, address.parse::<IpNet>().unwrap(), "address".into());
            request.add_default_route(index, gateway.parse().unwrap(), "route".into());
        };
        let socket = route_socket().unwrap();
        let mut request = Request::new();
        request.create_veth("eth0", "eth0", 1400, other.descriptor());
        request.execute(&socket).unwrap();
        let mut request = Request::new();
        let here = link::find(&socket, "eth0").unwrap().unwrap();
        wire(&mut request, here.index, "192.0.2.2/24", OTHER);
        request.execute(&socket).unwrap();
        other
            .with_inside(|inside| {
                let there = link::find(inside, "eth0")?.unwrap();
                let mut request = Request::new();
                wire(&mut request, there.index, "192.0.2.9/24", HOST);
                request.execute(inside)
            })
            .unwrap();
        test(&Lab { other, numbers: AtomicU64::new(1) })
    })
}

impl Lab {
    /// A manager with Docker's defaults.
    pub(crate) fn manager(&self) -> Manager {
        self.manager_of("0123abcd0123", true)
    }

    pub(crate) fn manager_of(&self, instance: &str, default: bool) -> Manager {
        Manager::open(ManagerConfig::new(instance, default), &Records::default()).unwrap()
    }

    /// A container on a network.
    pub(crate) fn container(&self, manager: &Manager, network: &str) -> (Sandbox, EndpointRecord) {
        let sandbox = Sandbox::create(&manager.config().instance, 1500).unwrap();
        let endpoint = manager.connect(&sandbox, network, &self.request()).unwrap();
        (sandbox, endpoint)
    }

    pub(crate) fn request(&self) -> EndpointRequest {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        EndpointRequest {
            endpoint_id: format!("{number:064x}"),
            container_id: format!("{number:064x}"),
            default_route: [true; 2],
            ..Default::default()
        }
    }
}

/// A binding on all addresses.
pub(crate) fn binding(protocol: Protocol, host_port: u16, container_port: u16) -> BindingRequest {
    BindingRequest { protocol, container_port, host_ip: None, host_port: HostPort::Fixed(host_port) }
}

/// Runs `action` inside a sandbox.
pub(crate) fn inside<T: Send>(sandbox: &Sandbox, action: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            join(sandbox.descriptor(), Namespaces::NETWORK).unwrap();
            action()
        });
        thread.join().unwrap()
    })
}

/// A server that tells each client which address it came from, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Serves inside a sandbox on a TCP and a UDP port of all addresses of `ip`.
pub(crate) fn serve(sandbox: &Sandbox, ip: &str, port: u16) -> Server {
    let address = SocketAddr::new(ip.parse().unwrap(), port);
    let (tcp, udp) =
        inside(sandbox, || (TcpListener::bind(address).unwrap(), UdpSocket::bind(address).unwrap()));
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while !stopped.load(Ordering::Relaxed) {
            let mut polled = [
                rustix::event::PollFd::new(&tcp, rustix::event::PollFlags::IN),
                rustix::event::PollFd::new(&udp, rustix::event::PollFlags::IN),
            ];
            let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
            let _ = rustix::event::poll(&mut polled, Some(&wait));
            if let Ok((mut client, peer)) = tcp.accept() {
                let _ = client.write_all(peer.ip().to_string().as_bytes());
            }
            if let Ok((_, peer)) = udp.recv_from(&mut buffer) {
                let _ = udp.send_to(peer.ip().to_string().as_bytes(), peer);
            }
        }
    });
    Server { stop, thread: Some(thread) }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Connects from the calling thread's namespace and gives what the server says: who it thinks is calling.
pub(crate) fn call(protocol: Protocol, address: &str) -> io::Result<String> {
    call_with(protocol, address, PATIENCE)
}

/// Whether nobody answers.
pub(crate) fn is_cut_off(protocol: Protocol, address: &str) -> bool {
    call_with(protocol, address, IMPATIENCE).is_err()
}

/// The same from inside a sandbox.
pub(crate) fn is_cut_off_from(sandbox: &Sandbox, protocol: Protocol, address: &str) -> bool {
    inside(sandbox, || is_cut_off(protocol, address))
}

fn call_with(protocol: Protocol, address: &str, patience: Duration) -> io::Result<String> {
    let address: SocketAddr = address.parse().unwrap();
    let mut text = String::new();
    if protocol == Protocol::Tcp {
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.read_to_string(&mut text)?;
        return Ok(text);
    }
    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(patience))?;
    socket.send(b"hello")?;
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// The same from inside a sandbox.
pub(crate) fn call_from(sandbox: &Sandbox, protocol: Protocol, address: &str) -> io::Result<String> {
    inside(sandbox, || call(protocol, address))
}
