//! The first things that a person does: run, look, enter, leave.

use sampan_tests::{Host, eventually, get};

#[test]
fn a_published_web_server_answers_from_everywhere() {
    let host = Host::new();
    host.docker(&["run", "-d", "-p", "8080:80", "--name", "web", "busybox", "httpd", "-f", "-h", "/www"])
        .ok();
    for address in ["127.0.0.1:8080", "[::1]:8080", "192.0.2.10:8080", "[2001:db8::10]:8080"] {
        // `run -d` is back before the server listens.
        let answer =
            eventually(address, || host.in_network(|| get(address.parse().expect("an address"))).ok());
        assert_eq!((answer.status, answer.body.as_str()), (200, "it works\n"), "{address}");
    }
    let outside = host.run_outside(&["curl", "-s", "--max-time", "10", "http://192.0.2.10:8080/"]);
    assert_eq!(outside.ok(), "it works");
    let other = host.docker(&["run", "--rm", "busybox", "wget", "-q", "-O", "-", "http://192.0.2.10:8080/"]);
    assert_eq!(other.ok(), "it works", "from another container, by the host's address");
    let itself = host.docker(&["exec", "web", "wget", "-q", "-O", "-", "http://192.0.2.10:8080/"]);
    assert_eq!(itself.ok(), "it works", "from itself, by the host's address");
    assert_eq!(host.docker(&["port", "web"]).ok().lines().next(), Some("80/tcp -> 0.0.0.0:8080"));
}

#[test]
fn ports_are_published_in_all_their_forms() {
    let host = Host::new();
    let ports = ["-p", "127.0.0.1:8081:80", "-p", "9000-9001:90-91", "-p", "5353:53/udp", "-p", "7000"];
    let server = ["--name", "many", "busybox", "httpd", "-f", "-h", "/www"];
    host.docker(&[&["run", "-d"], &ports[..], &server].concat()).ok();
    assert_eq!(host.docker(&["port", "many", "80"]).ok(), "127.0.0.1:8081");
    assert!(host.docker(&["port", "many", "91/tcp"]).ok().contains("0.0.0.0:9001"));
    assert!(host.docker(&["port", "many", "53/udp"]).ok().contains("0.0.0.0:5353"));
    let random =
        host.docker(&["port", "many", "7000"]).ok().lines().next().map(String::from).expect("a port");
    assert!(
        random.strip_prefix("0.0.0.0:").is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 1023))
    );
    eventually("the loopback", || {
        host.in_network(|| get("127.0.0.1:8081".parse().expect("an address"))).ok()
    });
    let refused = host.run_outside(&["curl", "-s", "--max-time", "3", "http://192.0.2.10:8081/"]);
    assert_ne!(refused.code, 0, "a port published on the loopback must not answer outside");
    let second = host.docker(&["run", "--rm", "-p", "127.0.0.1:8081:80", "busybox", "true"]);
    second.fails(125, "port is already allocated");
}

#[test]
fn udp_reaches_a_container_and_comes_back() {
    let host = Host::new();
    host.import(sampan_tests::DEBIAN);
    // The smallest image with a program that answers over UDP is the one with perl.
    let echo = "socket(S, AF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(53, INADDR_ANY)); \
                while (defined($peer = recv(S, $m, 99, 0))) { send(S, $m, 0, $peer) }";
    host.docker(&["run", "-d", "-p", "5300:53/udp", "debian", "perl", "-MSocket", "-e", echo]).ok();
    let question = b"are you there?";
    for address in ["127.0.0.1:5300", "192.0.2.10:5300"] {
        let reply = host.in_network(|| {
            let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a socket");
            socket.set_read_timeout(Some(std::time::Duration::from_millis(500))).expect("set");
            socket.connect(address).expect("connected");
            sampan_tests::eventually("an answer over UDP", || {
                // Refused until the server listens.
                let _ = socket.send(question);
                let mut buffer = [0; 128];
                socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())
            })
        });
        assert_eq!(reply, question, "{address}");
    }
}

