//! Starting, ending, being found again.

use std::os::fd::AsFd;

use sampan_shim::protocol::*;

use super::lab::*;

#[test]
fn a_container_starts_and_its_exit_is_seen_recorded_and_nothing_is_left() {
    let lab = Lab::new();
    let mut shim = Shim::start();
    assert_eq!((shim.daemon.greeting.version, shim.daemon.greeting.pid), (VERSION, shim.pid));
    let launched =
        shim.daemon.launch(&lab.launch(&["sh", "-c", "echo out; echo err >&2; exit 7"]), Vec::new()).unwrap();
    assert!(launched.pid > 0 && launched.started_at.is_some());
    let exit = shim.finish();
    assert_eq!((exit.code, exit.oom_killed), (7, false));
    assert_eq!(lab.exit_record(), exit);
    let log = lab.log();
    assert!(log == "out\nerr\n" || log == "err\nout\n", "{log:?}");
    assert!(!lab.has_cgroups());
    let left: Vec<_> =
        std::fs::read_dir(lab.directory()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, [EXIT_NAME]);
}

#[test]
fn exit_codes_of_programs_and_signals() {
    for (command, signal, code) in [("exit 0", None, 0), ("exit 255", None, 255), ("sleep 100", Some(9), 137)]
    {
        let lab = Lab::new();
        let mut shim = Shim::run(&lab.launch(&["sh", "-c", command]));
        if let Some(signal) = signal {
            shim.daemon.call(&Signal { exec: None, signal }, Vec::new()).unwrap();
        }
        assert_eq!(shim.finish().code, code, "{command}");
    }
}

#[test]
fn what_cannot_be_started_says_why_and_the_shim_ends_with_its_daemon() {
    let lab = Lab::new();
    for (command, kind, text) in [
        ("nonesuch", "CommandNotFound", "executable file not found in $PATH"),
        ("/bin/nonesuch", "CommandNotFound", "no such file or directory"),
        ("/tmp", "CommandNotExecutable", "is a directory"),
    ] {
        let mut shim = Shim::start();
        let failure = shim.daemon.launch(&lab.launch(&[command]), Vec::new()).unwrap_err();
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.message.contains(text), "{failure:?}");
        assert!(!lab.has_cgroups());
        drop(shim.daemon);
        let shim = (shim.pidfd, shim.pid);
        assert!(
            sampan_sys::pidfd::wait_readable(shim.0.as_fd(), Some(std::time::Duration::from_secs(10)))
                .unwrap()
        );
        sampan_sys::pidfd::wait(&shim.0).unwrap();
    }
}

#[test]
fn a_held_container_starts_when_told_and_can_be_ended_before() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["echo", "started"]);
    launch.hold = true;
    let mut shim = Shim::start();
    let launched = shim.daemon.launch(&launch, Vec::new()).unwrap();
    assert_eq!(launched.started_at, None);
    assert_eq!(shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap().state, State::Created);
    assert_eq!(shim.daemon.call(&Start {}, Vec::new()).unwrap().pid, launched.pid);
    assert_eq!(shim.finish().code, 0);
    assert_eq!(lab.log(), "started\n");

    let lab = Lab::new();
    let mut launch = lab.launch(&["echo", "started"]);
    launch.hold = true;
    let mut shim = Shim::run(&launch);
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn a_parked_init_becomes_the_container() {
    let lab = Lab::new();
    let launch = lab.launch(&["hostname"]);
    let mut shim = Shim::start();
    let park = Park {
        namespaces: launch.plan.namespaces.iter().map(|namespace| namespace.kind).collect(),
        cgroup: Some(format!("{}-parked", lab.id)),
    };
    let parked = shim.daemon.call(&park, Vec::new()).unwrap();
    assert_eq!(shim.daemon.call(&StatusRequest {}, Vec::new()).unwrap().state, State::Parked);
    assert_eq!(shim.daemon.launch(&launch, Vec::new()).unwrap().pid, parked.pid);
    assert_eq!(shim.finish().code, 0);
    assert_eq!(lab.log(), "test\n");
    assert!(!lab.has_cgroups());
}

#[test]
fn a_shim_without_a_container_ends_with_its_daemon_and_leaves_nothing() {
    let lab = Lab::new();
    let mut shim = Shim::start();
    let park = Park { namespaces: Vec::new(), cgroup: Some(lab.id.clone()) };
    let pid = shim.daemon.call(&park, Vec::new()).unwrap().pid;
    let Shim { daemon, pidfd, .. } = shim;
    drop(daemon);
    assert!(sampan_sys::pidfd::wait_readable(&pidfd, Some(std::time::Duration::from_secs(10))).unwrap());
    assert_eq!(sampan_sys::pidfd::wait(&pidfd).unwrap().code(), 0);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(!lab.has_cgroups());
}

