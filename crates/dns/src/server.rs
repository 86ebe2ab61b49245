//! The sockets of all containers, and who answers on them.

use std::collections::HashMap;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use sampan_network::NameSockets;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::answer::{Decision, Transport, decide, refusal};
use crate::directory::{Directory, Member};
use crate::forward::{forward, read, write};
use crate::host_servers::HostServers;
use crate::view::View;

/// Queries of one container that may be with other servers at a time.
const MOST_FORWARDED: usize = 1024;
/// Streams of one container at a time; more wait in the listener's queue.
const MOST_STREAMS: usize = 128;
/// A stream on which nothing is asked for so long is closed (RFC 7766, section 6.2.3).
const IDLE: Duration = Duration::from_secs(10);
/// Most bytes of a datagram.
const LARGEST_DATAGRAM: usize = 65_535;

/// The name servers of all containers. Dropping it stops them all.
#[derive(Debug, Default)]
pub struct NameServers {
    shared: Arc<Shared>,
    running: Mutex<HashMap<String, NameServer>>,
}

#[derive(Debug, Default)]
struct Shared {
    directory: Directory,
    host: HostServers,
}

/// One container's.
#[derive(Debug)]
struct NameServer {
    container: Arc<Container>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct Container {
    view: RwLock<Arc<View>>,
    forwarded: Arc<Semaphore>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl NameServers {
    /// Says where a container is and what it is called there; an empty list says that it is nowhere.
    pub fn set_members(&self, container: &str, members: Vec<Member>) {
        self.shared.directory.set(container, members);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, NameServer>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a container on its sockets from now on. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// The sockets cannot be watched.
    pub fn serve(&self, container: &str, sockets: NameSockets, view: View) -> io::Result<()> {
        let udp = UdpSocket::from(sockets.udp);
        udp.set_nonblocking(true)?;
        let udp = Arc::new(tokio::net::UdpSocket::from_std(udp)?);
        let tcp = TcpListener::from(sockets.tcp);
        tcp.set_nonblocking(true)?;
        let tcp = tokio::net::TcpListener::from_std(tcp)?;
        let asking = Arc::new(Container {
            view: RwLock::new(Arc::new(view)),
            forwarded: Arc::new(Semaphore::new(MOST_FORWARDED)),
        });
        let tasks = [
            tokio::spawn(answer_datagrams(Arc::clone(&self.shared), Arc::clone(&asking), udp)),
            tokio::spawn(answer_streams(Arc::clone(&self.shared), Arc::clone(&asking), tcp)),
        ];
        self.running().insert(container.to_owned(), NameServer { container: asking, tasks });
        Ok(())
    }

    /// Whether a container is answered.
    pub fn is_serving(&self, container: &str) -> bool {
        self.running().contains_key(container)
    }

    /// Changes what a container sees; nothing when it is not answered.
    pub fn set_view(&self, container: &str, view: View) {
        if let Some(server) = self.running().get(container) {
            *server.container.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        }
    }

    /// A container has ended: it is nowhere, and asks no more.
    pub fn forget(&self, container: &str) {
        self.shared.directory.set(container, Vec::new());
        let stopped = self.running().remove(container);
        drop(stopped);
    }
}

impl Container {
    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer_datagrams(
    shared: Arc<Shared>,
    container: Arc<Container>,
    socket: Arc<tokio::net::UdpSocket>,
) {
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    loop {
        let (count, client) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // An answer that nobody waited for comes back as an error; the socket goes on.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
            Err(error) => {
                tracing::warn!(%error, "a container's name server stopped");
                return;
            }
        };
        let query = &buffer[..count];
        match decide(&shared.directory, &container.view(), query, Transport::Datagram) {
            Decision::Answer(answer) => {
                // Whoever asked may be gone.
                let _ = socket.send_to(&answer, client).await;
            }
            Decision::Forward => {
                let (query, socket) = (query.to_vec(), Arc::clone(&socket));
                let (shared, container) = (Arc::clone(&shared), Arc::clone(&container));
                tokio::spawn(async move {
                    if let Some(answer) = ask_further(&shared, &container, &query, Transport::Datagram).await
                    {
                        let _ = socket.send_to(&answer, client).await;
                    }
                });
            }
            Decision::Ignore => {}
        }
    }
}

async fn answer_streams(shared: Arc<Shared>, container: Arc<Container>, listener: tokio::net::TcpListener) {
    let streams = Arc::new(Semaphore::new(MOST_STREAMS));
    loop {
        let Ok(permit) = Arc::clone(&streams).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (shared, container) = (Arc::clone(&shared), Arc::clone(&container));
                tokio::spawn(async move {
                    // A client may break off at any time.
                    let _ = answer_stream(&shared, &container, stream).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a stream to a container's name server failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer_stream(shared: &Shared, container: &Container, mut stream: TcpStream) -> io::Result<()> {
    while let Ok(query) = timeout(IDLE, read(&mut stream)).await {
        let Some(query) = query? else { return Ok(()) };
        let answer = match decide(&shared.directory, &container.view(), &query, Transport::Stream) {
            Decision::Answer(answer) => Some(answer),
            Decision::Forward => ask_further(shared, container, &query, Transport::Stream).await,
            Decision::Ignore => None,
        };
        match answer {
            Some(answer) => write(&mut stream, &answer).await?,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Another server's answer, or one that says that there is none.
async fn ask_further(
    shared: &Shared,
    container: &Container,
    query: &[u8],
    transport: Transport,
) -> Option<Vec<u8>> {
    let Ok(_permit) = container.forwarded.try_acquire() else {
        return refusal(query, ResponseCode::Refused, transport);
    };
    let view = container.view();
    let answer = forward(&view.upstream, &shared.host, query, transport).await;
    answer.or_else(|| refusal(query, ResponseCode::ServFail, transport))
}
