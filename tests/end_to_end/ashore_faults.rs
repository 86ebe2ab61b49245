//! What goes wrong on the way to other places: kills in the middle, and secrets that must not stay anywhere.

use sampan_tests::{BUSYBOX, Campaign, Host, sampan_only, until};
use std::path::Path;
use std::time::Duration;

const TARGET: &str = "aws-us-east-1";
const SERVE: &str = "mkdir -p /www; hostname >/www/index.html; exec httpd -f -p 80 -h /www";

fn created(host: &Host, name: &str) {
    host.docker(&["create", "--name", name, "-p", "8080:80", "busybox", "sh", "-c", SERVE]).ok();
}

/// What is there that was made for a container.
fn left(host: &Host, name: &str) -> Vec<String> {
    let table = host.sampan(&["target", "resources", TARGET]);
    table
        .ok()
        .lines()
        .filter(|line| line.split_whitespace().nth(1) == Some(name))
        .map(str::to_owned)
        .collect()
}

/// The daemon is killed at moments of a push to the simulated cloud: what was made is listed, a second push finishes it, and
/// removal leaves nothing.
#[test]
fn a_push_that_is_killed_anywhere_is_finished_by_the_next() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    host.import(BUSYBOX);
    host.sampan(&["cloudsim", "up"]).ok();
    let campaign = Campaign::new("kill -9 of the daemon within a push to the simulated cloud", 5, 40);
    let mut listed = 0;
    for round in 0..campaign.rounds {
        // That cloud lets nobody have a name again at once.
        let name = format!("web{round}");
        created(&host, &name);
        let pushing = host.sampan_running(&["container", "push", "-a", TARGET, &name]);
        std::thread::sleep(Duration::from_millis(round as u64 * 173 % 1500 + 20));
        host.kill_daemon();
        drop(pushing);
        host.start_daemon();
        until("the cloud is back", || host.sampan(&["target", "resources", TARGET]).code == 0);
        listed += left(&host, &name).len();
        let again = host.sampan(&["container", "push", "-a", TARGET, &name]);
        assert_eq!(again.code, 0, "round {round}: {again}");
        let row = host.sampan(&["container", "ls", "--target", TARGET]);
        assert!(
            row.ok().lines().any(|row| row.starts_with(&name) && row.contains("1/1")),
            "round {round}: {row}"
        );
        host.sampan(&["rm", "-v", &format!("{name}@{TARGET}")]).ok();
        until("nothing is left there", || left(&host, &name).is_empty());
        // The cloud's own containers say the same as its lists.
        let filter = format!("name=cloudsim-us-east-1-{name}-");
        until("nothing runs there", || host.docker(&["ps", "-aq", "--filter", &filter]).ok().is_empty());
    }
    campaign.done(&format!("{listed} resources were found after the kills; all pushes were finished by the next, and nothing was left"));
}

/// Whether a file, or any below a folder, holds this text.
fn holding(path: &Path, text: &[u8], found: &mut Vec<String>) {
    let Ok(kind) = path.symlink_metadata() else { return };
    if kind.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            holding(&entry.path(), text, found);
        }
    } else if kind.is_file()
        && std::fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text))
    {
        found.push(path.display().to_string());
    }
}

/// The key that a user has in the environment is used for one request, and stays nowhere: no file, no log, no process list.
#[test]
fn credentials_stay_nowhere() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    host.import(BUSYBOX);
    created(&host, "web");
    let secret = "do-not-keep-me-0123456789";
    // Somebody answers there with pages that say no, and notes who was asking.
    let asked = host.folder().join("asked");
    let answer = format!(
        "import http.server as h\nclass A(h.BaseHTTPRequestHandler):\n def do_POST(s):\n  open({:?},'a').write(s.headers.get('Authorization','')+chr(10))\n  s.send_error(403)\n do_GET=do_POST\nh.HTTPServer(('127.0.0.1',9999),A).serve_forever()\n",
        asked.display().to_string(),
    );
    let mut server = host.start(&["python3", "-c", &answer]);
    until("the server answers", || host.curl(&["-s", "http://127.0.0.1:9999/"]).code == 0);
    host.sampan(&[
        "target",
        "create",
        "away",
        "--provider",
        "aws",
        "--region",
        "us-east-1",
        "--endpoint",
        "http://127.0.0.1:9999",
    ])
    .ok();
    let line = format!(
        "AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY={secret} AWS_SESSION_TOKEN=token-{secret} timeout 60 {} -H unix://{} \"$@\" 2>&1 || true",
        sampan_tests::sampan_binary().display(),
        host.socket().display(),
    );
    let mut said = String::new();
    for words in [
        &["target", "check", "away"][..],
        &["container", "push", "-a", "away", "web"],
        &["container", "move", "web", "away"],
        &["container", "deploy", "-d", "away", "web"],
        &["logs", "web@away"],
    ] {
        said += &host.shell(&line, words).stdout;
    }
    assert!(!said.is_empty() && !said.contains(secret), "{said}");
    // They came as far as they were meant to.
    let asked = std::fs::read_to_string(&asked).expect("requests came");
    assert!(asked.contains("AKIDEXAMPLE"), "{asked}");
    let mut found = Vec::new();
    holding(host.folder(), secret.as_bytes(), &mut found);
    assert_eq!(found, Vec::<String>::new());
    for (pid, name) in host.processes() {
        for file in ["cmdline", "environ"] {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert!(
                !text.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "{file} of {name}"
            );
        }
    }
    assert!(server.is_running());
}