#[test]
fn a_new_daemon_finds_everything_and_the_streams_have_gone_on() {
    let lab = Lab::new();
    let (mut ours, theirs) = client();
    let mut launch = lab.launch(&["cat"]);
    launch.stdio.open_stdin = true;
    launch.stdio.stdin_once = true;
    launch.attach = vec![attach_all()];
    let mut shim = Shim::start();
    let launched = shim.daemon.launch(&launch, vec![theirs]).unwrap();
    let exec = Exec { id: "e1".into(), process: lab.process(&["sleep", "100"]), tty: false, attach: None };
    shim.daemon.call(&exec, Vec::new()).unwrap();
    // The first daemon is gone as after kill -9.
    let Shim { daemon, pidfd, .. } = shim;
    drop(daemon);
    say(&mut ours, "still here\n");
    assert_eq!(read_until(&mut ours, "\n"), "still here\n");
    let mut second = Daemon::connect(&lab.directory());
    let mut third = Daemon::connect(&lab.directory());
    let status = second.call(&StatusRequest {}, Vec::new()).unwrap();
    assert_eq!((status.state, status.pid, status.clients), (State::Running, launched.pid, 1));
    assert_eq!(status.container, lab.id);
    assert_eq!(status.started_at, launched.started_at);
    assert_eq!((status.execs.len(), status.execs[0].id.as_str(), status.execs[0].code), (1, "e1", None));
    assert!(second.call(&Shutdown {}, Vec::new()).is_err(), "it runs");
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(second.exited().code, 0);
    assert_eq!(third.exited().code, 0);
    assert_eq!(read_all(&mut ours), "");
    drop(second);
    third.call(&Shutdown {}, Vec::new()).unwrap();
    assert!(sampan_sys::pidfd::wait_readable(&pidfd, Some(std::time::Duration::from_secs(10))).unwrap());
    sampan_sys::pidfd::wait(&pidfd).unwrap();
}

