//! How fast output flows: measured and printed (`cargo test throughput -- --nocapture`), never asserted.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::Instant;

use sampan_shim::log::LogDriver;
use sampan_shim::protocol::*;

use super::lab::*;

const MEGABYTES: usize = 50;

/// Runs a program that writes 50 MB, with a client or without one.
fn run(name: &str, line: &str, driver: LogDriver, attached: bool) -> Lab {
    let lab = Lab::new();
    // A file that is written over and over: busybox's own generators are slower than the pipe.
    let file = line.repeat(10_000_000 / line.len() + 1);
    std::fs::write(lab.root.path().join("rootfs/tmp/file"), file).unwrap();
    let mut launch = lab.launch(&["sh", "-c", "for i in $(seq 5); do cat /tmp/file; done"]);
    launch.log.driver = driver;
    let (mut ours, theirs) = client();
    if attached {
        launch.attach = vec![Attach { stdin: false, framing: AttachFraming::Multiplexed, ..attach_all() }];
    }
    let mut shim = Shim::start();
    let begin = Instant::now();
    shim.daemon.launch(&launch, if attached { vec![theirs] } else { Vec::new() }).unwrap();
    let mut count = 0;
    if attached {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match ours.read(&mut buffer).unwrap() {
                0 => break,
                some => count += some,
            }
        }
        assert!(count > MEGABYTES * 1_000_000);
    }
    shim.daemon.exited();
    let elapsed = begin.elapsed().as_secs_f64();
    let used = processor_time(shim.pid);
    shim.finish_quietly();
    println!("{name}: {:.0} MB/s, {used:.2} s of processor time in the shim", MEGABYTES as f64 / elapsed);
    lab
}

/// User and system time of a process in seconds (proc_pid_stat(5); the clock has 100 ticks a second).
fn processor_time(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text[text.rfind(')').unwrap()..].split(' ').collect();
    fields[12..14].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

#[test]
fn throughput_of_output() {
    let lines = "a line of some eighty characters, which is what programs that write a lot often write..\n";
    run("lines to a client, no log", lines, LogDriver::None, true);
    run("zeros to a client, no log", "\0", LogDriver::None, true);
    run("lines to a client and the log", lines, LogDriver::JsonFile, true);
    let lab = run("lines to the log", lines, LogDriver::JsonFile, false);
    let program = sampan_sys::memfd::sealed(c"sampan-shim", &program()).unwrap();
    let (mut ours, theirs) = client();
    let options = FollowOptions { path: lab.log_path(), ..FollowOptions::default() };
    let text = std::ffi::CString::new(serde_json::to_string(&options).unwrap()).unwrap();
    let begin = Instant::now();
    let child = start(program.as_fd(), &[c"sampan-shim", c"follow", &text], &[(theirs.as_fd(), 3)]);
    drop(theirs);
    let mut buffer = vec![0; 256 * 1024];
    while ours.read(&mut buffer).unwrap() > 0 {}
    let rate = MEGABYTES as f64 / begin.elapsed().as_secs_f64();
    println!("the log to a client, by a follower: {rate:.0} MB/s");
    sampan_sys::pidfd::wait(&child.pidfd).unwrap();
}

#[test]
fn time_of_a_start_and_an_end() {
    time("from nothing", false);
    time("with a parked init", true);
}

fn time(name: &str, parked: bool) {
    let program = sampan_sys::memfd::sealed(c"sampan-shim", &program()).unwrap();
    let mut starts = Vec::new();
    let mut runs = Vec::new();
    for _ in 0..20 {
        let lab = Lab::new();
        let launch = lab.launch(&["true"]);
        let mut begin = Instant::now();
        let mut shim = Shim::start_from(&program);
        if parked {
            let namespaces = launch.plan.namespaces.iter().map(|namespace| namespace.kind).collect();
            shim.daemon
                .call(&Park { namespaces, cgroup: Some(format!("{}-parked", lab.id)) }, Vec::new())
                .unwrap();
            begin = Instant::now();
        }
        shim.daemon.launch(&launch, Vec::new()).unwrap();
        starts.push(begin.elapsed());
        shim.daemon.exited();
        runs.push(begin.elapsed());
        shim.finish_quietly();
    }
    starts.sort();
    runs.sort();
    println!("{name}: started after {:?}, exit heard after {:?} (medians)", starts[10], runs[10]);
}
