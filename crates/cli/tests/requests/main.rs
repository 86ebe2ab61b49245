//! The commands that act: the same command line for Docker's own client and for ours before a recording
//! engine. Requests (method, path, query, JSON body), stdout, stderr and the exit status must be the same.
//!
//! The stock client must be on PATH (Debian: `docker-cli`, or `docker.io` before trixie).

mod engine;
mod lines;
mod no_engine;
#[cfg(feature = "daemon")]
mod own_daemon;
mod own_run;
mod server;
mod terminal;

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::Server;

/// A client under the name `docker`, with a home of its own.
struct Client {
    program: PathBuf,
    home: PathBuf,
}

/// What a client did.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    status: Option<i32>,
    stdout: String,
    stderr: String,
    requests: Vec<String>,
}

impl Client {
    fn new(folder: &Path, name: &str, program: &Path) -> Self {
        let home = folder.join(name);
        std::fs::create_dir_all(home.join("bin")).expect("a folder can be made");
        let link = home.join("bin/docker");
        symlink(program, &link).expect("a link can be made");
        std::fs::create_dir_all(home.join("folder")).expect("a folder can be made");
        for (file, text) in [
            ("vars", "# a comment\n\nA=1\n  B=two words\nHOME\nNOT_SET_ANYWHERE\n"),
            ("bad-vars", "WITH BLANK=1\n"),
            ("labels", "com.example.one=1\ntwo\n"),
            ("seccomp.json", "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }\n"),
            ("broken.json", "{"),
            ("there", "x"),
            ("image.tar", "not really a tar"),
        ] {
            std::fs::write(home.join(file), text).expect("a file can be written");
        }
        Self { program: link, home }
    }

    fn run(&self, server: &Server, words: &[String], input: &str) -> Outcome {
        let _ = std::fs::remove_file(self.home.join("id"));
        let mut child = Command::new(&self.program)
            .args(words)
            .env_clear()
            .env("HOME", "/home/nobody")
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("DOCKER_CONFIG", self.home.join("config"))
            .env("DOCKER_HOST", server.host())
            .env("FROM_OUTSIDE", "outside")
            .current_dir(&self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client starts");
        // A client that does not read its input may be gone before it is written.
        let _ = child.stdin.take().expect("stdin is a pipe").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the client ends");
        let home = self.home.to_string_lossy().into_owned();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME");
        let mut requests: Vec<String> = server
            .take()
            .iter()
            // Nobody waits for what runs in the background; Docker's client asks all the same.
            .filter(|request| !(request.path().ends_with("/wait") && words[0] == "run" && detached(words)))
            .filter(|request| request.path() != "/_ping")
            .map(|request| request.line().replace(&home, "HOME"))
            .collect();
        requests.sort();
        let mut stdout = text(&output.stdout);
        if let Ok(id) = std::fs::read_to_string(self.home.join("id")) {
            stdout.push_str(&format!("[id file: {id}]"));
        }
        Outcome { status: output.status.code(), stdout, stderr: text(&output.stderr), requests }
    }
}

/// Plugins: two that say what they are called with, and what looks like one.
const PLUGINS: &[(&str, &str)] =
    &[("foo", PLUGIN), ("buildx", PLUGIN), ("broken", "#!/bin/sh\nexit 1\n"), ("UPPER", PLUGIN)];

const PLUGIN: &str = r#"#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
    echo '{"SchemaVersion": "0.1.0", "Vendor": "Nobody", "Version": "1", "ShortDescription": "Does things"}'
    exit
fi
echo "called with: $*; by $DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND; for $BUILDX_BUILDER"
[ "$1" = help ] || exit 3
"#;

fn detached(words: &[String]) -> bool {
    words
        .iter()
        .take_while(|word| *word != "image")
        .any(|word| word.starts_with("-d") && !word.starts_with("-device"))
}

impl Outcome {
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
                |text: &str| text.chars().skip(same.saturating_sub(80)).take(300).collect::<String>();
            text.push_str(&format!(
                "  {name} docker: {:?}\n  {name} ours:   {:?}\n",
                window(expected),
                window(found)
            ));
        }
        text
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

/// Docker's own client.
fn stock_client() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("docker"))
        .find(|file| file.is_file())
        .expect("Docker's own client is on PATH (Debian: apt-get install docker-cli, or docker.io)")
}

fn compare(prefix: &str, lines: &[&str], configuration: &str) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let server = Server::start(folder.path(), "Docker/28.2.2 (linux)", engine::script);
    let stock = Client::new(folder.path(), "stock", &stock_client());
    let ours = Client::new(folder.path(), "ours", Path::new(env!("CARGO_BIN_EXE_sampan")));
    for client in [&stock, &ours] {
        let config = client.home.join("config");
        std::fs::create_dir_all(&config).expect("a folder can be made");
        std::fs::write(config.join("config.json"), configuration).expect("a file can be written");
        for (name, script) in PLUGINS {
            use std::os::unix::fs::PermissionsExt;
            let folder = config.join("cli-plugins");
            std::fs::create_dir_all(&folder).expect("a folder can be made");
            let path = folder.join(format!("docker-{name}"));
            // Written by another process: see `no_engine`.
            let mut writer = Command::new("tee")
                .arg(&path)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("tee starts");
            writer.stdin.take().expect("stdin is a pipe").write_all(script.as_bytes()).expect("tee reads");
            assert!(writer.wait().expect("tee ends").success());
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("the file is ours");
        }
    }
    let mut different = Vec::new();
    for line in lines {
        let (input, line) = line.split_once(" | ").unwrap_or(("", line));
        let words = words(&format!("{prefix} {line}"));
        let expected = stock.run(&server, &words, input);
        let found = ours.run(&server, &words, input);
        if expected != found {
            different.push(format!("docker {prefix} {line}\n{}", expected.difference(&found)));
        }
    }
    let count = different.len();
    assert!(different.is_empty(), "{count} of {} lines differ:\n{}", lines.len(), different.join("\n"));
}

#[test]
fn run_asks_for_the_same_container() {
    compare("run", lines::CONTAINERS, "{}");
}

#[test]
fn create_asks_for_the_same_container() {
    compare("create", lines::CONTAINERS, "{}");
}

#[test]
fn run_refuses_the_same_command_lines() {
    compare("run", lines::REFUSED, "{}");
}

#[test]
fn run_goes_the_same_way() {
    compare("run", lines::RUN, "{}");
}

#[test]
fn the_other_commands_ask_for_the_same() {
    compare("", lines::OTHERS, "{}");
}

#[test]
fn plugins_are_called_the_same_way() {
    compare("", lines::PLUGINS, "{}");
    let alias = r#"{"aliases": {"builder": "foo"}}"#;
    compare("", &["build .", "builder ls", "foo x"], alias);
}

#[test]
fn the_configuration_counts_the_same() {
    let configuration = r#"{
        "detachKeys": "ctrl-a,a",
        "proxies": {"default": {"httpProxy": "http://proxy:3128", "noProxy": "localhost"}},
        "HttpHeaders": {"X-One": "1"},
        "auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpzZWNyZXQ="}}
    }"#;
    compare("", lines::CONFIGURED, configuration);
}

#[test]
fn more_than_a_hundred_command_lines_are_compared() {
    let all = [lines::CONTAINERS, lines::REFUSED, lines::RUN, lines::OTHERS, lines::CONFIGURED];
    let count: usize = all.iter().map(|lines| lines.len()).sum();
    assert!(count >= 200, "only {count} lines");
}
