//! Limits really limit.

use sampan_tests::Host;

#[test]
fn memory_beyond_the_limit_is_killed_and_told() {
    let host = Host::new();
    let hungry = "a=x; while :; do a=$a$a; done";
    let outcome = host.docker(&[
        "run",
        "--name",
        "hungry",
        "-m",
        "32m",
        "--memory-swap",
        "32m",
        "busybox",
        "sh",
        "-c",
        hungry,
    ]);
    assert_eq!(outcome.code, 137, "{outcome}");
    let told = host.docker(&[
        "inspect",
        "-f",
        "{{.State.OOMKilled}} {{.State.ExitCode}} {{.HostConfig.Memory}}",
        "hungry",
    ]);
    assert_eq!(told.ok(), "true 137 33554432");
    let modest = host.docker(&["run", "--name", "modest", "-m", "32m", "busybox", "true"]);
    modest.ok();
    assert_eq!(host.docker(&["inspect", "-f", "{{.State.OOMKilled}}", "modest"]).ok(), "false");
    host.docker(&["run", "-m", "1k", "busybox", "true"]).fails(125, "Minimum memory limit");
}

#[test]
fn no_more_processes_than_allowed() {
    let host = Host::new();
    let script = "n=0; while [ $n -lt 20 ]; do sleep 5 & n=$((n+1)); done; echo all started";
    let outcome = host.docker(&["run", "--rm", "--pids-limit", "8", "busybox", "sh", "-c", script]);
    assert!(!outcome.stdout.contains("all started"), "{outcome}");
    assert!(outcome.stderr.contains("can't fork"), "{outcome}");
    let free = host.docker(&["run", "--rm", "--pids-limit", "64", "busybox", "sh", "-c", script]);
    assert!(free.ok().contains("all started"));
}

#[test]
fn processor_time_is_what_was_asked_for() {
    let host = Host::new();
    host.docker(&[
        "run",
        "-d",
        "--name",
        "little",
        "--cpus",
        "0.05",
        "--cpu-shares",
        "512",
        "--cpuset-cpus",
        "0",
        "busybox",
        "sh",
        "-c",
        "while :; do :; done",
    ])
    .ok();
    let pid = host.docker(&["inspect", "-f", "{{.State.Pid}}", "little"]).ok().to_owned();
    let allowed = host.run(&["grep", "Cpus_allowed_list", &format!("/proc/{pid}/status")]);
    assert!(allowed.ok().ends_with("\t0"), "{allowed}");
    // What the kernel was told, on whichever version of cgroups this machine has.
    let inside = "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null || cat /sys/fs/cgroup/cpu.max";
    let quota = host.docker(&["exec", "little", "sh", "-c", inside]);
    assert_eq!(quota.ok().split_whitespace().collect::<Vec<_>>(), ["5000", "100000"], "{quota}");
    // And that it is held back: the kernel counts the periods in which it was.
    let counts = "cat /sys/fs/cgroup/cpu/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpu.stat";
    sampan_tests::until("a throttled period", || {
        let text = host.docker(&["exec", "little", "sh", "-c", counts]).stdout;
        text.lines().any(|line| line.strip_prefix("nr_throttled ").is_some_and(|count| count != "0"))
    });
}

#[test]
fn open_files_and_shared_memory_are_limited() {
    let host = Host::new();
    let words = ["run", "--rm", "--ulimit", "nofile=77:99", "--shm-size", "3m", "busybox"];
    let limits = host
        .docker(&[&words[..], &["sh", "-c", "ulimit -Sn; ulimit -Hn; df -k /dev/shm | tail -1"]].concat());
    let lines: Vec<&str> = limits.ok().lines().collect();
    assert_eq!(lines[..2], ["77", "99"]);
    assert_eq!(lines[2].split_whitespace().nth(1), Some("3072"), "{limits}");
}
