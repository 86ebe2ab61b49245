//! The daemon's side of a container's shim: starting it, finding it again, asking it, hearing from it.
//!
//! The shim is a process of its own that outlives the daemon; see `sampan_shim::protocol` for what is said.
//! A container's end is heard as an event, or as the end of the connection: nothing is polled.

mod connection;
mod process;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use sampan_error::{Context, Error, Kind, Result};
use sampan_shim::log::LogOptions;
use sampan_shim::protocol::{
    Attach, ChangeSockets, CloseStdin, EXIT_NAME, Event, Exec, Exit, Expire, FollowOptions, GiveNameSockets,
    HoldNameSockets, Launch, Launched, Park, Parked, Resize, Role, SetLog, SetSockets, Shutdown, Signal,
    Size, Start, Status, StatusRequest,
};
use tokio::sync::mpsc::UnboundedReceiver;

use connection::Connection;

/// What a shim tells by itself, in order. The end of this stream means that the shim is gone.
pub type Events = UnboundedReceiver<Event>;

/// The descriptors that go with a [`Launch`]. The shim gets copies; these are closed when they were sent.
#[derive(Debug, Default)]
pub struct LaunchDescriptors {
    /// The network namespace that the container gets.
    pub network_namespace: Option<OwnedFd>,
    /// Sockets that reserve published ports.
    pub reservations: Vec<OwnedFd>,
    /// Sockets to be relayed, one for each of the launch's relays.
    pub relay_listeners: Vec<OwnedFd>,
    /// The sockets of the container's name server: for datagrams, and listening.
    pub name_sockets: Vec<OwnedFd>,
    /// The clients, one for each of the launch's `attach`.
    pub clients: Vec<OwnedFd>,
}

/// A container's shim. Clones speak to the same one; dropping all of them only ends the connection.
#[derive(Debug, Clone)]
pub struct Supervisor {
    connection: Arc<Connection>,
}

impl Supervisor {
    /// Starts a new shim from `program` (see `sampan_shim_embedded::seal`), for a container yet unknown.
    ///
    /// # Errors
    /// No process can be made, or no descriptor is left. Needs a tokio runtime with I/O.
    pub fn spawn(program: BorrowedFd<'_>) -> Result<(Self, Events)> {
        let (ours, theirs) = sampan_sys::socket::pair().context("cannot make the socket to a new shim")?;
        let child = process::start(program, &["sampan-shim"], &[(theirs.as_fd(), 3)])
            .context("cannot start a shim process")?;
        let pid = child.pid;
        let pidfd = Arc::new(child.pidfd);
        process::reap(Arc::clone(&pidfd))?;
        let (connection, events) = Connection::new(ours, pid, pidfd)?;
        Ok((Self { connection: Arc::new(connection) }, events))
    }

    /// Finds the shim again that an earlier daemon started, by its directory.
    ///
    /// # Errors
    /// `NotFound` when there is no shim any more: then [`Supervisor::exit_record`] says how the container ended.
    pub async fn connect(directory: &Path) -> Result<(Self, Events)> {
        let (socket, pid) = process::connect(directory).await?;
        let pidfd = sampan_sys::pidfd::open(pid).map_err(|error| {
            Error::new(Kind::NotFound, format!("the shim in {} has just ended", directory.display()))
                .caused_by(error)
        })?;
        let (connection, events) = Connection::new(socket, pid, Arc::new(pidfd))?;
        Ok((Self { connection: Arc::new(connection) }, events))
    }

