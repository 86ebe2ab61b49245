//! What a shim costs while its container is silent: measured and printed; and that nothing is left open.

use super::lab::*;
use sampan_shim::protocol::*;

/// A line of /proc/PID/smaps_rollup, in KiB.
fn memory(pid: i32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn memory_of_twenty_shims() {
    let program = sampan_sys::memfd::sealed(c"sampan-shim", &program()).unwrap();
    let labs: Vec<Lab> = (0..20).map(|_| Lab::new()).collect();
    let mut shims: Vec<Shim> = labs
        .iter()
        .map(|lab| {
            let mut shim = Shim::start_from(&program);
            shim.daemon.launch(&lab.launch(&["sh", "-c", "seq 1 20000; sleep 1000"]), Vec::new()).unwrap();
            shim
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let sum = |name: &str| shims.iter().map(|shim| memory(shim.pid, name)).sum::<u64>();
    println!(
        "per shim, {} running: PSS {} KiB, private dirty {} KiB, RSS {} KiB",
        shims.len(),
        sum("Pss:") / 20,
        sum("Private_Dirty:") / 20,
        sum("Rss:") / 20
    );
    for shim in &mut shims {
        shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    }
    for shim in shims {
        assert_eq!(shim.finish().code, 137);
    }
}

/// The open descriptors of a process, as what they refer to.
fn descriptors(pid: i32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let mut all: Vec<_> = entries
        .flatten()
        .map(|entry| std::fs::read_link(entry.path()).unwrap_or_default().to_string_lossy().into_owned())
        .map(|name| name.split(':').next().unwrap_or_default().to_owned())
        .collect();
    all.sort();
    all
}

#[test]
fn after_clients_and_execs_no_descriptor_and_no_process_is_left() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sleep", "1000"]));
    let before = descriptors(shim.pid);
    assert!(!before.iter().any(|name| name.contains("mem") && name.contains("deleted")), "{before:?}");
    for number in 0..30 {
        let (ours, theirs) = client();
        shim.daemon.call(&attach_all(), vec![(Role::Client, theirs)]).unwrap();
        drop(ours);
        let (mut ours, theirs) = client();
        let id = format!("e{number}");
        let exec =
            Exec { id: id.clone(), process: lab.process(&["true"]), tty: false, attach: Some(attach_all()) };
        shim.daemon.call(&exec, vec![(Role::Client, theirs)]).unwrap();
        assert_eq!(read_all(&mut ours), "");
        assert_eq!(shim.daemon.exec_exited(&id), 0);
        drop(Daemon::connect(&lab.directory()));
    }
    // One more round trip, so that every hang-up has been seen.
    shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(descriptors(shim.pid), before);
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", shim.pid)).unwrap();
    assert_eq!(children.split_whitespace().count(), 1, "the container's init only: {children}");
    let inside = descriptors(children.trim().parse().unwrap());
    assert_eq!(inside.len(), 3, "{inside:?}");
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}
