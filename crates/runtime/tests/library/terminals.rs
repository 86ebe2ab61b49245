//! Terminals of containers and of processes added to them.

use std::fs::File;
use std::io::Read;

use sampan_runtime::plan::Terminal;

use crate::Test;
use crate::bench::{Bench, command};

pub(crate) const TESTS: &[Test] =
    &[("a_container_has_a_terminal_of_its_own_devpts", first), ("an_added_process_too", added)];

/// What is written until the program has ended; the end of a terminal is an error of the read.
fn read(console: std::os::fd::OwnedFd) -> String {
    let mut bytes = Vec::new();
    let _ = File::from(console).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).replace('\r', "")
}

fn first(bench: &mut Bench) {
    let mut plan = bench.plan("tty; stty size; ls -l /dev/console | grep -c ^c; echo hi > /dev/tty");
    plan.process.terminal = Some(Terminal { rows: 31, columns: 99 });
    let started = bench.ready(&plan, &Default::default()).unwrap().start().unwrap();
    assert_eq!(read(started.console.unwrap()), "/dev/pts/0\n31 99\n1\nhi\n");
    sampan_sys::pidfd::wait(&started.pidfd).unwrap();
}

fn added(bench: &mut Bench) {
    use std::os::fd::AsFd;
    let plan = bench.plan("sleep 1000");
    let (started, cgroup) = bench.start(&plan);
    let mut process = plan.process.clone();
    process.args = command(&["sh", "-c", "tty; stty size; echo hi > /dev/tty"]);
    process.terminal = Some(Terminal { rows: 20, columns: 30 });
    let handle = sampan_runtime::ContainerHandle {
        id: &plan.id,
        init: started.pidfd.as_fd(),
        namespaces: plan.namespace_set(),
        cgroup: Some(&cgroup),
    };
    let exec = sampan_runtime::ExecPlan { process: &process, stdio: None, extra: Vec::new() };
    let added = sampan_runtime::exec_in(handle, &exec).unwrap();
    assert_eq!(read(added.console.unwrap()), "/dev/pts/0\n20 30\nhi\n");
    sampan_sys::pidfd::wait(&added.pidfd).unwrap();
}
