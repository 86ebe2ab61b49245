//! From the first start to the last: sandboxes, restarts, leftovers, leaks.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::*;
use crate::record::EndpointRequest;
use crate::{MacAddress, SandboxPool};

/// What a test could leave behind, as the kernel counts it.
fn objects() -> BTreeMap<&'static str, usize> {
    let rules = tool("nft", &["list", "ruleset"]);
    BTreeMap::from([
        ("links", tool("ip", &["-o", "link"]).lines().count()),
        ("rules and elements", rules.len()),
        ("sockets", tool("ss", &["-Hanu"]).lines().count() + tool("ss", &["-Hant"]).lines().count()),
    ])
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn nothing_is_left_after_three_hundred_containers() {
    with_lab(|lab| {
        let manager = lab.manager();
        let pool = SandboxPool::new("0123abcd0123", 2, 1500).unwrap();
        let cycle = |number: u16| {
            let sandbox =
                if number.is_multiple_of(3) { pool.take() } else { Sandbox::create("0123abcd0123", 1500) }
                    .unwrap();
            if number.is_multiple_of(10) {
                pool.refill().unwrap();
            }
            let endpoint = manager.connect(&sandbox, "bridge", &lab.request()).unwrap();
            let protocol = BOTH[usize::from(number % 2)];
            let published = publish(&manager, &endpoint, vec![binding(protocol, 10_000 + number, 80)]);
            match number % 4 {
                0 => drop((published, manager.disconnect(&endpoint).unwrap())),
                1 => drop((sandbox, manager.disconnect(&endpoint).unwrap(), published)),
                _ => {
                    manager.unpublish(&published.record).unwrap();
                    manager.disconnect(&endpoint).unwrap();
                }
            }
        };
        cycle(0);
        // lo, eth0, sampan0, what keeps it awake, and the two that the pool keeps.
        eventually("the first container is gone", || objects()["links"] == 6);
        let before = objects();
        // Other tests of this process open and close descriptors, too: only growth with the count is a leak.
        let descriptors_before = descriptors();
        (1..=300).for_each(cycle);
        for _ in 0..500 {
            if objects() == before {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert_eq!(objects(), before);
        assert!(descriptors() < descriptors_before + 150, "{} {descriptors_before}", descriptors());
        assert_eq!(manager.reconcile().unwrap(), Reconciled::default());
        let (_last, endpoint) = lab.container(&manager, "bridge");
        assert_eq!(endpoint.ipv4().unwrap().to_string(), "172.17.0.2");
    });
}

#[test]
fn a_restarted_daemon_goes_on_with_its_records() {
    with_lab(|lab| {
        let config = ManagerConfig::new("0123abcd0123", true);
        let manager = Manager::open(config.clone(), &Records::default()).unwrap();
        let app = manager
            .create_network(NetworkRecord {
                id: String::new(),
                name: "app".to_owned(),
                device: String::new(),
                subnets: Vec::new(),
                ..manager.default_network()
            })
            .unwrap();
        let (web, endpoint) = lab.container(&manager, "bridge");
        let (_gone, without_record) = lab.container(&manager, "app");
        let published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let _server = serve(&web, "0.0.0.0", 80);
        let records = Records {
            networks: manager.networks(),
            endpoints: vec![endpoint.clone()],
            published: vec![published.record.clone()],
            balanced: Vec::new(),
        };
        // The records go through the engine's database.
        let text = serde_json::to_string(&records).unwrap();
        let records: Records = serde_json::from_str(&text).unwrap();
        drop(manager);
        let manager = Manager::open(config.clone(), &records).unwrap();
        assert_eq!(
            manager.reconcile().unwrap().removed_devices,
            std::slice::from_ref(&without_record.host_device)
        );
        assert_eq!(manager.networks(), records.networks);
        assert!(call(Protocol::Tcp, "127.0.0.1:8080").is_ok());
        assert!(!tool("ip", &["-o", "link"]).contains(&without_record.host_device));
        let (_second, next) = lab.container(&manager, "bridge");
        assert_eq!(next.ipv4().unwrap().to_string(), "172.17.0.3");
        assert!(try_publish(&manager, &next, vec![binding(Protocol::Tcp, 8080, 80)]).is_err());
        manager.unpublish(&published.record).unwrap();
        manager.disconnect(&endpoint).unwrap();
        // A database that knows nothing: the bridge keeps its range, networks without a record go.
        drop(manager);
        let manager = Manager::open(config, &Records::default()).unwrap();
        assert_eq!(manager.default_network(), records.networks[0]);
        manager.reconcile().unwrap();
        assert!(!tool("ip", &["-o", "link"]).contains(&app.device));
    });
}

/// The engine may hear of containers from their supervisors only after it opened the network.
#[test]
fn what_an_earlier_daemon_published_works_until_its_containers_are_heard_of() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (web, endpoint) = lab.container(&manager, "bridge");
        let (gone, forgotten) = lab.container(&manager, "bridge");
        let published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let _stale = publish(&manager, &forgotten, vec![binding(Protocol::Tcp, 8081, 80)]);
        let (_server, _gone) = (serve(&web, "0.0.0.0", 80), serve(&gone, "0.0.0.0", 80));
        let works = |port: u16| call(Protocol::Tcp, &format!("127.0.0.1:{port}")).is_ok();
        drop(manager);
        let manager = lab.manager();
        assert!(works(8080) && works(8081));
        manager.adopt(std::slice::from_ref(&endpoint), std::slice::from_ref(&published.record));
        let expected = Reconciled { removed_devices: vec![forgotten.host_device], ruleset_repaired: true };
        assert_eq!(manager.reconcile().unwrap(), expected);
        assert_eq!(manager.reconcile().unwrap(), Reconciled::default());
        assert!(works(8080) && is_cut_off(Protocol::Tcp, "127.0.0.1:8081"));
        let (_next, next) = lab.container(&manager, "bridge");
        assert_eq!(next.ipv4().unwrap().to_string(), "172.17.0.3");
        assert!(try_publish(&manager, &next, vec![binding(Protocol::Tcp, 8080, 80)]).is_err());
        manager.disconnect(&endpoint).unwrap();
        assert!(is_cut_off(Protocol::Tcp, "127.0.0.1:8080"));
        // Other settings are other rules, and those are laid down at once.
        drop(manager);
        let mut config = ManagerConfig::new("0123abcd0123", true);
        config.bridge_address = Some("10.99.0.1/24".parse().unwrap());
        let manager = Manager::open(config, &Records::default()).unwrap();
        assert!(tool("nft", &["list", "ruleset"]).contains("10.99.0.0/24"));
        assert!(!tool("nft", &["list", "ruleset"]).contains("172.17.0.0/16"));
        let removed = manager.reconcile().unwrap().removed_devices;
        assert!(removed.contains(&next.host_device), "{removed:?}");
    });
}