#[test]
fn run_gives_back_the_programs_exit_code_or_dockers_own() {
    let host = Host::new();
    assert_eq!(host.docker(&["run", "--rm", "busybox", "sh", "-c", "exit 42"]).code, 42);
    let killed = host.docker(&["run", "--rm", "busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?"]);
    assert_eq!(killed.code, 137);
    host.docker(&["run", "--rm", "busybox", "no-such-program"])
        .fails(127, "executable file not found in $PATH");
    host.docker(&["run", "--rm", "busybox", "/www/no-such"]).fails(127, "no such file or directory");
    host.docker(&["run", "--rm", "busybox", "/www/index.html"]).fails(126, "permission denied");
    host.docker(&["run", "--rm", "busybox", "/www"]).fails(126, "permission denied");
    host.docker(&["run", "--no-such-flag", "busybox"]).fails(125, "unknown flag");
    host.docker(&["run", "--rm", "-w", "relative", "busybox", "true"]).fails(125, "working directory");
    let left = host.docker(&["ps", "-aq"]);
    assert_eq!(left.ok(), "", "--rm removes what never started, too");
}

#[test]
fn output_and_input_pass_unchanged() {
    let host = Host::new();
    let both = host.docker(&["run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((both.ok(), both.stderr.as_str()), ("out", "err\n"));
    let bytes: Vec<u8> = (0..200_000_u32).map(|number| b'a' + (number % 26) as u8).collect();
    let counted = host.docker_with_input(&["run", "-i", "--rm", "busybox", "md5sum"], &bytes);
    let here = host.docker_with_input(&["run", "-i", "--rm", "busybox", "sh", "-c", "cat | md5sum"], &bytes);
    assert_eq!(counted.ok(), here.ok());
    let back = host.docker_with_input(&["run", "-i", "--rm", "busybox", "cat"], &bytes);
    assert_eq!(back.ok().as_bytes(), bytes);
}

#[test]
fn exec_runs_beside_the_first_process() {
    let host = Host::new();
    host.docker(&["run", "-d", "--name", "box", "-e", "A=1", "-w", "/tmp", "busybox", "sleep", "1000"]).ok();
    assert_eq!(host.docker(&["exec", "box", "sh", "-c", "echo $A $PWD"]).ok(), "1 /tmp");
    let other = host.docker(&[
        "exec",
        "-e",
        "A=2",
        "-w",
        "/www",
        "-u",
        "nobody",
        "box",
        "sh",
        "-c",
        "echo $A $PWD; id -un",
    ]);
    assert_eq!(other.ok(), "2 /www\nnobody");
    assert_eq!(host.docker(&["exec", "box", "sh", "-c", "exit 7"]).code, 7);
    let missing = host.docker(&["exec", "box", "no-such-program"]);
    assert!(
        missing.code == 127 && missing.stdout.contains("executable file not found in $PATH"),
        "{missing}"
    );
    assert_eq!(host.docker_with_input(&["exec", "-i", "box", "cat"], b"through").ok(), "through");
    host.docker(&["exec", "-d", "box", "touch", "/tmp/detached"]).ok();
    sampan_tests::until("a detached exec", || host.docker(&["exec", "box", "ls", "/tmp/detached"]).code == 0);
    host.docker(&["stop", "-t", "0", "box"]).ok();
    host.docker(&["exec", "box", "true"]).fails(1, "is not running");
}

#[test]
fn networks_host_and_none_are_what_they_say() {
    let host = Host::new();
    let none = host.docker(&["run", "--rm", "--network", "none", "busybox", "ip", "-o", "link"]);
    assert_eq!(none.ok().lines().count(), 1, "only the loopback: {none}");
    let shared = host.docker(&["run", "--rm", "--network", "host", "busybox", "ip", "-o", "link"]);
    assert!(shared.ok().contains("uplink0"), "{shared}");
    let bridge = host.docker(&["run", "--rm", "busybox", "cat", "/sys/class/net/eth0/address"]);
    assert_eq!(bridge.ok().len(), 17, "{bridge}");
    let hosts = host.docker(&[
        "run",
        "--rm",
        "--hostname",
        "me",
        "--add-host",
        "peer:10.1.2.3",
        "busybox",
        "cat",
        "/etc/hosts",
    ]);
    assert!(hosts.ok().contains("10.1.2.3\tpeer") && hosts.stdout.contains("\tme"), "{hosts}");
    let servers = host.docker(&[
        "run",
        "--rm",
        "--dns",
        "192.0.2.53",
        "--dns-search",
        "example.org",
        "busybox",
        "cat",
        "/etc/resolv.conf",
    ]);
    assert!(
        servers.ok().contains("nameserver 192.0.2.53") && servers.stdout.contains("search example.org"),
        "{servers}"
    );
}
