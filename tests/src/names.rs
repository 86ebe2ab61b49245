//! A client and a server of the domain name system, written for the tests on a well-known library.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::Host;

/// Where containers ask.
pub const NAME_SERVER: &str = "127.0.0.11:53";
/// As long as the C library waits (resolv.conf(5)).
const PATIENCE: Duration = Duration::from_secs(5);

/// The network namespace of a container that runs.
///
/// # Panics
/// When it does not run.
#[track_caller]
pub fn network_of(host: &Host, container: &str) -> OwnedFd {
    let pid = host.docker(&["inspect", "-f", "{{.State.Pid}}", container]).ok().to_owned();
    // The host counts processes by itself.
    let path = format!("/proc/{}/root/proc/{pid}/ns/net", host.first_process());
    std::fs::File::open(path).expect("the container runs").into()
}

/// What was answered: the values of all records in alphabetical order, or the code of a failure.
pub type Answer = Result<Vec<String>, ResponseCode>;

/// Somebody inside a network who asks, on one socket.
pub struct Client(UdpSocket);

impl Client {
    /// One inside a container.
    #[track_caller]
    pub fn inside(host: &Host, container: &str) -> Client {
        Client::inside_towards(host, container, NAME_SERVER)
    }

    /// One inside a container that asks a server of the test's choice.
    #[track_caller]
    pub fn inside_towards(host: &Host, container: &str, server: &str) -> Client {
        let network = network_of(host, container);
        std::thread::scope(|scope| {
            let open = || {
                crate::enter(&network);
                let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket in a container's network");
                socket.connect(server).expect("a way to the name server");
                socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                Client(socket)
            };
            scope.spawn(open).join().expect("the thread ends well")
        })
    }

    /// Asks and waits for the answer.
    ///
    /// # Panics
    /// When none comes within five seconds.
    #[track_caller]
    pub fn ask(&self, name: &str, kind: &str) -> Answer {
        self.try_ask(name, kind).unwrap_or_else(|error| panic!("{name} {kind}: no answer: {error}"))
    }

    /// The same; an error when none comes.
    pub fn try_ask(&self, name: &str, kind: &str) -> std::io::Result<Answer> {
        let kind: RecordType = kind.parse().expect("a type of record");
        let mut query = Message::query();
        query.metadata.recursion_desired = true;
        query.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
        self.0.send(&query.to_vec().expect("a message"))?;
        let mut buffer = [0; 4096];
        loop {
            let count = self.0.recv(&mut buffer)?;
            let answer = Message::from_vec(&buffer[..count]).expect("an answer is a message");
            if answer.metadata.id != query.metadata.id {
                continue;
            }
            if answer.metadata.response_code != ResponseCode::NoError {
                return Ok(Err(answer.metadata.response_code));
            }
            let mut values: Vec<String> = answer.answers.iter().map(|it| it.data.to_string()).collect();
            values.sort();
            return Ok(Ok(values));
        }
    }
}

/// A name server that has one address for all names, and remembers what it was asked.
pub struct Server {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one on a thread inside a network, for as long as the test runs.
    ///
    /// # Panics
    /// When the address is taken.
    #[track_caller]
    pub fn start(network: OwnedFd, address: &str, answer: [u8; 4]) -> Server {
        let address: SocketAddr = address.parse().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        let (ready, started) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            crate::enter(&network);
            let socket = UdpSocket::bind(address).expect("the server's address");
            ready.send(()).expect("the test waits");
            let mut buffer = [0; 4096];
            while let Ok((count, client)) = socket.recv_from(&mut buffer) {
                let Ok(query) = Message::from_vec(&buffer[..count]) else { continue };
                let name = query.queries[0].name().clone();
                remembered.lock().expect("no test panics here").push(name.to_ascii());
                let mut response = query.into_response();
                response.add_answer(Record::from_rdata(name, 60, RData::A(A(answer.into()))));
                let _ = socket.send_to(&response.to_vec().expect("a message"), client);
            }
        });
        started.recv().expect("the server starts");
        Server { asked }
    }

    /// The names that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics here").clone()
    }
}
