//! Parked inits: made before their plan is known.

use std::os::fd::AsFd;

use sampan_runtime::cgroup::Cgroup;
use sampan_runtime::{LaunchFiles, ParkPlan, park};
use sampan_sys::namespace::Namespaces;

use crate::Test;
use crate::bench::{Bench, message};

pub(crate) const TESTS: &[Test] = &[
    ("a_parked_init_takes_the_name_and_the_network_later", later),
    ("a_parked_init_ends_with_its_launcher", orphaned),
    ("a_parked_init_holds_none_of_the_launchers_descriptors", descriptors),
    ("a_failed_launch_leaves_no_process", failed),
    ("extra_descriptors_follow_the_standard_three", extra),
    ("the_start_can_come_from_another_process", barrier),
];

fn park_plan(cgroup: &Cgroup) -> ParkPlan<'_> {
    let create = Namespaces::MOUNT | Namespaces::UTS | Namespaces::IPC | Namespaces::PID | Namespaces::CGROUP;
    ParkPlan { create, cgroup: Some(cgroup), ..ParkPlan::default() }
}

fn later(bench: &mut Bench) {
    let plan = bench.plan("cat /proc/self/cgroup | grep -c ':/$'; ls /proc/self/ns -l | grep net:");
    let parked_name = format!("{}/parked-{}", crate::bench::cgroup_parent(), bench.id);
    let mut cgroup = Cgroup::create(&parked_name).unwrap();
    let parked = park(&park_plan(&cgroup)).unwrap();
    cgroup.rename(&plan.cgroup.path).unwrap();
    let bench_cgroup = bench.cgroup(&plan);
    let v1: Vec<_> = cgroup.paths().filter(|(controllers, _)| !controllers.is_empty()).collect();
    for (controllers, path) in &v1 {
        let moved = bench_cgroup.directory(&controllers[0]).unwrap();
        assert!(*path == moved || path.ends_with(&parked_name), "{} {}", path.display(), moved.display());
    }
    // A network namespace that somebody else has prepared.
    let other = park(&ParkPlan { create: Namespaces::NETWORK, ..ParkPlan::default() }).unwrap();
    let network = std::fs::File::open(format!("/proc/{}/ns/net", other.pid)).unwrap();
    let wanted = std::fs::read_link(format!("/proc/{}/ns/net", other.pid)).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let null = sampan_sys::descriptor::null().unwrap();
    let files = LaunchFiles {
        stdio: Some([null.as_fd(), writer.as_fd(), writer.as_fd()]),
        network: Some(network.as_fd()),
        ..LaunchFiles::default()
    };
    let started = parked.launch(&plan, &files).unwrap().start().unwrap();
    drop(writer);
    let output = std::io::read_to_string(reader).unwrap();
    assert_eq!(sampan_sys::pidfd::wait(&started.pidfd).unwrap().code(), 0);
    assert!(output.contains(&wanted.display().to_string()), "{output} has not {}", wanted.display());
    other.discard();
    cgroup.remove().unwrap();
}

fn orphaned(_bench: &mut Bench) {
    let parked = park(&ParkPlan { create: Namespaces::PID, ..ParkPlan::default() }).unwrap();
    let sampan_runtime::Parked { pidfd, channel, .. } = parked;
    drop(channel);
    assert_eq!(sampan_sys::pidfd::wait(&pidfd).unwrap().code(), 0);
}

fn descriptors(_bench: &mut Bench) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let parked = park(&ParkPlan { create: Namespaces::PID, ..ParkPlan::default() }).unwrap();
    drop(writer);
    // Would the init hold the other end, this would wait for ever.
    assert_eq!(std::io::Read::read(&mut reader, &mut [0; 1]).unwrap(), 0);
    parked.discard();
}

fn failed(bench: &mut Bench) {
    for (script, change) in [("true", "/nowhere/at/all"), ("true", "/etc/passwd")] {
        let mut plan = bench.plan(script);
        plan.process.args = vec![change.into()];
        let cgroup = bench.cgroup(&plan);
        assert!(message(bench.run(&plan)).starts_with("exec: "));
        assert_eq!(cgroup.processes().unwrap(), Vec::<i32>::new());
    }
}

fn extra(bench: &mut Bench) {
    let plan = bench.plan("cat <&3; ls /proc/self/fd | grep -c .");
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"through 3\n").unwrap();
    drop(writer);
    let (output, writer) = std::io::pipe().unwrap();
    let null = sampan_sys::descriptor::null().unwrap();
    let files = LaunchFiles {
        stdio: Some([null.as_fd(), writer.as_fd(), writer.as_fd()]),
        extra: vec![reader.as_fd()],
        ..LaunchFiles::default()
    };
    let started = bench.ready(&plan, &files).unwrap().start().unwrap();
    drop(writer);
    assert_eq!(std::io::read_to_string(output).unwrap(), "through 3\n5\n");
    sampan_sys::pidfd::wait(&started.pidfd).unwrap();
}

fn barrier(bench: &mut Bench) {
    use std::os::unix::net::{UnixListener, UnixStream};
    let plan = bench.plan("exit 4");
    let path = bench.place.join("start");
    let listener = UnixListener::bind(&path).unwrap();
    let files = LaunchFiles { barrier: Some(listener.as_fd()), ..LaunchFiles::default() };
    let ready = bench.ready(&plan, &files).unwrap();
    drop(listener);
    let connection = UnixStream::connect(&path).unwrap();
    sampan_runtime::launch::start_through(&connection).unwrap();
    assert_eq!(sampan_sys::pidfd::wait(&ready.pidfd).unwrap().code(), 4);
}