#[test]
fn a_sandbox_is_found_again_by_a_process_inside() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (sandbox, endpoint) = lab.container(&manager, "bridge");
        let mut sleeper =
            inside(&sandbox, || Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap());
        drop(sandbox);
        let found = Sandbox::from_pid(i32::try_from(sleeper.id()).unwrap()).unwrap();
        assert!(inside(&found, || tool("ip", &["addr"])).contains("172.17.0.2/16"));
        manager.connect(&found, "bridge", &lab.request()).unwrap();
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        drop(found);
        eventually("the link is gone with the process", || {
            !tool("ip", &["-o", "link"]).contains(&endpoint.host_device)
        });
        assert!(Sandbox::from_pid(i32::MAX).is_err());
    });
}

#[test]
fn addresses_names_and_sizes_are_as_asked() {
    with_lab(|lab| {
        let manager = lab.manager();
        let mac: MacAddress = "02:00:00:00:00:99".parse().unwrap();
        let ipv4 = "172.17.9.9".parse().unwrap();
        let request = EndpointRequest {
            interface: Some("lan0".to_owned()),
            ipv4: Some(ipv4),
            mac: Some(mac),
            ..lab.request()
        };
        let sandbox = Sandbox::create("0123abcd0123", 1500).unwrap();
        let endpoint = manager.connect(&sandbox, "bridge", &request).unwrap();
        let inside_view = inside(&sandbox, || tool("ip", &["addr", "show", "lan0"]));
        for part in ["172.17.9.9/16 brd 172.17.255.255", "02:00:00:00:00:99", "mtu 1400", "state UP"] {
            assert!(inside_view.contains(part), "{part}: {inside_view}");
        }
        let route = inside(&sandbox, || tool("ip", &["route"]));
        assert!(route.starts_with("default via 172.17.0.1 dev lan0"), "{route}");
        let bridge = tool("ip", &["link", "show", "sampan0"]);
        assert!(bridge.contains("mtu 1400") && bridge.contains("alias sampan 0123abcd0123"), "{bridge}");
        // Nobody else gets the address, until it is given back; and giving back twice takes it from nobody.
        let again = Sandbox::create("0123abcd0123", 1500).unwrap();
        let taken =
            manager.connect(&again, "bridge", &EndpointRequest { interface: None, ..request.clone() });
        assert_eq!(taken.unwrap_err().to_string(), "Address already in use: 172.17.9.9");
        manager.disconnect(&endpoint).unwrap();
        let second = EndpointRequest { endpoint_id: "2".repeat(64), interface: None, ..request.clone() };
        let second = manager.connect(&again, "bridge", &second).unwrap();
        manager.disconnect(&endpoint).unwrap();
        assert!(
            manager.connect(&sandbox, "bridge", &EndpointRequest { interface: None, ..request }).is_err()
        );
        assert_eq!(second.ipv4(), Some(ipv4));
    });
}

