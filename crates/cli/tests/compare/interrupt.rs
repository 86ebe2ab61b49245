//! A question that is interrupted instead of answered.

use std::io::Read;
use std::process::{Command, Stdio};

use super::server::Server;
use super::{Client, answers, both};

/// The status and what was printed when a signal comes while the client waits for an answer.
fn interrupted(client: &Client, server: &Server, signal: &str) -> (Option<i32>, String) {
    let mut child = client
        .command(server)
        .args(["volume", "prune"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client starts");
    // Held to the end: a closed stdin would be an answer, too.
    let stdin = child.stdin.take();
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let mut text = String::new();
    while !text.ends_with("[y/N] ") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).expect("the question comes");
        text.push(char::from(byte[0]));
    }
    let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    let status = child.wait().expect("the client ends");
    stdout.read_to_string(&mut text).expect("stdout can be read");
    drop(stdin);
    (status.code(), text)
}

#[test]
fn an_interrupted_question_is_a_no() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let server = Server::start(folder.path(), answers::answer);
    let (stock, ours) = both(folder.path());
    for signal in ["INT", "TERM"] {
        assert_eq!(interrupted(&ours, &server, signal), interrupted(&stock, &server, signal), "{signal}");
        assert!(server.take_log().is_empty(), "nothing was asked of the engine");
    }
}
