//! One connection to a shim: requests matched with their replies, and the events between them.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sampan_error::{Context, Error, Result};
use sampan_shim::protocol::{Descriptors, Event, Incoming, Message, Outgoing, Packet, Request, Role};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// A request on its way to the task that owns the socket.
struct Order {
    sequence: u64,
    message: Message,
    descriptors: Vec<OwnedFd>,
    answer: oneshot::Sender<Packet>,
}

/// The near end of the connection.
#[derive(Debug)]
pub(super) struct Connection {
    pid: i32,
    pidfd: Arc<OwnedFd>,
    sequence: AtomicU64,
    orders: UnboundedSender<Order>,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Connection {
    /// Takes over a connected socket. Must be called inside a tokio runtime.
    pub(super) fn new(
        socket: OwnedFd,
        pid: i32,
        pidfd: Arc<OwnedFd>,
    ) -> Result<(Self, UnboundedReceiver<Event>)> {
        let socket = std::os::unix::net::UnixStream::from(socket);
        let socket = socket
            .set_nonblocking(true)
            .and_then(|()| UnixStream::from_std(socket))
            .context("cannot watch the socket of a shim")?;
        let (orders, received) = unbounded_channel();
        let (events, heard) = unbounded_channel();
        tokio::spawn(async move {
            if let Err(error) = (Far { socket, events, waiting: HashMap::new() }).run(received).await {
                tracing::warn!(pid, %error, "the connection to a shim broke");
            }
        });
        Ok((Self { pid, pidfd, sequence: AtomicU64::new(0), orders }, heard))
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Sends a request with its descriptors and waits for the reply.
    pub(super) async fn call<R: Request>(
        &self,
        request: &R,
        descriptors: Vec<(Role, OwnedFd)>,
    ) -> Result<R::Reply> {
        Ok(self.call_for_descriptors(request, descriptors).await?.0)
    }

    /// The same for a request whose reply comes with descriptors.
    pub(super) async fn call_for_descriptors<R: Request>(
        &self,
        request: &R,
        descriptors: Vec<(Role, OwnedFd)>,
    ) -> Result<(R::Reply, Descriptors)> {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let (roles, descriptors): (Vec<Role>, Vec<OwnedFd>) = descriptors.into_iter().unzip();
        let message = Message::new(R::NAME, sequence, &roles, request)
            .map_err(|error| Error::internal("a request to a shim cannot be written").caused_by(error))?;
        let (answer, answered) = oneshot::channel();
        let gone = || Error::unavailable("the container's shim is gone");
        self.orders.send(Order { sequence, message, descriptors, answer }).map_err(|_| gone())?;
        let mut packet = answered.await.map_err(|_| gone())?;
        let received = std::mem::take(&mut packet.descriptors);
        let outcome = packet.frame().and_then(|frame| {
            let descriptors = Descriptors::new(&frame.descriptors, received);
            Ok(frame.outcome::<R::Reply>()?.map(|reply| (reply, descriptors)))
        });
        outcome
            .map_err(|error| Error::internal("a shim's reply cannot be understood").caused_by(error))?
            .map_err(Error::from)
    }
}

/// The task that owns the socket.
struct Far {
    socket: UnixStream,
    events: UnboundedSender<Event>,
    waiting: HashMap<u64, oneshot::Sender<Packet>>,
}

impl Far {
    /// Runs until the shim closes its end, or nobody can ask any more and nobody listens.
    async fn run(mut self, mut orders: UnboundedReceiver<Order>) -> io::Result<()> {
        let mut incoming = Incoming::default();
        let mut outgoing = Outgoing::default();
        let mut asking = true;
        loop {
            tokio::select! {
                order = orders.recv(), if asking => match order {
                    Some(order) => {
                        self.waiting.insert(order.sequence, order.answer);
                        outgoing.push(order.message, order.descriptors);
                        // A shim that ended cannot be written to, but its last words may still be there to be
                        // read: what broke shows there.
                        let _ = outgoing.send(self.socket.as_fd());
                    }
                    None if self.events.is_closed() => return Ok(()),
                    None => asking = false,
                },
                () = self.events.closed(), if !asking => return Ok(()),
                ready = self.socket.writable(), if !outgoing.is_empty() => {
                    ready?;
                    // Only a full socket takes readiness away; `send` itself passes over that.
                    let socket = &self.socket;
                    let _ = socket.try_io(Interest::WRITABLE, || match outgoing.send(socket.as_fd())? {
                        true => Ok(()),
                        false => Err(io::ErrorKind::WouldBlock.into()),
                    });
                }
                ready = self.socket.readable() => {
                    ready?;
                    let socket = &self.socket;
                    match socket.try_io(Interest::READABLE, || incoming.receive(socket.as_fd())) {
                        Ok(true) => while let Some(packet) = incoming.take()? {
                            self.deliver(packet)?;
                        },
                        Ok(false) => return Ok(()),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }

    fn deliver(&mut self, packet: Packet) -> io::Result<()> {
        let frame = packet.frame()?;
        if frame.is_reply() {
            let sequence = frame.sequence;
            if let Some(answer) = self.waiting.remove(&sequence) {
                // Whoever asked may have given up.
                let _ = answer.send(packet);
            }
        } else if let Some(event) = Event::read(&frame)? {
            let _ = self.events.send(event);
        }
        Ok(())
    }
}
