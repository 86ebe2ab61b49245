//! `manifest`: one name for the same image on several platforms, put together and pushed.

use sampan_tests::registry::{Guard, Registry};
use sampan_tests::{Host, sampan_only};

#[test]
fn a_list_is_put_together_and_pushed() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let registry = Registry::start(&host, "plain", 5000, &Guard::default());
    let name = |path: &str| format!("{}/{path}", registry.address());
    host.docker(&["run", "--name", "other", "busybox", "touch", "/other"]).ok();
    host.docker(&["commit", "other", &name("other/arm:1")]).ok();
    host.docker(&["tag", "busybox", &name("app:amd64")]).ok();
    for image in ["other/arm:1", "app:amd64"] {
        host.docker(&["push", &name(image)]).ok();
    }
    let list = name("app:many");
    host.sampan(&["manifest", "inspect", &list]).fails(1, "no such manifest");
    let one = host.sampan(&["manifest", "inspect", &name("app:amd64")]);
    assert!(one.ok().contains("\"application/vnd.docker.distribution.manifest.v2+json\""), "{one}");
    let stock = host.docker(&["manifest", "inspect", "--insecure", &name("app:amd64")]);
    assert_eq!(one.ok(), stock.ok(), "the stock command prints the same");
    host.sampan(&["manifest", "create", &list, &name("app:amd64"), &name("other/arm:1")]).ok();
    host.sampan(&["manifest", "create", &list, &name("app:amd64")]).fails(1, "--amend");
    let words = ["manifest", "annotate", "--arch", "arm64", "--variant", "v8", &list, &name("other/arm:1")];
    host.sampan(&words).ok();
    let shown = host.sampan(&["manifest", "inspect", &list]);
    assert!(shown.ok().contains("\"arm64\""), "{shown}");
    let digest = host.sampan(&["manifest", "push", "--purge", &list]).ok().to_owned();
    let place = format!("docker://{list}");
    let seen = host.run(&["skopeo", "inspect", "--raw", "--tls-verify=false", &place]);
    let seen: serde_json::Value = serde_json::from_str(seen.ok()).expect("a list is JSON");
    assert_eq!(seen["manifests"].as_array().map(Vec::len), Some(2), "{seen:#}");
    assert!(digest.starts_with("sha256:"), "{digest}");
    host.docker(&["rmi", "-f", "busybox", &name("app:amd64"), &name("other/arm:1")]).ok();
    // The list says what it is, its configuration says what it was made for.
    host.docker(&["pull", "--platform", "linux/arm64", &list]).fails(1, "linux/amd64");
    host.docker(&["pull", &list]).ok();
    host.docker(&["run", "--rm", &list, "ls", "/other"]).fails(1, "No such file");
    host.sampan(&["manifest", "rm", &list]).fails(1, "No such manifest");
}
