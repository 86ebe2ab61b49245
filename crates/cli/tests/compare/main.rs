//! The same command line for Docker's own client and for ours, side by side before the same engine:
//! stdout, stderr, the exit status and the requests must be the same, byte for byte.
//!
//! The engine is a small server that knows its answers, so that both clients see the same world. The
//! stock client must be on PATH (Debian: `docker-cli`, or `docker.io` before trixie).

mod answers;
mod interrupt;
mod lines;
mod server;

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::Server;

/// What a client did with a command line.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: Option<i32>,
    stdout: String,
    stderr: String,
    requests: Vec<String>,
}

impl Outcome {
    /// The parts that differ, each from shortly before its first difference.
    fn difference(&self, found: &Self) -> String {
        let parts = [
            ("status", format!("{:?}", self.status), format!("{:?}", found.status)),
            ("stdout", self.stdout.clone(), found.stdout.clone()),
            ("stderr", self.stderr.clone(), found.stderr.clone()),
            ("requests", self.requests.join("\n"), found.requests.join("\n")),
        ];
        let mut text = String::new();
        for (name, expected, found) in parts.iter().filter(|(_, expected, found)| expected != found) {
            let same = expected.chars().zip(found.chars()).take_while(|(one, other)| one == other).count();
            let window =
                |text: &str| text.chars().skip(same.saturating_sub(60)).take(300).collect::<String>();
            text.push_str(&format!(
                "  {name} docker: {:?}\n  {name} ours:   {:?}\n",
                window(expected),
                window(found)
            ));
        }
        text
    }
}

/// A client with a home of its own.
struct Client {
    program: PathBuf,
    home: PathBuf,
}

/// One command line: the words after `docker`, and what is typed.
pub(crate) struct Line {
    words: &'static str,
    input: &'static str,
    environment: &'static [(&'static str, &'static str)],
}

impl Client {
    fn new(folder: &Path, name: &str, program: &Path) -> Self {
        let home = folder.join(name);
        std::fs::create_dir_all(home.join("bin")).expect("a folder can be made");
        let link = home.join("bin/docker");
        symlink(program, &link).expect("a link can be made");
        Self { program: link, home }
    }

    /// The client in its home, pointed at the engine.
    fn command(&self, server: &Server) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("DOCKER_CONFIG", self.home.join("config"))
            .env("DOCKER_HOST", server.host())
            .current_dir(&self.home);
        command
    }

    fn run(&self, server: &Server, line: &Line) -> Outcome {
        let mut child = self
            .command(server)
            .args(words(line.words))
            .envs(line.environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts");
        // A client that does not read its input may be gone before it is written.
        let _ = child.stdin.take().expect("stdin is a pipe").write_all(line.input.as_bytes());
        let output = child.wait_with_output().expect("the client ends");
        let home = self.home.to_string_lossy().into_owned();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME");
        Outcome {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            requests: server.take_log(),
        }
    }

    /// Puts a command line plugin in place.
    fn add_plugin(&self) {
        let folder = self.home.join("config/cli-plugins");
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let description =
            r#"{"SchemaVersion":"0.1.0","Vendor":"Us","Version":"v1","ShortDescription":"Says hello"}"#;
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = docker-cli-plugin-metadata ]; then echo '{description}'; exit; fi\n\
             echo hello \"$@\"; exit 7\n"
        );
        // Another process writes it: this one, when it starts a client elsewhere at the same moment, would
        // hand it the file open for writing, and nobody can execute it then.
        let mut writer = Command::new("install")
            .args(["-m", "755", "/dev/stdin"])
            .arg(folder.join("docker-greet"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("install starts");
        let mut stdin = writer.stdin.take().expect("stdin is a pipe");
        stdin.write_all(script.as_bytes()).expect("the script is taken");
        drop(stdin);
        assert!(writer.wait().expect("install ends").success());
    }

    fn configure(&self, text: &str) {
        let folder = self.home.join("config");
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        std::fs::write(folder.join("config.json"), text).expect("a file can be written");
    }
}

/// Cuts a line into words: single quotes keep blanks together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut started, mut quoted) = (String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                started = true;
            }
            ' ' if !quoted => {
                if std::mem::take(&mut started) {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => {
                word.push(other);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

fn stock_client() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("docker"))
        .find(|file| file.is_file())
        .expect("Docker's own client is on PATH (Debian: apt-get install docker-cli, or docker.io)")
}

/// Docker's client and ours.
fn both(folder: &Path) -> (Client, Client) {
    let stock = Client::new(folder, "stock", &stock_client());
    (stock, Client::new(folder, "ours", Path::new(env!("CARGO_BIN_EXE_sampan"))))
}

fn compare(lines: &[Line], configuration: Option<&str>) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let server = Server::start(folder.path(), answers::answer);
    let (stock, ours) = both(folder.path());
    for client in [&stock, &ours] {
        client.add_plugin();
        if let Some(text) = configuration {
            client.configure(text);
        }
    }
    let mut different = Vec::new();
    for line in lines {
        let (expected, found) = (stock.run(&server, line), ours.run(&server, line));
        if expected != found {
            different.push(format!("docker {}\n{}", line.words, expected.difference(&found)));
        }
    }
    let count = different.len();
    assert!(different.is_empty(), "{count} of {} lines differ:\n{}", lines.len(), different.join("\n"));
}

#[test]
fn lists_print_what_docker_prints() {
    compare(lines::LISTS, None);
}

#[test]
fn inspect_prints_what_docker_prints() {
    compare(lines::INSPECT, None);
}

#[test]
fn templates_print_and_fail_as_gos() {
    compare(lines::TEMPLATES, None);
}

#[test]
fn the_system_commands_print_what_docker_prints() {
    compare(lines::SYSTEM, None);
}

#[test]
fn changes_ask_and_print_what_docker_does() {
    compare(lines::CHANGES, None);
}

#[test]
fn contexts_are_kept_as_docker_keeps_them() {
    compare(lines::CONTEXTS, None);
}

#[test]
fn help_is_dockers_help() {
    compare(lines::HELP, None);
}

#[test]
fn accounts_are_kept_as_docker_keeps_them() {
    compare(lines::ACCOUNTS, None);
}

#[test]
fn formats_of_the_configuration_are_used() {
    let configuration = r#"{
        "psFormat": "{{.Names}}: {{.Image}}", "imagesFormat": "table {{.ID}}\\t{{.Tag}}", "pruneFilters": ["until=1h"],
        "networksFormat": "{{.Name}}", "volumesFormat": "json", "statsFormat": "{{.Name}}",
        "auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpzZWNyZXQ="}}
    }"#;
    compare(lines::CONFIGURED, Some(configuration));
}

#[test]
fn at_least_150_command_lines_are_compared() {
    let all = [
        lines::LISTS,
        lines::INSPECT,
        lines::TEMPLATES,
        lines::SYSTEM,
        lines::CHANGES,
        lines::ACCOUNTS,
        lines::CONTEXTS,
        lines::HELP,
        lines::CONFIGURED,
    ];
    assert!(all.iter().map(|lines| lines.len()).sum::<usize>() >= 150);
}
