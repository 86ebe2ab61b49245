//! Containers as a cluster has them written: `inspect --as kubernetes`. Clusters themselves are in
//! `crates/providers/kubernetes/tests`.

use sampan_tests::{BUSYBOX, Host, sampan_only};
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Kubernetes' client for Python reads manifests into its own models, and complains of what they do not know.
const READER: &str = include_str!("../../crates/providers/kubernetes/tests/cluster/read_manifests.py");

fn read(text: &str) -> Vec<Value> {
    let lab = std::env::var("SAMPAN_LAB").unwrap_or_else(|_| "/var/cache/sampan-lab".to_owned());
    let python = format!("{lab}/kubernetes/bin/python");
    let mut command = Command::new(python);
    let started = command.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.expect("run `tests/lab/kubernetes.sh prepare`");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn kinds(all: &[Value]) -> Vec<&str> {
    all.iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_container_is_written_as_a_cluster_has_it() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    host.import(BUSYBOX);
    host.docker(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "8080:80",
        "-e",
        "API_TOKEN=hush-hush",
        "-e",
        "MODE=a: b",
        "-v",
        "data:/data",
        "--memory",
        "64m",
        "--health-cmd",
        "true",
        "--health-interval",
        "2s",
        "-l",
        "l=m",
        "busybox",
        "sleep",
        "1000",
    ])
    .ok();
    let all = read(host.sampan(&["inspect", "--as", "kubernetes", "web"]).ok());
    assert_eq!(kinds(&all), ["Secret", "PersistentVolumeClaim", "Service", "Deployment"]);
    assert_eq!(all[0]["data"]["API_TOKEN"], "aHVzaC1odXNo");
    assert_eq!(all[2]["spec"]["ports"][0]["port"], 8080);
    let pod = &all[3]["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["args"][1]), (&"busybox".into(), &"1000".into()));
    assert_eq!(container["readinessProbe"]["periodSeconds"], 2);
    assert_eq!(container["resources"]["limits"]["memory"], "67108864");
    assert_eq!(pod["metadata"]["annotations"]["l"], "m");
    assert!(!all[3].to_string().contains("hush-hush"));

    // A target's options count.
    host.sampan(&[
        "target",
        "create",
        "k8s",
        "--provider",
        "kubernetes",
        "-o",
        "expose=NodePort",
        "-o",
        "namespace=shop",
    ])
    .ok();
    let all = read(host.sampan(&["container", "inspect", "--as", "k8s", "web"]).ok());
    assert_eq!(
        (&all[2]["spec"]["type"], &all[3]["metadata"]["namespace"]),
        (&"NodePort".into(), &"shop".into())
    );

    for (form, word) in [("docker", "--as kubernetes"), ("nowhere", "no provider"), ("", "as=kubernetes")] {
        let refused = host.sampan(&["inspect", "--as", form, "web"]);
        assert!(refused.code != 0 && refused.stderr.contains(word), "{refused}");
    }
    // Without a cluster it is said what is missing.
    let refused = host.sampan(&["target", "check", "k8s"]);
    assert!(refused.code != 0 && refused.stderr.contains("KUBECONFIG"), "{refused}");
}
