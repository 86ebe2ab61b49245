//! Terminals, detach keys and signals, before an engine that says it is Sampan. The terminal is made by
//! `script` (Debian: bsdutils, which is always there).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::Client;
use super::own_run::script;
use super::server::{ID, Request, Server};

struct Scene {
    server: Server,
    client: Client,
    // Removed with everything in it at the end.
    _folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let server = Server::start(folder.path(), "Sampan/0.1.0 (linux)", script);
        let client = Client::new(folder.path(), "ours", Path::new(env!("CARGO_BIN_EXE_sampan")));
        Self { server, client, _folder: folder }
    }

    fn spawn(&self, command: &mut Command) -> Child {
        command
            .env("DOCKER_HOST", self.server.host())
            .env("DOCKER_CONFIG", &self.client.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts")
    }

    /// Our client on a terminal of 30 rows and 100 columns, after what else the shell is told to do.
    fn on_terminal(&self, before: &str, words: &str) -> Child {
        let program = self.client.program.display();
        let shell = format!("stty rows 30 cols 100; {before} {program} {words}; echo status $?");
        self.spawn(Command::new("script").args(["-qec", &shell, "/dev/null"]))
    }
}

/// Reads lines until one has this text.
fn wait_for(output: &mut impl BufRead, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        let mut line = Vec::new();
        let count = output.read_until(b'\n', &mut line).expect("the output can be read");
        assert!(count > 0, "the output ended without {text:?}: {all}");
        all.push_str(&String::from_utf8_lossy(&line));
    }
    all
}

fn run_body(requests: &[Request]) -> serde_json::Value {
    let request = requests.iter().find(|request| request.target == "/sampan/run").expect("the run request");
    serde_json::from_slice(&request.body).expect("the body is JSON")
}

#[test]
fn the_detach_keys_leave_the_container_alone() {
    for (flags, keys) in [("", &b"\x10\x11"[..]), ("--detach-keys ctrl-a,x", b"\x01x")] {
        let scene = Scene::new();
        let mut child = scene.on_terminal("", &format!("run -it {flags} endless"));
        let mut output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        wait_for(&mut output, "err");
        let stdin = child.stdin.as_mut().expect("stdin is a pipe");
        stdin.write_all(keys).expect("the terminal takes keys");
        wait_for(&mut output, "status 0");
        drop(child.stdin.take());
        child.wait().expect("the client ends");
        let requests = scene.server.take();
        let body = run_body(&requests);
        assert_eq!(body["Size"], serde_json::json!([30, 100]));
        assert_eq!(body["Config"]["Tty"], true);
        assert!(!requests.iter().any(|request| request.path().ends_with("/kill")));
    }
}

#[test]
fn a_new_size_of_the_window_is_told() {
    let scene = Scene::new();
    // The shell in the background changes the size as soon as a line is typed for it.
    let mut child = scene.on_terminal("", "run -it endless");
    let mut output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    wait_for(&mut output, "err");
    let client = find_child(child.id());
    kill_process(client, Signal::WINCH).expect("the client is there");
    let mut requests = Vec::new();
    while !requests.iter().any(|request: &Request| request.path().ends_with("/resize")) {
        requests.extend(scene.server.take());
        std::thread::yield_now();
    }
    let resize = requests.iter().find(|request| request.path().ends_with("/resize")).expect("just seen");
    assert!(resize.target.ends_with(&format!("/containers/{ID}/resize?h=30&w=100")), "{}", resize.target);
    child.stdin.as_mut().expect("stdin is a pipe").write_all(b"\x10\x11").expect("the terminal takes keys");
    wait_for(&mut output, "status 0");
    drop(child.stdin.take());
    child.wait().expect("the terminal's program ends");
}

/// The client under `script` and its shell.
fn find_child(ancestor: u32) -> Pid {
    let mut id = ancestor;
    loop {
        let path = format!("/proc/{id}/task/{id}/children");
        let children = std::fs::read_to_string(path).expect("the process is there");
        match children.split_whitespace().next() {
            Some(child) => id = child.parse().expect("a number"),
            None => return Pid::from_raw(id.cast_signed()).expect("a process"),
        }
    }
}

#[test]
fn signals_go_to_the_container() {
    let scene = Scene::new();
    let mut child = scene.spawn(Command::new(&scene.client.program).args(["run", "-i", "endless"]));
    let mut output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    wait_for(&mut output, "out");
    let id = Pid::from_child(&child);
    for (signal, name) in [(Signal::INT, "INT"), (Signal::TERM, "TERM"), (Signal::USR1, "USR1")] {
        kill_process(id, signal).expect("the client is there");
        let wanted = format!("/containers/{ID}/kill?signal={name}");
        while !scene.server.take().iter().any(|request| request.target.ends_with(&wanted)) {
            std::thread::yield_now();
        }
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().expect("the client ends").code(), Some(7));
}

#[test]
fn without_proxying_a_signal_ends_the_client() {
    let scene = Scene::new();
    let mut child =
        scene.spawn(Command::new(&scene.client.program).args(["run", "-i", "--sig-proxy=false", "endless"]));
    let mut output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    wait_for(&mut output, "out");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("the client is there");
    assert!(!child.wait().expect("the client ends").success());
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let scene = Scene::new();
    let mut child = scene.spawn(Command::new(&scene.client.program).arg("--help"));
    drop(child.stdout.take());
    let mut child_of_ids =
        scene.spawn(Command::new(&scene.client.program).args(["kill", "one", "two", "three"]));
    drop(child_of_ids.stdout.take());
    for child in [child, child_of_ids] {
        let output = child.wait_with_output().expect("the client ends");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
