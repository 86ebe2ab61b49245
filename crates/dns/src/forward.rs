//! Asking other servers. A query goes on as it came, under another number and from a port of its own, so that nobody
//! who cannot see it can answer it (RFC 5452).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sampan_network::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

use crate::answer::Transport;
use crate::host_servers::HostServers;
use crate::question;
use crate::view::Upstream;

/// The port of name servers.
const DOMAIN: u16 = 53;
/// A server that says nothing for so long is not waited for alone any more: the next one is asked too.
const PATIENCE: Duration = Duration::from_millis(1300);
/// Then it is over: clients give up after five seconds (resolv.conf(5)), and shall hear why before.
const LONGEST: Duration = Duration::from_secs(4);
/// Servers that are asked: as many as the C library takes from its file (resolv.conf(5)).
const MOST_SERVERS: usize = 3;

/// Where a server is asked from.
#[derive(Debug, Clone)]
struct Server {
    address: SocketAddr,
    inside: Option<Arc<Sandbox>>,
}

/// Asks the servers in turn and gives the first answer that says something; else what the last one said. `None` when
/// nobody was asked or nobody answered.
pub(crate) async fn forward(
    upstream: &Upstream,
    host: &HostServers,
    query: &[u8],
    transport: Transport,
) -> Option<Vec<u8>> {
    let mut servers = servers(upstream, host).into_iter().take(MOST_SERVERS);
    let mut asked = FuturesUnordered::new();
    let mut failure = None;
    let mut left = servers.next();
    let race = async {
        loop {
            if let Some(server) = left.take() {
                asked.push(ask(server, query, transport));
            }
            if asked.is_empty() {
                return None;
            }
            tokio::select! {
                answer = asked.next() => match answer.flatten() {
                    Some(answer) if question::is_final(&answer) => return Some(answer),
                    other => {
                        failure = other.or(failure.take());
                        left = servers.next();
                    }
                },
                () = sleep(PATIENCE) => left = servers.next(),
            }
        }
    };
    let answer = timeout(LONGEST, race).await.ok().flatten();
    answer.or(failure)
}

fn servers(upstream: &Upstream, host: &HostServers) -> Vec<Server> {
    let server = |address: &IpAddr, inside: Option<&Arc<Sandbox>>| Server {
        address: SocketAddr::new(*address, DOMAIN),
        inside: inside.cloned(),
    };
    match upstream {
        Upstream::Nobody => Vec::new(),
        Upstream::Host => host.now().iter().map(|address| server(address, None)).collect(),
        Upstream::Given(servers, sandbox) => {
            servers.iter().map(|address| server(address, Some(sandbox))).collect()
        }
    }
}

/// Asks one server; `None` when it does not answer.
async fn ask(server: Server, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let asked = question::question(query)?;
    let number = question::id(query)?;
    let other = rand::random::<[u8; 2]>();
    let mut sent = query.to_vec();
    question::set_id(&mut sent, other);
    let answered = match transport {
        Transport::Datagram => by_datagram(&server, &sent, other, asked).await,
        Transport::Stream => by_stream(&server, &sent, other, asked).await,
    };
    match answered {
        Ok(mut answer) => {
            question::set_id(&mut answer, number);
            Some(answer)
        }
        Err(error) => {
            tracing::debug!(server = %server.address, %error, "a name server does not answer");
            None
        }
    }
}

async fn by_datagram(server: &Server, query: &[u8], id: [u8; 2], asked: &[u8]) -> io::Result<Vec<u8>> {
    let address = server.address;
    let socket = match server.inside.clone() {
        Some(sandbox) => {
            away(move || sandbox.open_datagram_socket(address).map_err(io::Error::other)).await?
        }
        None => {
            let any: SocketAddr =
                if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
            let socket = std::net::UdpSocket::bind(any)?;
            socket.connect(address)?;
            socket
        }
    };
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from_std(socket)?;
    socket.send(query).await?;
    let mut buffer = vec![0; 65_535];
    loop {
        let count = socket.recv(&mut buffer).await?;
        if question::is_answer(&buffer[..count], id, asked) {
            buffer.truncate(count);
            return Ok(buffer);
        }
    }
}

async fn by_stream(server: &Server, query: &[u8], id: [u8; 2], asked: &[u8]) -> io::Result<Vec<u8>> {
    let address = server.address;
    let mut stream = match server.inside.clone() {
        Some(sandbox) => {
            let stream =
                away(move || sandbox.open_connection(address, LONGEST).map_err(io::Error::other)).await?;
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)?
        }
        None => TcpStream::connect(address).await?,
    };
    write(&mut stream, query).await?;
    let answer = read(&mut stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    if question::is_answer(&answer, id, asked) { Ok(answer) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// One message from a stream, which has its length before it (RFC 1035, section 4.2.2). `None` at the end.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let length = match stream.read_u16().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// One message to a stream, in one piece.
pub(crate) async fn write(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await
}
