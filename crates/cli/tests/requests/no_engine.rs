//! No daemon at the default socket.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// Any user that is not root.
const NOBODY: u32 = 65534;

fn run(user: u32, environment: &[(&str, &str)], words: &[&str]) -> (Output, String) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder for the test");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("the folder is ours");
    let program = folder.path().join("sampan");
    // By another process: one that this process wrote could not be executed while a child of another test
    // still has it open.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_sampan")).arg(&program).status();
    assert!(copied.expect("cp starts").success());
    let socket = format!("unix://{}/none.sock", folder.path().display());
    let output = Command::new(&program)
        .args(words)
        .env_clear()
        .env("HOME", folder.path())
        .env("SAMPAN_HOST", &socket)
        .envs(environment.iter().copied())
        .current_dir("/")
        .uid(user)
        .gid(user)
        .output()
        .expect("the program starts");
    (output, program.display().to_string())
}

#[test]
fn an_ordinary_user_reads_the_exact_command() {
    let (output, program) = run(NOBODY, &[], &["run", "--rm", "hello"]);
    assert_eq!(output.status.code(), Some(125));
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&format!("sudo {program} daemon --socket ")), "{text}");
    assert!(output.stdout.is_empty());
}

#[test]
fn with_docker_host_nothing_is_started() {
    let host = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    let (output, _) = run(NOBODY, &host, &["ps"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "Cannot connect to the Docker daemon at unix:///nowhere/docker.sock. Is the docker daemon running?\n"
    );
    let (output, _) = run(NOBODY, &[("DOCKER_CONTEXT", "nosuch")], &["ps"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("context not found"));
}
