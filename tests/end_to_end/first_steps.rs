//! The first things that a person does: run, look, enter, stop, remove.

use sampan_tests::{Host, get};

#[test]
fn a_published_web_server_answers_from_everywhere() {
    let host = Host::new();
    host.docker(&["run", "-d", "-p", "8080:80", "--name", "web", "busybox", "httpd", "-f", "-h", "/www"])
        .ok();
    for address in ["127.0.0.1:8080", "[::1]:8080", "192.0.2.10:8080", "[2001:db8::10]:8080"] {
        let answer = host.in_network(|| get(address.parse().expect("an address"))).expect(address);
        assert_eq!((answer.status, answer.body.as_str()), (200, "it works\n"), "{address}");
    }
    let outside = host.run_outside(&["curl", "-s", "--max-time", "10", "http://192.0.2.10:8080/"]);
    assert_eq!(outside.ok(), "it works");
    assert_eq!(host.docker(&["port", "web"]).ok().lines().next(), Some("80/tcp -> 0.0.0.0:8080"));
}
