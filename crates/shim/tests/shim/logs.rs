//! The log as the shim writes it, full disks, and followers.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use sampan_shim::log::{Framing, LogDriver, LogOptions, Selection, rotated_path};
use sampan_shim::protocol::*;

use super::lab::*;

/// Starts a follower and returns the client's end and the process.
fn follow(options: &FollowOptions, shim: Option<&Shim>) -> (UnixStream, sampan_sys::process::Child) {
    let program = sampan_sys::memfd::sealed(c"sampan-shim", &program()).unwrap();
    let (ours, theirs) = client();
    let text = std::ffi::CString::new(serde_json::to_string(options).unwrap()).unwrap();
    let mut descriptors = vec![(theirs.as_fd(), 3)];
    descriptors.extend(shim.map(|shim| (shim.pidfd.as_fd(), 4)));
    let child = start(program.as_fd(), &[c"sampan-shim", c"follow", &text], &descriptors);
    (ours, child)
}

fn raw(lab: &Lab) -> FollowOptions {
    let selection = Selection { framing: Framing::Raw, ..Selection::default() };
    FollowOptions { path: lab.log_path(), selection, ..FollowOptions::default() }
}

fn assert_ends(child: &sampan_sys::process::Child) {
    assert!(
        sampan_sys::pidfd::wait_readable(&child.pidfd, Some(Duration::from_secs(10))).unwrap(),
        "it stays"
    );
    assert_eq!(sampan_sys::pidfd::wait(&child.pidfd).unwrap().code(), 0);
}

#[test]
fn attributes_rotation_and_a_change_while_it_runs() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "seq 1 3000; read go; echo changed"]);
    launch.stdio.open_stdin = true;
    launch.log.max_size = 20_000;
    launch.log.max_files = 3;
    launch.log.attributes = [("tag".to_owned(), "x".to_owned())].into();
    let mut shim = Shim::run(&launch);
    while !lab.log().ends_with("3000\n") {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(rotated_path(&lab.log_path(), 2).exists() && !rotated_path(&lab.log_path(), 3).exists());
    let text = std::fs::read_to_string(lab.log_path()).unwrap();
    assert!(
        text.lines().all(|line| line.contains(r#","stream":"stdout","attrs":{"tag":"x"},"time":"2"#)),
        "{text}"
    );
    let other = lab.root.path().join("logs/other");
    let log = LogOptions { path: other.clone(), ..LogOptions::default() };
    shim.daemon.call(&SetLog { log }, Vec::new()).unwrap();
    let (mut ours, theirs) = client();
    shim.daemon.call(&attach_all(), vec![(Role::Client, theirs)]).unwrap();
    say(&mut ours, "go\n");
    assert_eq!(shim.finish().code, 0);
    assert!(
        std::fs::read_to_string(other).unwrap().starts_with(r#"{"log":"changed\n","stream":"stdout","time""#)
    );
}

#[test]
fn without_a_driver_nothing_is_kept() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "seq 1 100000"]);
    launch.log = LogOptions { driver: LogDriver::None, ..LogOptions::default() };
    assert_eq!(Shim::run(&launch).finish().code, 0);
    assert!(!lab.log_path().exists());
}

/// A small tmpfs, unmounted when dropped.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        rustix::mount::mount("tmpfs", &path, "tmpfs", rustix::mount::MountFlags::empty(), Some(c"size=256k"))
            .unwrap();
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn on_a_full_disk_the_program_goes_on_and_the_log_says_what_is_missing() {
    let lab = Lab::new();
    let disk = SmallDisk::mount(lab.root.path().join("small"));
    let path = disk.0.join("log");
    let mut launch = lab.launch(&["sh", "-c", "seq 1 20000; echo full; read go; echo after"]);
    launch.stdio = StdioOptions { tty: false, open_stdin: true, stdin_once: true };
    launch.log.path = path.clone();
    launch.attach = vec![attach_all()];
    let (mut ours, theirs) = client();
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap();
    read_until(&mut ours, "full\n");
    let lost = shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap().lines_dropped;
    assert!(lost > 10_000, "{lost} lines lost");
    let before = std::fs::read_to_string(&path).unwrap();
    assert!(before.ends_with("\"}\n"), "no half line is left");
    // Somebody makes room.
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    say(&mut ours, "go\n");
    assert_eq!(read_all(&mut ours), "after\n");
    let exit = shim.finish();
    assert_eq!((exit.code, exit.lines_dropped), (0, lost));
    let after = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = after.lines().collect();
    assert_eq!(lines.len(), 2, "{after}");
    assert!(
        lines[0].contains(&format!("sampan: {lost} lines are missing here")) && lines[1].contains("after")
    );
}

#[test]
fn a_follower_sees_every_line_across_rotations_and_ends_with_the_container() {
    let lab = Lab::new();
    let script =
        "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; [ $((i % 40)) = 0 ] && sleep 0.02; done";
    let mut launch = lab.launch(&["sh", "-c", script]);
    launch.log.max_size = 3000;
    launch.log.max_files = 100;
    let shim = Shim::run(&launch);
    let prologue = Bytes(b"head ".to_vec());
    let (mut ours, child) = follow(&FollowOptions { prologue, ..raw(&lab) }, Some(&shim));
    let Shim { daemon, pidfd, .. } = shim;
    // It needs no daemon.
    drop(daemon);
    let text = read_all(&mut ours);
    let expected: String = (1..=400).map(|number| format!("line {number}\n")).collect();
    assert_eq!(text, format!("head {expected}"));
    assert_ends(&child);
    sampan_sys::pidfd::wait(&pidfd).unwrap();
}

#[test]
fn a_follower_ends_with_its_client_or_its_time() {
    let lab = Lab::new();
    let mut shim = Shim::run(&lab.launch(&["sh", "-c", "echo one; sleep 100"]));
    let (mut ours, child) = follow(&raw(&lab), Some(&shim));
    assert_eq!(read_until(&mut ours, "\n"), "one\n");
    drop(ours);
    assert_ends(&child);
    let mut options = raw(&lab);
    let until = sampan_shim::timestamp::Timestamp::now().0 + 300_000_000;
    options.selection.until = Some(sampan_shim::timestamp::Timestamp(until));
    let (mut ours, child) = follow(&options, Some(&shim));
    assert_eq!(read_all(&mut ours), "one\n");
    assert_ends(&child);
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn without_a_shim_a_follower_sends_what_is_there_in_chunks() {
    let lab = Lab::new();
    let line = r#"{"log":"text\n","stream":"stderr","time":"2026-11-21T04:05:06Z"}"#;
    std::fs::write(lab.log_path(), format!("{line}\n{line}\n")).unwrap();
    let selection = Selection { tail: Some(1), ..Selection::default() };
    let options = FollowOptions { chunked: true, selection, ..raw(&lab) };
    let (mut ours, child) = follow(&options, None);
    assert_eq!(read_all(&mut ours), "d\r\n\u{2}\0\0\0\0\0\0\u{5}text\n\r\n0\r\n\r\n");
    assert_ends(&child);
}
