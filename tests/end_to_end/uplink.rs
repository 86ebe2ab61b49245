//! The one test that uses this machine's real uplink.

use sampan_tests::{DEBIAN, Host, Options};

#[test]
fn packages_are_installed_inside_a_container() {
    let host = Host::with(Options { real_uplink: true, ..Options::default() });
    host.import(DEBIAN);
    // The prepared image trusts this machine's clock more than a mirror's: an old list is as good as any.
    let script = "apt-get -o Acquire::Check-Valid-Until=false update && \
                  apt-get install -y --no-install-recommends curl && curl --version";
    let outcome = host.docker(&["run", "--rm", "debian", "sh", "-c", script]);
    assert!(outcome.ok().contains("\ncurl 7."), "{outcome}");
}