#[test]
fn an_end_that_no_daemon_sees_is_in_the_record() {
    let lab = Lab::new();
    let (mut ours, theirs) = client();
    let mut launch = lab.launch(&["sh", "-c", "read line; echo got $line; exit 3"]);
    launch.stdio = StdioOptions { tty: false, open_stdin: true, stdin_once: true };
    launch.attach = vec![Attach { framing: AttachFraming::Run, ..attach_all() }];
    let mut shim = Shim::start();
    shim.daemon.launch(&launch, vec![theirs]).unwrap();
    let Shim { daemon, pidfd, .. } = shim;
    drop(daemon);
    say(&mut ours, "line\n");
    let text = read_all(&mut ours);
    assert!(text.starts_with("\u{1}\0\0\0\0\0\0\u{9}got line\n\u{11}\0\0\0"), "{text:?}");
    assert!(text.ends_with(r#"{"StatusCode":3}"#), "{text:?}");
    assert!(sampan_sys::pidfd::wait_readable(&pidfd, Some(std::time::Duration::from_secs(10))).unwrap());
    assert_eq!(sampan_sys::pidfd::wait(&pidfd).unwrap().code(), 0);
    assert_eq!(lab.exit_record().code, 3);
    assert_eq!(lab.log(), "got line\n");
}

#[test]
fn strange_requests_are_refused_and_harm_nothing() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Fly {}
    impl Request for Fly {
        const NAME: &'static str = "fly";
        type Reply = ();
    }
    let lab = Lab::new();
    let mut shim = Shim::start();
    assert_eq!(shim.daemon.call(&Fly {}, Vec::new()).unwrap_err().kind, "NotImplemented");
    assert_eq!(shim.daemon.call(&Start {}, Vec::new()).unwrap_err().kind, "Conflict");
    assert_eq!(shim.daemon.call(&CloseStdin {}, Vec::new()).unwrap_err().kind, "Conflict");
    let resize = Resize { exec: Some("x".into()), size: Size { rows: 1, columns: 1 } };
    assert_eq!(shim.daemon.call(&resize, Vec::new()).unwrap_err().kind, "NotFound");
    shim.daemon.launch(&lab.launch(&["true"]), Vec::new()).unwrap();
    assert_eq!(shim.daemon.launch(&lab.launch(&["true"]), Vec::new()).unwrap_err().kind, "Conflict");
    assert_eq!(shim.finish().code, 0);
}

#[test]
fn a_killed_allocation_is_told() {
    let lab = Lab::new();
    let mut launch = lab.launch(&["sh", "-c", "tail -c 64000000 /dev/zero"]);
    std::os::unix::fs::symlink("busybox", lab.root.path().join("rootfs/bin/tail")).unwrap();
    launch.plan.cgroup.limits.memory.limit = Some(16 << 20);
    launch.plan.cgroup.limits.memory.swap = Some(16 << 20);
    let exit = Shim::run(&launch).finish();
    assert_eq!((exit.code, exit.oom_killed), (137, true));
    assert!(exit.oom_kills >= 1);
}

#[test]
fn the_program_in_the_container_has_default_signals_and_only_three_descriptors() {
    let lab = Lab::new();
    let script = "grep Sig /proc/self/status; ls /proc/self/fd | tr '\\n' ' '";
    for name in ["grep", "ls"] {
        std::os::unix::fs::symlink("busybox", lab.root.path().join("rootfs/bin").join(name)).unwrap();
    }
    assert_eq!(Shim::run(&lab.launch(&["sh", "-c", script])).finish().code, 0);
    let log = lab.log();
    assert!(log.contains("SigBlk:\t0000000000000000") && log.contains("SigIgn:\t0000000000000000"), "{log}");
    assert!(log.ends_with("0 1 2 3 "), "3 is ls's own look at the directory: {log}");
}

#[test]
fn shim_and_container_live_in_different_cgroups() {
    let lab = Lab::new();
    let mut shim = Shim::start();
    let launched = shim.daemon.launch(&lab.launch(&["sleep", "1000"]), Vec::new()).unwrap();
    let of = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(of(launched.pid).contains(&lab.id) && !of(shim.pid).contains(&lab.id));
    let executable = std::fs::read_link(format!("/proc/{}/exe", shim.pid)).unwrap();
    assert!(executable.to_string_lossy().contains("memfd:sampan-shim"), "{executable:?}");
    assert_eq!(std::fs::read_to_string(format!("/proc/{}/comm", shim.pid)).unwrap(), "sampan-shim\n");
    shim.daemon.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
    assert_eq!(shim.finish().code, 137);
}

#[test]
fn many_containers_at_once_with_daemons_and_clients_that_come_and_go_leave_nothing() {
    let program = std::sync::Arc::new(sampan_sys::memfd::sealed(c"sampan-shim", &program()).unwrap());
    let workers: Vec<_> = (0..4_u64)
        .map(|worker| {
            let program = std::sync::Arc::clone(&program);
            std::thread::spawn(move || {
                for cycle in 0..15_u64 {
                    one_cycle(&program, worker * 100 + cycle);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

fn one_cycle(program: &std::os::fd::OwnedFd, number: u64) {
    let lab = Lab::new();
    let (mut ours, theirs) = client();
    let mut launch = lab.launch(&["sh", "-c", "seq 1 5000; read line; seq 5001 10000; exit 9"]);
    launch.stdio = StdioOptions { tty: false, open_stdin: true, stdin_once: true };
    launch.attach = vec![attach_all()];
    let mut shim = Shim::start_from(program);
    let pid = shim.daemon.launch(&launch, vec![theirs]).unwrap().pid;
    let expected = |last: u32| (1..=last).map(|line| format!("{line}\n")).collect::<String>();
    let Shim { mut daemon, pidfd, .. } = shim;
    match number % 4 {
        // All goes well.
        0 => {
            say(&mut ours, "go\n");
            assert!(read_all(&mut ours) == expected(10_000));
            assert_eq!(daemon.exited().code, 9);
            daemon.call(&Shutdown {}, Vec::new()).unwrap();
        }
        // The daemon goes away at once.
        1 => {
            drop(daemon);
            say(&mut ours, "go\n");
            assert!(read_all(&mut ours) == expected(10_000));
        }
        // The client goes away in the middle: its end is the end of standard input.
        2 => {
            read_until(&mut ours, "100\n");
            drop(ours);
            assert_eq!(daemon.exited().code, 9);
            drop(daemon);
        }
        // The container is killed, another daemon sees it.
        _ => {
            drop(daemon);
            read_until(&mut ours, "\n5000\n");
            let mut second = Daemon::connect(&lab.directory());
            second.call(&Signal { exec: None, signal: 9 }, Vec::new()).unwrap();
            assert_eq!(second.exited().code, 137);
            second.call(&Shutdown {}, Vec::new()).unwrap();
        }
    }
    assert!(sampan_sys::pidfd::wait_readable(&pidfd, Some(std::time::Duration::from_secs(20))).unwrap());
    assert_eq!(sampan_sys::pidfd::wait(&pidfd).unwrap().code(), 0);
    let lines = if number % 4 == 3 { 5000 } else { 10_000 };
    assert!(lab.log() == expected(lines), "cycle {number}");
    assert_eq!(lab.exit_record().code, if number % 4 == 3 { 137 } else { 9 });
    assert!(!lab.has_cgroups() && !std::path::Path::new(&format!("/proc/{pid}")).exists());
}