#[test]
fn statistics_are_the_containers_own() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (web, endpoint) = lab.container(&manager, "bridge");
        let before = manager.statistics(&endpoint).unwrap();
        inside(&web, || {
            let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
            for _ in 0..10 {
                socket.send_to(&[0; 1000], "172.17.0.1:9").unwrap();
            }
        });
        // The first packets wait until the container knows who the gateway is.
        let sent = || manager.statistics(&endpoint).unwrap().sent_bytes - before.sent_bytes;
        eventually("ten packets of a thousand bytes are counted", || sent() >= 10_000);
        let after = manager.statistics(&endpoint).unwrap();
        assert!(after.sent_bytes - before.sent_bytes >= 10_000, "{after:?}");
        assert!(after.received_bytes - before.received_bytes < 10_000, "{after:?}");
        assert!(after.sent_packets - before.sent_packets >= 10);
        assert_eq!((after.sent_errors, after.received_errors), (0, 0));
    });
}

#[test]
fn many_at_once_get_what_is_theirs() {
    with_lab(|lab| {
        let manager = lab.manager();
        let addresses: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u16)
                .map(|thread| {
                    let (manager, lab) = (&manager, &lab);
                    scope.spawn(move || {
                        let mut mine = Vec::new();
                        for number in 0..8 {
                            let (sandbox, endpoint) = lab.container(manager, "bridge");
                            let port = 20_000 + thread * 100 + number;
                            let published =
                                publish(manager, &endpoint, vec![binding(Protocol::Tcp, port, 80)]);
                            mine.push((sandbox, endpoint, published));
                        }
                        mine
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let mut seen: Vec<_> = addresses.iter().map(|(_, endpoint, _)| endpoint.ipv4().unwrap()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 64);
        assert_eq!(manager.reconcile().unwrap(), Reconciled::default());
        for (sandbox, endpoint, published) in addresses {
            let _server = serve(&sandbox, "0.0.0.0", 80);
            let port = published.bindings()[0].host_port;
            assert!(call(Protocol::Tcp, &format!("127.0.0.1:{port}")).is_ok());
            manager.disconnect(&endpoint).unwrap();
        }
        assert!(!tool("nft", &["list", "ruleset"]).contains("tcp ."));
    });
}
