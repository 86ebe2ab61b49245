//! On another kernel, where all controllers are on cgroup version 2 (tests/lab/vm.sh). Slow, so few tests.

use std::process::Command;

use sampan_tests::{BUSYBOX, repository, sampan_binary, sampan_only, tar_of};

/// Runs a shell script in the virtual machine, with a daemon answering at its usual socket and busybox
/// imported, and returns what it printed.
///
/// # Panics
/// When the script fails.
#[track_caller]
fn in_machine(options: &str, script: &str) -> String {
    let preamble = format!(
        "set -eu
        PATH=$PATH:/usr/local/bin
        export DOCKER_HOST=unix:///run/docker.sock DOCKER_CONFIG=/tmp/client
        {options}
        {} daemon --data-root ${{data:-/var/lib/sampan}} -H $DOCKER_HOST >/tmp/log 2>&1 &
        for try in $(seq 300); do docker version >/dev/null 2>&1 && break; sleep 0.2; done
        trap 'code=$?; [ $code = 0 ] || tail -n 30 /tmp/log; exit $code' EXIT
        docker import {} busybox >/dev/null
        ",
        sampan_binary().display(),
        tar_of(BUSYBOX).display(),
    );
    let vm = repository().join("tests/lab/vm.sh");
    let output = Command::new(&vm).args(["sh", "-c", &format!("{preamble}{script}")]).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", vm.display()));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ended with {:?}:\n{text}\n{said}", output.status.code());
    text
}

#[test]
fn limits_hold_on_cgroup_version_2() {
    if sampan_only() {
        return;
    }
    let text = in_machine(
        "",
        r#"
        docker run --rm -m 64m --memory-swap 64m --cpus 0.5 --pids-limit 33 --cpu-shares 512 busybox sh -c '
            cd /sys/fs/cgroup; cat memory.max memory.swap.max cpu.max pids.max; cat /proc/self/cgroup'
        docker run --name hungry -m 32m --memory-swap 32m busybox sh -c 'a=x; while :; do a=$a$a; done' || echo code $?
        docker inspect -f 'oom {{.State.OOMKilled}}' hungry
        docker run -d --name up busybox sleep 1000 >/dev/null
        docker pause up; docker inspect -f '{{.State.Status}}' up; docker unpause up
        docker exec up echo entered
        docker update -m 48m --memory-swap 48m up >/dev/null
        docker exec up cat /sys/fs/cgroup/memory.max
        docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' up
        docker run -d --name web -p 8080:80 busybox httpd -f -h /www >/dev/null
        curl -s --retry 20 --retry-connrefused --retry-delay 1 --max-time 30 http://127.0.0.1:8080/
        docker rm -f up web hungry >/dev/null
        find /sys/fs/cgroup -name '*[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*' | wc -l
        "#,
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..6], ["67108864", "0", "50000 100000", "33", "0::/", "code 137"], "{text}");
    assert!(text.contains("oom true\nup\npaused\nup\nentered\n50331648\nup 1 "), "{text}");
    assert!(text.contains(" / 48MiB\nit works\n"), "{text}");
    assert!(text.trim_end().ends_with("\n0"), "no control group of a container is left: {text}");
}

#[test]
fn a_size_limit_holds_on_xfs_with_project_quotas() {
    if sampan_only() {
        return;
    }
    let disk = "
        truncate -s 600M /tmp/disk; mkfs.xfs -q /tmp/disk; mkdir /tmp/data
        mount -o loop,prjquota /tmp/disk /tmp/data; data=/tmp/data/root";
    let script = "
        docker run --rm --storage-opt size=20M busybox sh -c '
            head -c 15000000 /dev/zero >/fits && echo fits; head -c 30000000 /dev/zero >/big 2>/dev/null || echo full'
        docker run --rm busybox sh -c 'head -c 60000000 /dev/zero >/big && echo free'";
    let text = in_machine(disk, script);
    assert_eq!(text, "fits\nfull\nfree\n");
}
