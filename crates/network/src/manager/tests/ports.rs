//! Which ports are given, refused and held, and where relays lead.

use super::*;

fn described(published: &Published) -> Vec<String> {
    let describe = |binding: &crate::PublishedBinding| {
        let PublishedBinding { protocol, host_ip, host_port, container_port } = binding;
        format!("{host_ip} {host_port}->{container_port}/{}", protocol.as_str())
    };
    published.bindings().iter().map(describe).collect()
}

use crate::PublishedBinding;

#[test]
fn a_port_on_all_addresses_is_held_and_relayed_where_the_kernel_cannot_translate() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (_web, endpoint) = lab.container(&manager, "bridge");
        let bindings = vec![binding(Protocol::Tcp, 8080, 80), binding_at(Protocol::Udp, "::1", 53, 53)];
        let published = publish(&manager, &endpoint, bindings);
        assert_eq!(described(&published), ["0.0.0.0 8080->80/tcp", ":: 8080->80/tcp", "::1 53->53/udp"]);
        let relays: Vec<_> =
            published.relays.iter().map(|relay| format!("{} {}", relay.address, relay.target)).collect();
        assert_eq!(relays, ["[::]:8080 172.17.0.2:80", "[::1]:53 172.17.0.2:53"]);
        let held: Vec<_> = published.reservations.iter().map(|held| held.address.to_string()).collect();
        assert_eq!(held, ["0.0.0.0:8080"]);
        assert!(published.notes.is_empty());
        // The relay's listener really listens; a UDP one tells which address was asked.
        assert!(std::net::TcpStream::connect("[::1]:8080").is_ok());
    });
}

#[test]
fn dockers_sentences_tell_who_has_a_port() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (_web, endpoint) = lab.container(&manager, "bridge");
        let (_other, second) = lab.container(&manager, "bridge");
        let _kept = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let refused = |binding| try_publish(&manager, &second, vec![binding]).unwrap_err().to_string();
        assert_eq!(
            refused(binding(Protocol::Tcp, 8080, 81)),
            "Bind for 0.0.0.0:8080 failed: port is already allocated"
        );
        assert_eq!(
            refused(binding_at(Protocol::Tcp, "::1", 8080, 81)),
            "Bind for ::1:8080 failed: port is already allocated"
        );
        let listener = std::net::TcpListener::bind("127.0.0.1:9090").unwrap();
        assert_eq!(
            refused(binding(Protocol::Tcp, 9090, 81)),
            "failed to bind host port 0.0.0.0:9090/tcp: address already in use"
        );
        assert_eq!(
            refused(binding_at(Protocol::Tcp, "203.0.113.1", 9090, 81)),
            "failed to bind host port 203.0.113.1:9090/tcp: cannot assign requested address"
        );
        // All or nothing: the first of two is given back when the second is refused.
        let both = vec![binding(Protocol::Tcp, 7070, 80), binding(Protocol::Tcp, 9090, 81)];
        assert!(try_publish(&manager, &second, both).is_err());
        drop(listener);
        let _now = publish(
            &manager,
            &second,
            vec![binding(Protocol::Tcp, 7070, 80), binding(Protocol::Tcp, 9090, 81)],
        );
    });
}

#[test]
fn free_ports_are_found() {
    with_lab(|lab| {
        host::set("/proc/sys/net/ipv4/ip_local_port_range", "40000 40004").unwrap();
        let manager = lab.manager();
        let (_web, endpoint) = lab.container(&manager, "bridge");
        let _in_use = std::net::TcpListener::bind("127.0.0.1:40001").unwrap();
        let any = |host_port| BindingRequest {
            protocol: Protocol::Tcp,
            container_port: 80,
            host_ip: None,
            host_port,
        };
        let published = publish(
            &manager,
            &endpoint,
            vec![any(HostPort::Any), any(HostPort::Any), binding(Protocol::Tcp, 40000, 1)],
        );
        let ports = |published: &Published| {
            published.bindings().iter().map(|binding| binding.host_port).collect::<Vec<_>>()
        };
        // The same port on both families; the one that was asked for by number is not given away.
        assert_eq!(ports(&published), [40000, 40000, 40002, 40002, 40003, 40003]);
        let (_other, second) = lab.container(&manager, "bridge");
        let between = publish(&manager, &second, vec![any(HostPort::Between(40002, 40009))]);
        assert_eq!(ports(&between), [40004, 40004]);
        let error = try_publish(&manager, &second, vec![any(HostPort::Any)]).unwrap_err();
        assert!(
            error.to_string().contains("40001/tcp: address already in use")
                || error.to_string() == "all ports are allocated",
            "{error}"
        );
        manager.unpublish(&published.record).unwrap();
        drop(published);
        let again = publish(&manager, &endpoint, vec![any(HostPort::Any)]);
        assert!([40000, 40002, 40003].contains(&again.bindings()[0].host_port));
    });
}

#[test]
fn a_long_range_works_at_both_ends_and_in_the_middle() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (web, endpoint) = lab.container(&manager, "bridge");
        let bindings = (20_000..30_000).map(|port| binding(Protocol::Tcp, port, port)).collect();
        let published = publish(&manager, &endpoint, bindings);
        assert_eq!((published.bindings().len(), published.reservations.len()), (10_000, 0));
        assert_eq!(published.notes.len(), 1, "{:?}", published.notes);
        // A shifted range has its own elements, and a short one its sockets.
        let (shifted, second) = lab.container(&manager, "bridge");
        let bindings = (1000..1100).map(|port| binding(Protocol::Tcp, port, port - 900)).collect();
        let short = publish(&manager, &second, bindings);
        assert_eq!((short.reservations.len(), short.relays.len()), (100, 100));
        let _shifted = serve(&shifted, "0.0.0.0", 150);
        assert!(call(Protocol::Tcp, "127.0.0.1:1050").is_ok());
        for port in [20_000, 25_000, 29_999] {
            let _server = serve(&web, "0.0.0.0", port);
            assert!(call(Protocol::Tcp, &format!("127.0.0.1:{port}")).is_ok(), "{port}");
            assert!(call_from(&lab.other, Protocol::Tcp, &format!("{HOST}:{port}")).is_ok());
        }
        manager.unpublish(&published.record).unwrap();
        manager.unpublish(&short.record).unwrap();
        let list = tool("nft", &["list", "map", "ip", "sampan_0123abcd0123", "published_ranges"]);
        assert!(!list.contains("elements"), "{list}");
    });
}

/// A client that keeps sending from one port follows the port from nobody to one container to the next.
#[test]
fn datagrams_follow_a_published_port() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (first, first_endpoint) = lab.container(&manager, "bridge");
        let (second, second_endpoint) = lab.container(&manager, "bridge");
        let client = inside(&lab.other, || std::net::UdpSocket::bind("0.0.0.0:0").unwrap());
        client.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        let answered = || {
            let _ = client.send_to(b"hello", format!("{HOST}:5353"));
            client.recv_from(&mut [0; 64]).is_ok()
        };
        assert!(!answered());
        let bindings = || vec![binding(Protocol::Udp, 5353, 53)];
        let published = publish(&manager, &first_endpoint, bindings());
        let server = serve(&first, "0.0.0.0", 53);
        eventually("the first container answers", answered);
        manager.unpublish(&published.record).unwrap();
        drop((server, published));
        let _published = publish(&manager, &second_endpoint, bindings());
        let _server = serve(&second, "0.0.0.0", 53);
        eventually("the second container answers", answered);
    });
}
