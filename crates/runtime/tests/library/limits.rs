//! Limits in force, statistics, freezing, killing.

use std::io::Read;

use sampan_runtime::plan::Limits;

use crate::Test;
use crate::bench::Bench;

pub(crate) const TESTS: &[Test] = &[
    ("too_much_memory_is_killed_and_counted", memory),
    ("too_many_processes_are_refused", processes),
    ("statistics_and_freezing", statistics),
    ("limits_change_while_it_runs", update),
    ("killing_leaves_nobody", kill_all),
    ("a_time_namespace_shifts_the_clocks", clocks),
    ("a_seccomp_listener_is_handed_over", listener),
];

fn memory(bench: &mut Bench) {
    let mut plan = bench.plan("dd if=/dev/zero of=/dev/shm/x bs=1M count=60; echo $?");
    plan.cgroup.limits.memory.limit = Some(16 << 20);
    plan.cgroup.limits.memory.swap = Some(16 << 20);
    let (output, _) = bench.run(&plan).unwrap();
    assert!(output.contains("Killed") || output.contains("137") || output.is_empty(), "{output}");
    let cgroup = bench.cgroup(&plan);
    assert!(cgroup.oom_kills().unwrap() > 0);
    assert_eq!(cgroup.statistics().unwrap().memory.limit, 16 << 20);
}

fn processes(bench: &mut Bench) {
    let mut plan = bench.plan("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo all");
    plan.cgroup.limits.pids = Some(5);
    let (output, code) = bench.run(&plan).unwrap();
    assert!(code != 0 && !output.contains("all"), "{output}");
}

fn statistics(bench: &mut Bench) {
    let plan = bench.plan("echo; sleep 1000");
    let (_started, cgroup) = bench.start(&plan);
    let found = cgroup.statistics().unwrap();
    assert!(found.cpu.total > 0 && found.memory.usage > 0, "{found:?}");
    assert!(found.pids.current >= 1 && !found.memory.detail.is_empty());
    assert!(!cgroup.is_frozen().unwrap());
    cgroup.freeze().unwrap();
    assert!(cgroup.is_frozen().unwrap());
    cgroup.thaw().unwrap();
    assert!(!cgroup.is_frozen().unwrap());
}

fn update(bench: &mut Bench) {
    let plan = bench.plan("sleep 1000");
    let (_started, cgroup) = bench.start(&plan);
    for limit in [64 << 20, 128 << 20, 32 << 20, -1] {
        let mut limits = Limits::default();
        limits.memory.limit = Some(limit);
        limits.memory.swap = Some(if limit < 0 { -1 } else { limit * 2 });
        limits.pids = Some(77);
        cgroup.apply(&limits).unwrap();
        let found = cgroup.statistics().unwrap();
        let wanted = if limit < 0 { u64::MAX } else { limit as u64 };
        assert_eq!((found.memory.limit, found.pids.limit), (wanted, 77));
    }
}

fn kill_all(bench: &mut Bench) {
    let mut plan = bench.plan("sleep 1000 & sleep 1000 & echo there; sleep 1000");
    // Without a pid namespace the death of the first process would not end the others.
    plan.namespaces.retain(|namespace| namespace.kind != sampan_runtime::plan::NamespaceKind::Pid);
    let (mut reader, writer) = std::io::pipe().unwrap();
    use std::os::fd::AsFd;
    let null = sampan_sys::descriptor::null().unwrap();
    let files = sampan_runtime::LaunchFiles {
        stdio: Some([null.as_fd(), writer.as_fd(), writer.as_fd()]),
        ..Default::default()
    };
    let started = bench.ready(&plan, &files).unwrap().start().unwrap();
    drop(writer);
    let mut byte = [0_u8; 6];
    reader.read_exact(&mut byte).unwrap();
    let cgroup = bench.cgroup(&plan);
    assert!(cgroup.processes().unwrap().len() >= 3);
    cgroup.kill_all().unwrap();
    assert_eq!(sampan_sys::pidfd::wait(&started.pidfd).unwrap().code(), 137);
    // The end of the pipe tells that the last of them is gone.
    assert_eq!(reader.read(&mut byte).unwrap(), 0);
}

fn clocks(bench: &mut Bench) {
    use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType, LinuxTimeOffset};
    let mut spec = bench.spec("cat /proc/uptime");
    let linux = spec.linux_mut().as_mut().unwrap();
    let mut time = LinuxNamespace::default();
    time.set_typ(LinuxNamespaceType::Time);
    linux.namespaces_mut().as_mut().unwrap().push(time);
    let offset: LinuxTimeOffset = serde_json::from_str(r#"{ "secs": 100000000, "nanosecs": 0 }"#).unwrap();
    linux.set_time_offsets(Some([("boottime".to_owned(), offset)].into()));
    let before = std::fs::read_link("/proc/self/ns/time_for_children").unwrap();
    let plan = sampan_runtime::compile::compile(&spec, &bench.context()).unwrap();
    let output = bench.output(&plan);
    let uptime: f64 = output.split(' ').next().unwrap().parse().unwrap();
    assert!(uptime > 100_000_000.0, "{output}");
    assert_eq!(std::fs::read_link("/proc/self/ns/time_for_children").unwrap(), before);
}

fn listener(bench: &mut Bench) {
    use std::os::fd::AsFd;
    let path = bench.place.join("agent");
    let agent = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let policy = serde_json::json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": path,
        "listenerMetadata": "given",
        "syscalls": [{ "names": ["mkdir"], "action": "SCMP_ACT_NOTIFY" }],
    });
    let mut spec = bench.spec("sleep 1000");
    spec.linux_mut().as_mut().unwrap().set_seccomp(serde_json::from_value(policy).unwrap());
    let plan = sampan_runtime::compile::compile(&spec, &bench.context()).unwrap();
    let (started, _cgroup) = bench.start(&plan);
    let (connection, _) = agent.accept().unwrap();
    let mut descriptors = Vec::new();
    let mut bytes = [0_u8; 4096];
    let count =
        sampan_sys::socket::receive_with_descriptors(connection.as_fd(), &mut bytes, &mut descriptors)
            .unwrap();
    let state: serde_json::Value = serde_json::from_slice(&bytes[..count]).unwrap();
    assert_eq!(state["metadata"], "given");
    assert_eq!(state["pid"], started.pid);
    assert_eq!(state["state"]["id"], bench.id.as_str());
    assert_eq!(descriptors.len(), 1);
}
