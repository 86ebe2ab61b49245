//! Moto and botocore's models, as the tests use them.

use sampan_provider::{Health, Image, Port, Probe, Protocol, Specification, Target, Volume};
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A target at an endpoint.
pub(crate) fn target(endpoint: &str) -> Target {
    Target {
        name: "aws-eu-west-1".to_owned(),
        provider: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: endpoint.to_owned(),
        ..Target::default()
    }
}

/// A container with something of everything.
pub(crate) fn specification(name: &str, replicas: u32) -> Specification {
    Specification {
        name: name.to_owned(),
        image: Image {
            reference: "web:1".to_owned(),
            id: "sha256:1".to_owned(),
            located: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/sampan/web@sha256:1".to_owned(),
            architecture: "amd64".to_owned(),
        },
        entrypoint: Some(vec!["/bin/sh".to_owned()]),
        command: Some(vec!["-c".to_owned(), "serve".to_owned()]),
        environment: vec![("A".to_owned(), "b & c".to_owned())],
        user: "1000:1000".to_owned(),
        working_directory: "/srv".to_owned(),
        ports: vec![Port { container: 80, published: Some(8080), protocol: Protocol::Tcp }],
        volumes: vec![Volume { name: "data".to_owned(), path: "/data".to_owned(), read_only: false }],
        nano_cpus: 500_000_000,
        memory: 600 << 20,
        labels: [("a".to_owned(), "b".to_owned())].into(),
        health: Some(Health {
            probe: Probe::Shell("true".to_owned()),
            interval: 10_000_000_000,
            timeout: 3_000_000_000,
            start_period: 5_000_000_000,
            retries: 3,
        }),
        stop_timeout: Some(20),
        replicas,
        ..Specification::default()
    }
}

fn python() -> PathBuf {
    let lab = std::env::var("SAMPAN_LAB").unwrap_or_else(|_| "/var/cache/sampan-lab".to_owned());
    let path = PathBuf::from(lab).join("moto/bin/python");
    assert!(path.exists(), "moto is missing: run `tests/lab/moto.sh prepare`");
    path
}

/// Runs a program of Python with an input; its output.
fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(python())
        .args(["-c", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the referee's program failed");
    String::from_utf8(output.stdout).unwrap()
}

/// A running moto; ends with the test.
pub(crate) struct Moto {
    child: Child,
    pub(crate) endpoint: String,
}

impl Moto {
    /// Starts one and waits until it answers.
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(python().with_file_name("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { child, endpoint: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "moto does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        moto
    }

    /// What a container would have printed.
    pub(crate) fn put_logs(&self, group: &str, stream: &str, lines: &[&str]) {
        run(include_str!("put_logs.py"), &[&self.endpoint, group, stream, &lines.join("\n")], "");
    }

    /// A user who may do everything: id and secret of its key.
    pub(crate) fn make_user(&self) -> (String, String) {
        let said = run(include_str!("make_user.py"), &[&self.endpoint], "");
        let (id, secret) = said.trim().split_once(' ').unwrap();
        (id.to_owned(), secret.to_owned())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stands between the provider and moto and keeps every request.
pub(crate) struct Recorder {
    pub(crate) endpoint: String,
    kept: Arc<Mutex<Vec<serde_json::Value>>>,
}

impl Recorder {
    /// Passes on to an endpoint.
    pub(crate) async fn start(to: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (kept, to) = (Arc::new(Mutex::new(Vec::new())), to.trim_start_matches("http://").to_owned());
        let keep = Arc::clone(&kept);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, to.clone(), Arc::clone(&keep)));
            }
        });
        Self { endpoint, kept }
    }

    /// How many requests were looked at, and what is wrong with them.
    pub(crate) fn check(&self) -> (usize, String) {
        let kept = self.kept.lock().unwrap();
        let input = serde_json::to_string(&*kept).unwrap();
        (kept.len(), run(include_str!("check_requests.py"), &[], &input))
    }
}

/// One request and its answer; the connection ends with it.
async fn pass(mut stream: TcpStream, to: String, keep: Arc<Mutex<Vec<serde_json::Value>>>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = header(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            break (head, String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned());
        }
    };
    let first: Vec<&str> = head.lines().next().unwrap_or_default().split(' ').collect();
    keep.lock().unwrap().push(serde_json::json!({
        "method": first[0], "path": first[1], "target": header(&head, "x-amz-target"),
        "scope": header(&head, "authorization"), "body": body,
    }));
    let Ok(mut peer) = TcpStream::connect(&to).await else { return };
    let lines: Vec<&str> =
        head.lines().filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
    let request = format!("{}\r\nConnection: close\r\n\r\n{body}", lines.join("\r\n"));
    if peer.write_all(request.as_bytes()).await.is_ok() {
        let _ = tokio::io::copy(&mut peer, &mut stream).await;
    }
    let _ = stream.shutdown().await;
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned()))
}