    /// How the container of this directory ended, if it has: the record that its shim left.
    ///
    /// # Errors
    /// The record exists and cannot be read.
    pub fn exit_record(directory: &Path) -> Result<Option<Exit>> {
        let path = directory.join(EXIT_NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context(format!("cannot read {}", path.display())),
        };
        let exit = serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(Kind::DataLoss, format!("the exit record {} is damaged", path.display()))
                .caused_by(error)
        })?;
        Ok(Some(exit))
    }

    /// The shim's process number.
    pub fn pid(&self) -> i32 {
        self.connection.pid()
    }

    /// Makes an init ahead of time, for a container yet unknown.
    ///
    /// # Errors
    /// As the runtime's: namespaces or cgroups cannot be made. `Unavailable` when the shim is gone; so below.
    pub async fn park(&self, park: &Park) -> Result<Parked> {
        self.connection.call(park, Vec::new()).await
    }

    /// Prepares the container and, unless it is to be held, starts its program.
    ///
    /// # Errors
    /// Why it cannot run, with the runtime's kind and sentence: `CommandNotFound`, `CommandNotExecutable` and so
    /// on. The shim is of no more use then and ends by itself.
    pub async fn launch(&self, launch: &Launch, descriptors: LaunchDescriptors) -> Result<Launched> {
        let mut list = Vec::new();
        let mut add =
            |role, descriptors: Vec<OwnedFd>| list.extend(descriptors.into_iter().map(|fd| (role, fd)));
        add(Role::NetworkNamespace, descriptors.network_namespace.into_iter().collect());
        add(Role::Reservation, descriptors.reservations);
        add(Role::RelayListener, descriptors.relay_listeners);
        add(Role::NameSocket, descriptors.name_sockets);
        add(Role::Client, descriptors.clients);
        self.connection.call(launch, list).await
    }

    /// Lets a held container's program run.
    ///
    /// # Errors
    /// As [`Supervisor::launch`]; `Conflict` when nothing is held.
    pub async fn start(&self) -> Result<Launched> {
        self.connection.call(&Start {}, Vec::new()).await
    }

    /// Hands a client's connection to the shim. When this returns, the client is attached: what the program
    /// writes from now on reaches it.
    ///
    /// # Errors
    /// `Conflict` when the container does not run.
    pub async fn attach(&self, attach: &Attach, client: OwnedFd) -> Result<()> {
        self.connection.call(attach, vec![(Role::Client, client)]).await
    }

    /// Adds a process to the container. Its end comes as [`Event::ExecExited`].
    ///
    /// # Errors
    /// As [`Supervisor::launch`]; an attached client has got the sentence as well. `AlreadyExists` for an id
    /// that runs, `Conflict` when the container does not run.
    pub async fn exec(&self, exec: &Exec, client: Option<OwnedFd>) -> Result<Launched> {
        self.connection.call(exec, client.into_iter().map(|client| (Role::Client, client)).collect()).await
    }

    /// Changes the size of the container's terminal, or of an exec's.
    ///
    /// # Errors
    /// `NotFound` for an unknown exec, `Conflict` when it has no terminal.
    pub async fn resize(&self, exec: Option<&str>, size: Size) -> Result<()> {
        self.connection.call(&Resize { exec: exec.map(str::to_owned), size }, Vec::new()).await
    }

    /// Sends a signal to the container's init or to an exec's process; never to a stranger.
    ///
    /// # Errors
    /// `Conflict` when it has ended, `InvalidArgument` for an unknown signal.
    pub async fn signal(&self, exec: Option<&str>, signal: i32) -> Result<()> {
        self.connection.call(&Signal { exec: exec.map(str::to_owned), signal }, Vec::new()).await
    }

    /// Closes the container's standard input.
    ///
    /// # Errors
    /// The shim is gone.
    pub async fn close_stdin(&self) -> Result<()> {
        self.connection.call(&CloseStdin {}, Vec::new()).await
    }

    /// Everything that a daemon must know about the container.
    ///
    /// # Errors
    /// The shim is gone.
    pub async fn status(&self) -> Result<Status> {
        self.connection.call(&StatusRequest {}, Vec::new()).await
    }

    /// Changes where output is kept.
    ///
    /// # Errors
    /// The new log cannot be opened; the old one goes on.
    pub async fn set_log(&self, log: LogOptions) -> Result<()> {
        self.connection.call(&SetLog { log }, Vec::new()).await
    }

    /// Replaces the sockets that are held for published ports.
    ///
    /// # Errors
    /// `InvalidArgument` when relays and listeners do not match.
    pub async fn set_sockets(
        &self,
        sockets: &SetSockets,
        reservations: Vec<OwnedFd>,
        relay_listeners: Vec<OwnedFd>,
    ) -> Result<()> {
        let mut list: Vec<_> = reservations.into_iter().map(|fd| (Role::Reservation, fd)).collect();
        list.extend(relay_listeners.into_iter().map(|fd| (Role::RelayListener, fd)));
        self.connection.call(sockets, list).await
    }

    /// Adds sockets for published ports and lets others go.
    ///
    /// # Errors
    /// As [`Supervisor::set_sockets`].
    pub async fn change_sockets(
        &self,
        change: &ChangeSockets,
        reservations: Vec<OwnedFd>,
        relay_listeners: Vec<OwnedFd>,
    ) -> Result<()> {
        let mut list: Vec<_> = reservations.into_iter().map(|fd| (Role::Reservation, fd)).collect();
        list.extend(relay_listeners.into_iter().map(|fd| (Role::RelayListener, fd)));
        self.connection.call(change, list).await
    }

    /// The container ends after this time unless this is called again; `None` takes it back.
    ///
    /// # Errors
    /// The shim is gone.
    pub async fn expire(&self, milliseconds: Option<u64>) -> Result<()> {
        self.connection.call(&Expire { milliseconds }, Vec::new()).await
    }

    /// Gives the shim the sockets of the container's name server to keep: for datagrams, and listening.
    ///
    /// # Errors
    /// The shim is gone, or too old to know of name servers.
    pub async fn hold_name_sockets(&self, sockets: Vec<OwnedFd>) -> Result<()> {
        let list = sockets.into_iter().map(|fd| (Role::NameSocket, fd)).collect();
        self.connection.call(&HoldNameSockets {}, list).await
    }

    /// Copies of those sockets; empty when there are none.
    ///
    /// # Errors
    /// As [`Supervisor::hold_name_sockets`].
    pub async fn name_sockets(&self) -> Result<Vec<OwnedFd>> {
        let (_, mut received) = self.connection.call_for_descriptors(&GiveNameSockets {}, Vec::new()).await?;
        Ok(received.take_all(Role::NameSocket))
    }

    /// Tells the shim that the container's exit is recorded, or that it is not needed: it ends.
    ///
    /// # Errors
    /// `Conflict` while the container runs.
    pub async fn shutdown(&self) -> Result<()> {
        self.connection.call(&Shutdown {}, Vec::new()).await
    }

    /// Starts a process that sends the log to `client` until the container ends or the client goes away, and
    /// that needs no daemon meanwhile (`logs -f`).
    ///
    /// # Errors
    /// No process can be made.
    pub fn follow_logs(
        &self,
        program: BorrowedFd<'_>,
        options: &FollowOptions,
        client: OwnedFd,
    ) -> Result<()> {
        process::follow(program, options, client.as_fd(), Some(self.connection.pidfd()))
    }

    /// As [`Supervisor::follow_logs`], for a container that does not run: the log so far.
    ///
    /// # Errors
    /// No process can be made.
    pub fn send_logs(program: BorrowedFd<'_>, options: &FollowOptions, client: OwnedFd) -> Result<()> {
        process::follow(program, options, client.as_fd(), None)
    }
}
