//! Clients and a runtime that nobody here wrote: `tests/lab/kubernetes.sh prepare` brings them.

use crate::double::Double;
use crate::specification;
use sampan_provider::{Provider, Setting, Specification, State, Volume, suite};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/lab/kubernetes.sh");

/// Runs a program with an input; its output.
fn run(command: &mut Command, input: &str) -> String {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.expect("run `tests/lab/kubernetes.sh prepare`");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn kubectl(double: &Double, words: &[&str], input: &str) -> String {
    let mut command = Command::new("kubectl");
    // What it learns of a server is kept with the server's file.
    command.arg("--kubeconfig").arg(double.kubeconfig()).args(words);
    run(command.env("HOME", double.kubeconfig().parent().unwrap()), input)
}

fn python(program: &str, words: &[&str], input: &str) -> String {
    let tree = run(Command::new(LAB).arg("path"), "");
    run(Command::new(Path::new(tree.trim()).join("bin/python")).args(["-c", program]).args(words), input)
}

/// A specification with everything that can be written wrongly.
fn hard() -> Specification {
    let mut one = specification("web");
    let values = [
        "no",
        "0x10",
        "1e3",
        "a: b #c",
        "two\nlines\t",
        "ü \u{2028} \u{85}",
        "'\"\\",
        "- x",
        "",
        "~",
        "%d",
        "2026-01-02",
    ];
    for (number, value) in values.into_iter().enumerate() {
        one.environment.push((format!("V{number}"), value.to_owned()));
    }
    one.volumes = vec![Volume { name: "data".to_owned(), path: "/data".to_owned(), read_only: false }];
    one.memory = 64 << 20;
    one.nano_cpus = 500_000_000;
    one.settings = vec![
        Setting { name: "HostConfig.Tmpfs".to_owned(), value: json!({ "/tmp": "size=1m" }) },
        Setting { name: "HostConfig.CapDrop".to_owned(), value: json!(["ALL"]) },
    ];
    one
}

fn variables(deployment: &Value) -> Vec<(String, String)> {
    let all = deployment["spec"]["template"]["spec"]["containers"][0]["env"].as_array().unwrap();
    let text = |one: &Value| Some((one["name"].as_str()?.to_owned(), one["value"].as_str()?.to_owned()));
    all.iter().filter_map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_and_python_read_the_manifests() {
    let double = Double::start().await;
    let (text, hard) = (sampan_provider_kubernetes::manifests(&hard()), hard());
    let wanted: Vec<(String, String)> =
        hard.environment.into_iter().filter(|(name, _)| name != "DB_PASSWORD").collect();
    let words = ["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"];
    let read = kubectl(&double, &words, &text);
    let by_kubectl: Vec<Value> =
        serde_json::Deserializer::from_str(&read).into_iter().map(Result::unwrap).collect();
    let by_kubectl = match by_kubectl.first() {
        Some(one) if one["kind"] == "List" => one["items"].as_array().unwrap().clone(),
        _ => by_kubectl,
    };
    let by_python: Vec<Value> =
        serde_json::from_str(&python(include_str!("read_manifests.py"), &[], &text)).unwrap();
    for all in [by_kubectl, by_python] {
        let kinds: Vec<&str> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["Secret", "PersistentVolumeClaim", "Service", "Deployment"]);
        assert_eq!(variables(&all[3]), wanted);
    }
}

async fn until(provider: &dyn Provider, holds: impl Fn(&sampan_provider::Service) -> bool) {
    let look = async {
        while !holds(&provider.describe("web").await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("it comes to that");
}

/// Two revisions, the second with another value.
async fn two_revisions(provider: &dyn Provider) -> (Specification, Specification) {
    let (mut first, mut second) = (specification("web"), specification("web"));
    for (one, value) in [(&mut first, "first"), (&mut second, "second")] {
        one.environment.push((suite::VARIABLE.to_owned(), value.to_owned()));
        provider.deploy(one).await.unwrap();
        let fingerprint = one.fingerprint();
        until(provider, |now| now.state == State::Running && now.fingerprint == fingerprint).await;
    }
    (first, second)
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_scales_and_takes_back_what_was_made() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let (first, _) = two_revisions(&*provider).await;
    let read: Value =
        serde_json::from_str(&kubectl(&double, &["get", "deployment", "web", "-o", "json"], "")).unwrap();
    assert_eq!(read["metadata"]["labels"]["app.kubernetes.io/managed-by"], "sampan");
    let list =
        kubectl(&double, &["get", "deploy,svc,secret,rs,pod", "-l", "sampan.service=web", "-o", "name"], "");
    for kind in ["deployment.apps/web", "service/web", "secret/web-env-", "replicaset.apps/web-", "pod/web-"]
    {
        assert!(list.contains(kind), "{list}");
    }
    assert!(
        kubectl(&double, &["rollout", "status", "deployment/web"], "").contains("successfully rolled out")
    );
    let lines = kubectl(&double, &["logs", "-l", "sampan.service=web"], "");
    assert!(lines.contains("value=second"), "{lines}");
    kubectl(&double, &["scale", "deployment/web", "--replicas=2"], "");
    until(&*provider, |now| now.wanted == 2 && now.ready == 2 && now.state == State::Running).await;
    assert!(kubectl(&double, &["rollout", "history", "deployment/web"], "").contains("2"));
    kubectl(&double, &["rollout", "undo", "deployment/web"], "");
    until(&*provider, |now| now.fingerprint == first.fingerprint() && now.state == State::Running).await;
    kubectl(&double, &["delete", "deployment", "web"], "");
    assert!(provider.describe("web").await.unwrap_err().is_not_found());
}

#[tokio::test(flavor = "multi_thread")]
async fn python_reads_watches_and_scales_what_was_made() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let (_, second) = two_revisions(&*provider).await;
    let file = double.kubeconfig().display().to_string();
    let said = tokio::task::spawn_blocking(move || python(include_str!("look.py"), &[&file, "web"], ""))
        .await
        .unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["fingerprint"], &said["ready"]), (&json!(second.fingerprint()), &json!(1)));
    assert_eq!((&said["replicas"], &said["port"], &said["seen"]), (&json!(1), &json!(8080), &json!(3)));
    assert_eq!(said["log"].as_str().map(str::trim), Some("value=second"));
    until(&*provider, |now| now.wanted == 3 && now.ready == 3).await;
    let names: Vec<String> =
        provider.instances("web").await.unwrap().into_iter().map(|one| one.name).collect();
    assert!(names.contains(&said["pods"][0].as_str().unwrap().to_owned()));
}

