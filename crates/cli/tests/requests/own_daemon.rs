//! A command that finds no daemon starts one, which comes back when it dies and goes when it is told to.
//! Each test is a machine of its own: namespaces for network, mounts and processes, with its own /run.

use std::process::Command;

/// Runs a shell script in new namespaces, as the only thing there; returns what it printed.
fn alone(script: &str) -> String {
    let setup = "set -e; ip link set lo up; for d in /run /var/lib /var/log; do mount -t tmpfs tmpfs $d; done; set +e";
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"])
        .arg(format!("{setup}\n{script}"))
        .env_remove("DOCKER_HOST")
        .env_remove("DOCKER_CONTEXT")
        .env_remove("SAMPAN_HOST")
        .env("HOME", "/run")
        .env("S", env!("CARGO_BIN_EXE_sampan"))
        .output()
        .expect("unshare (util-linux) is there and this is root");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn it_is_started_once_by_many_commands() {
    let text = alone("for i in 1 2 3 4; do $S version --format 'answer {{.Client.Version}}' & done; wait");
    assert_eq!(text.matches("answer").count(), 4, "{text}");
    assert_eq!(text.matches("starting one in the background").count(), 1, "{text}");
}

#[test]
fn it_comes_back_after_a_kill_and_goes_when_told() {
    let text = alone(
        "$S version >/dev/null; daemon=$(pgrep -f 'sampan [d]aemon --socket')
         watcher=$(pgrep -f 'sampan [w]atch-daemon --socket')
         kill -9 $daemon; $S version --format 'second answer {{.Client.Version}}'
         # A child that has not become another program yet bears the daemon's name for a moment.
         for i in $(seq 200); do [ $(pgrep -fc 'sampan [d]aemon --socket') = 1 ] && echo one daemon && break; sleep 0.01; done
         kill $watcher; while kill -0 $watcher 2>/dev/null; do :; done
         pgrep -f 'sampan [dw][a-z-]* --socket' || echo all gone
         tail -n 5 /var/log/sampan.log",
    );
    assert!(text.contains("second answer"), "{text}");
    assert!(text.contains("one daemon"), "{text}");
    assert!(text.contains("all gone"), "{text}");
    assert!(text.contains("died of signal 9, starting it again"), "{text}");
    assert_eq!(text.matches("starting one in the background").count(), 1, "{text}");
}

#[test]
fn the_built_in_image_runs_on_a_fresh_machine() {
    let text = alone("$S run --rm hello; echo status $?");
    assert!(text.contains("Hello from Sampan"), "{text}");
    assert!(text.contains("status 0"), "{text}");
}

#[test]
fn why_it_did_not_start_is_told() {
    let text = alone(
        "echo '{\"nonsense\": 1}' > /run/file; mkdir -p /etc/sampan; mount -t tmpfs tmpfs /etc/sampan; \
                      mount -t tmpfs -o ro tmpfs /var/lib; $S ps; echo status $?",
    );
    assert!(text.contains("the daemon did not start: "), "{text}");
    assert!(text.contains("status 125"), "{text}");
}
