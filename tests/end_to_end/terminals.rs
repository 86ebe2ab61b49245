//! Containers on a terminal: typing, resizing, detaching.

use sampan_tests::Host;

#[test]
fn exec_on_a_terminal_is_a_shell_to_type_into() {
    let host = Host::new();
    host.docker(&["run", "-d", "--name", "web", "busybox", "sleep", "1000"]).ok();
    let mut terminal = host.docker_on_terminal(&["exec", "-it", "web", "sh"]);
    terminal.shows("# ");
    terminal.types(b"test -t 0 && echo on a ter''minal; stty size\n");
    terminal.shows("on a terminal");
    terminal.shows("24 80");
    terminal.types(b"exit 5\n");
    assert_eq!(terminal.exit_code(), 5);
}

#[test]
fn a_window_that_is_resized_is_resized_inside() {
    let host = Host::new();
    let mut terminal = host.docker_on_terminal(&["run", "-it", "--rm", "busybox", "sh"]);
    terminal.shows("# ");
    sampan_tests::until("the new size inside", || {
        // The stock client may not listen yet when the first prompt is there, and only a change is told.
        terminal.resize(33, 120);
        terminal.resize(33, 121);
        terminal.types(b"stty size\n");
        std::thread::sleep(std::time::Duration::from_millis(200));
        terminal.screen().contains("33 121")
    });
    terminal.types(b"exit\n");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn detach_keys_leave_the_container_running() {
    let host = Host::new();
    let mut terminal = host.docker_on_terminal(&["run", "-it", "--name", "kept", "busybox", "sh"]);
    terminal.shows("# ");
    terminal.types(b"\x10\x11");
    terminal.ends();
    let state = host.docker(&["inspect", "-f", "{{.State.Status}}", "kept"]);
    assert_eq!(state.ok(), "running");
    let mut again = host.docker_on_terminal(&["attach", "--detach-keys", "ctrl-a,x", "kept"]);
    again.types(b"echo back a''gain\n");
    again.shows("back again");
    again.types(b"\x01x");
    again.ends();
    let mut last = host.docker_on_terminal(&["attach", "kept"]);
    last.types(b"exit 9\n");
    assert_eq!(last.exit_code(), 9);
    assert_eq!(host.docker(&["inspect", "-f", "{{.State.ExitCode}}", "kept"]).ok(), "9");
}

#[test]
fn control_c_interrupts_the_program_and_not_the_terminal() {
    let host = Host::new();
    let mut terminal = host.docker_on_terminal(&["run", "-it", "--rm", "busybox", "sh"]);
    terminal.shows("# ");
    terminal.types(b"sleep 1000; echo code $?\n");
    std::thread::sleep(std::time::Duration::from_millis(300));
    sampan_tests::until("an interrupted sleep", || {
        terminal.types(b"\x03");
        terminal.types(b"echo st''ill here\n");
        std::thread::sleep(std::time::Duration::from_millis(200));
        terminal.screen().contains("still here")
    });
    terminal.types(b"exit 0\n");
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn signals_are_passed_on_without_a_terminal() {
    let host = Host::new();
    let script = "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.1; done";
    let mut running =
        host.docker_running(&["run", "--rm", "--name", "trapping", "busybox", "sh", "-c", script]);
    sampan_tests::until("the program's first line", || {
        host.docker(&["logs", "trapping"]).stdout.contains("ready")
    });
    // The command line is below `timeout` and `nsenter`, which do not pass signals on.
    let client = host.run(&["pgrep", "-f", "^[^ ]*(docker|sampan) run --rm --name trapping"]).ok().to_owned();
    host.run(&["kill", "-TERM", &client]).ok();
    assert!(running.child().stdin.is_some());
    let outcome = running.finish();
    assert_eq!((outcome.code, outcome.stdout.contains("got it")), (3, true), "{outcome}");
}