/// Podman with a folder of its own; what it started ends with it.
struct Podman(tempfile::TempDir);

impl Podman {
    fn run(&self, words: &[&str]) -> String {
        run(Command::new(LAB).arg("podman").arg(self.0.path()).args(words), "")
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let mut clear = Command::new(LAB);
        let _ = clear.arg("podman").arg(self.0.path()).args(["pod", "rm", "-af", "-t", "0"]).output();
    }
}

/// A reader of manifests that is not ours runs what they say: two replicas with their values and volumes. They have the host's
/// network, as podman's own needs what not every machine has; so no ports, and it knows no services.
#[test]
fn podman_runs_the_manifests() {
    let podman = Podman(tempfile::tempdir().unwrap());
    let lab = std::env::var("SAMPAN_LAB").unwrap_or_else(|_| "/var/cache/sampan-lab".to_owned());
    podman.run(&["import", &format!("{lab}/images/busybox.tar"), "docker.io/library/busybox:latest"]);
    let mut one = hard();
    one.image.reference = "docker.io/library/busybox:latest".to_owned();
    one.replicas = 2;
    one.ports.clear();
    let script = "echo value=$V3 pass=$DB_PASSWORD in=$PWD; touch /data/kept /tmp/gone && echo written; \
        trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";
    one.command = Some(["sh", "-c", script].map(str::to_owned).into());
    one.working_directory = "/bin".to_owned();
    one.environment.push(("PATH".to_owned(), "/bin".to_owned()));
    one.settings.push(Setting { name: "HostConfig.NetworkMode".to_owned(), value: json!("host") });
    one.settings.retain(|setting| setting.name != "HostConfig.CapDrop");
    one.stop_timeout = Some(1);
    let text = sampan_provider_kubernetes::manifests(&one);
    // Podman 4.3 writes a secret of a manifest in another form than it reads it: it is given as it reads it.
    let (secret, rest) = text.split_once("---\n").unwrap();
    let name = secret.lines().find_map(|line| line.strip_prefix("  name: ")).unwrap();
    let data = secret.lines().find_map(|line| line.trim().strip_prefix("DB_PASSWORD: ")).unwrap();
    let values = podman.0.path().join("values.json");
    std::fs::write(&values, json!({ "DB_PASSWORD": data.trim_matches('"') }).to_string()).unwrap();
    podman.run(&["secret", "create", name, values.to_str().unwrap()]);
    let manifests = podman.0.path().join("web.yaml");
    std::fs::write(&manifests, rest).unwrap();
    podman.run(&["kube", "play", manifests.to_str().unwrap()]);
    for pod in ["web-pod-0-web", "web-pod-1-web"] {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        let wanted = "value=a: b #c pass=hunter2 in=/bin\nwritten\n";
        while podman.run(&["logs", pod]) != wanted {
            assert!(std::time::Instant::now() < until, "{}", podman.run(&["logs", pod]));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let volume = podman.run(&["volume", "inspect", "data", "--format", "{{.Mountpoint}}"]);
    assert!(Path::new(volume.trim()).join("kept").exists());
}
