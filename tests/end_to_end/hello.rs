//! The first command of the README: a built-in image, and a daemon that starts by itself.

use sampan_tests::{Host, Options, eventually, get, sampan_binary, sampan_only, until};

/// Our command line at the default socket of a host, where no daemon runs yet.
fn bare(host: &Host, words: &[&str]) -> sampan_tests::Outcome {
    let program = sampan_binary().display().to_string();
    let script =
        "mount -t tmpfs tmpfs /var/lib; mkdir -p /var/lib/sampan \"$1\"; mount --bind \"$1\" /var/lib/sampan
                  shift; unset DOCKER_HOST; exec \"$@\"";
    let data = host.folder().join("default-root").display().to_string();
    let mounted = host.run(&["mountpoint", "-q", "/var/lib/sampan"]).code == 0;
    let script = if mounted { "shift; unset DOCKER_HOST; exec \"$@\"" } else { script };
    host.shell(script, &[&[data.as_str(), program.as_str()], words].concat())
}

#[test]
fn the_first_command_needs_nothing_but_itself() {
    if sampan_only() {
        return;
    }
    let host = Host::with(Options { without_daemon: true, ..Options::default() });
    let first = bare(&host, &["run", "--rm", "hello"]);
    assert!(first.ok().lines().count() > 3, "it says step by step what happened: {first}");
    assert_eq!(first.stderr.lines().count(), 1, "one line about the daemon that was started: {first}");
    let second = bare(&host, &["run", "--rm", "hello"]);
    second.ok();
    assert_eq!(second.stderr, "", "the daemon is there now");

    bare(&host, &["run", "-d", "--name", "page", "-p", "8080:80", "-m", "64m", "hello", "serve"]).ok();
    for address in ["127.0.0.1:8080", "192.0.2.10:8080"] {
        let page = eventually(address, || host.in_network(|| get(address.parse().expect("an address"))).ok());
        assert_eq!(page.status, 200, "{page:?}");
        assert!(
            page.body.contains("64 MiB") && page.body.contains("172.17.0."),
            "limits and network are shown: {page:?}"
        );
    }
    bare(&host, &["rm", "-f", "page"]).ok();

    // A daemon that was started so is started again when it is killed, and stays away when it is told to.
    let daemons = || host.run(&["pgrep", "-x", "sampan"]).stdout;
    let before = daemons();
    let newest = host.run(&["pgrep", "-n", "-x", "sampan"]).stdout.trim().to_owned();
    host.run(&["kill", "-9", &newest]).ok();
    until("a daemon that was started again", || {
        let now = daemons();
        now != before && now.lines().count() == before.lines().count()
    });
    until("its answer", || bare(&host, &["version"]).code == 0);
}

#[test]
fn an_ordinary_user_is_told_the_exact_command() {
    if sampan_only() {
        return;
    }
    let host = Host::with(Options { without_daemon: true, ..Options::default() });
    let program = host.folder().join("sampan").display().to_string();
    // The folder of a build may be closed to others.
    host.shell(
        "cp \"$1\" \"$2\"; chmod 755 \"$2\" \"$(dirname \"$2\")\"",
        &[&sampan_binary().display().to_string(), &program],
    )
    .ok();
    let script = "unset DOCKER_HOST; HOME=/; exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"";
    let outcome = host.shell(script, &[&program, "run", "--rm", "hello"]);
    outcome.fails(125, &format!("sudo {program} "));
    assert_eq!(outcome.stderr.trim().lines().count(), 1, "{outcome}");
    assert!(!outcome.stderr.contains("cargo"), "{outcome}");
}

#[test]
fn a_chosen_socket_is_never_started() {
    if sampan_only() {
        return;
    }
    let host = Host::with(Options { without_daemon: true, ..Options::default() });
    let outcome = host.sampan(&["ps"]);
    outcome.fails(1, "Cannot connect to the Docker daemon at unix://");
    assert_eq!(host.run(&["pgrep", "-x", "sampan"]).stdout, "");
}
