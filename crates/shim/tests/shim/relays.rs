//! Sockets held for published ports, on loopback.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;

use sampan_shim::protocol::*;

use super::lab::*;

/// A server that sends back what it gets, once per connection.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut text = Vec::new();
                stream.read_to_end(&mut text).unwrap();
                stream.write_all(&text).unwrap();
            });
        }
    });
    address
}

fn tcp(target: SocketAddr) -> (Relay, OwnedFd, SocketAddr) {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let address = listener.local_addr().unwrap();
    (
        Relay { protocol: RelayProtocol::Tcp, target, only_near: false, name: String::new(), held: false },
        listener.into(),
        address,
    )
}

#[test]
fn connections_are_relayed_whole_in_both_directions_and_end_with_the_container() {
    let lab = Lab::new();
    let (relay, listener, address) = tcp(echo());
    let reservation = TcpListener::bind("127.0.0.1:0").unwrap();
    let reserved = reservation.local_addr().unwrap();
    let mut launch = lab.launch(&["sleep", "100"]);
    launch.relays = vec![relay];
    let mut shim = Shim::start();
    let descriptors = vec![(Role::RelayListener, listener), (Role::Reservation, OwnedFd::from(reservation))];
    shim.daemon.call(&launch, descriptors).unwrap();
    assert_eq!(shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap().sockets, 2);
    assert!(TcpListener::bind(reserved).is_err(), "the port is taken");
    let text: Vec<u8> = (0..5_000_000_u32).flat_map(|number| number.to_le_bytes()).take(5_000_000).collect();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let text = text.clone();
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                let mut writer = stream.try_clone().unwrap();
                let sent = text.clone();
                let writing = std::thread::spawn(move || {
                    writer.write_all(&sent).unwrap();
                    writer.shutdown(std::net::Shutdown::Write).unwrap();
                });
                let mut back = Vec::new();
                stream.read_to_end(&mut back).unwrap();
                writing.join().unwrap();
                assert!(back == text);
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
    assert!(TcpStream::connect(address).is_err());
    TcpListener::bind(reserved).expect("the port is free again");
}

#[test]
fn sockets_can_be_replaced_while_the_container_runs() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    let (relay, listener, address) = tcp(echo());
    shim.daemon
        .call(&SetSockets { relays: vec![relay.clone()] }, vec![(Role::RelayListener, listener)])
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"before").unwrap();
    let failure = shim.daemon.call(&SetSockets { relays: vec![relay] }, Vec::new()).unwrap_err();
    assert_eq!(failure.kind, "InvalidArgument");
    shim.daemon.call(&SetSockets::default(), Vec::new()).unwrap();
    assert!(TcpStream::connect(address).is_err());
    stream.write_all(b" after").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "before after");
    // A target that refuses: the connection ends, the relay stays.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (relay, listener, address) = tcp(nobody);
    shim.daemon.call(&SetSockets { relays: vec![relay] }, vec![(Role::RelayListener, listener)]).unwrap();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert!(!matches!(stream.read(&mut [0; 1]), Ok(1)));
    }
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn datagrams_find_their_way_back() {
    let lab = Lab::new();
    let inner = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = inner.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok((count, from)) = inner.recv_from(&mut buffer) {
            buffer[..count].reverse();
            inner.send_to(&buffer[..count], from).unwrap();
        }
    });
    let outer = UdpSocket::bind("[::1]:0").unwrap();
    let address = outer.local_addr().unwrap();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    let relay =
        Relay { protocol: RelayProtocol::Udp, target, only_near: false, name: String::new(), held: false };
    shim.daemon.call(&SetSockets { relays: vec![relay] }, vec![(Role::RelayListener, outer.into())]).unwrap();
    let clients: Vec<_> = (0..3).map(|_| UdpSocket::bind("[::1]:0").unwrap()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client.connect(address).unwrap();
        client.send(format!("abc{number}").as_bytes()).unwrap();
    }
    for (number, client) in clients.iter().enumerate() {
        let mut buffer = [0; 100];
        let count = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], format!("{number}cba").as_bytes());
    }
    let large: Vec<u8> = (0..60_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    clients[0].send(&large).unwrap();
    let mut buffer = vec![0; 65_536];
    assert_eq!(clients[0].recv(&mut buffer).unwrap(), large.len());
    assert!(buffer[..large.len()].iter().rev().eq(&large));
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn a_held_relay_lets_connections_wait_until_it_is_aimed() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    let (mut relay, listener, address) = tcp("127.0.0.1:9".parse().unwrap());
    (relay.name, relay.held) = ("80/tcp".to_owned(), true);
    let change = ChangeSockets { relays: vec![relay], ..ChangeSockets::default() };
    shim.daemon.call(&change, vec![(Role::RelayListener, listener)]).unwrap();
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(b"held").unwrap();
    waiting.shutdown(std::net::Shutdown::Write).unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(waiting.read(&mut [0; 1]).is_err(), "nobody answers yet, and nobody refuses");
    // Published ports may change meanwhile.
    shim.daemon.call(&SetSockets::default(), Vec::new()).unwrap();
    let aim = Aim { name: "80/tcp".to_owned(), target: echo(), held: false };
    let change = ChangeSockets { aims: vec![aim], ..ChangeSockets::default() };
    shim.daemon.call(&change, Vec::new()).unwrap();
    waiting.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut text = String::new();
    waiting.read_to_string(&mut text).unwrap();
    assert_eq!(text, "held");
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn a_container_that_may_run_for_so_long_only_is_killed_then() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "100"]));
    // Each says it anew, and none is for ever.
    shim.daemon.call(&Expire { milliseconds: Some(60_000) }, Vec::new()).unwrap();
    shim.daemon.call(&Expire { milliseconds: None }, Vec::new()).unwrap();
    assert!(shim.daemon.call(&StatusRequest {}, Vec::new()).is_ok());
    shim.daemon.call(&Expire { milliseconds: Some(100) }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}
