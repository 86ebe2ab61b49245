//! Who may have made an image: signatures that a policy wants, and what an index says about its images.

use sampan_tests::registry::{Guard, Registry};
use sampan_tests::{Host, Options, sampan_only};
use serde_json::json;

const PORT: u16 = 5000;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Signs the manifest with this digest as cosign does, and puts the signature beside it.
fn sign(host: &Host, registry: &Registry, repository: &str, digest: &str, key: &str) {
    let payload = json!({"critical": {
        "identity": {"docker-reference": format!("{}/{repository}", registry.address())},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature"}, "optional": null})
    .to_string();
    let file = host.folder().join("payload");
    std::fs::write(&file, &payload).expect("a file for the payload");
    let script = "openssl dgst -sha256 -sign \"$1\" \"$2\" | openssl base64 -A";
    let signature = host.shell(script, &[key, &file.display().to_string()]).ok().to_owned();
    let layer = registry.put_blob(host, repository, payload.as_bytes());
    let config = registry.put_blob(host, repository, b"{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config, "size": 2},
        "layers": [{"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": layer,
            "size": payload.len(), "annotations": {"dev.cosignproject.cosign/signature": signature}}]});
    registry.put_manifest(host, repository, &format!("{}.sig", digest.replace(':', "-")), &manifest);
}

#[test]
fn a_policy_wants_signatures() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let folder = host.folder().display().to_string();
    let keys = "cd \"$1\" && for name in ours other; do
        openssl ecparam -name prime256v1 -genkey -noout -out $name.key && openssl ec -in $name.key -pubout -out $name.pub
    done";
    host.shell(keys, &[&folder]).ok();
    let policy = json!({"default": "accept", "prefixes": {
        "127.0.0.1:5000/shop": {"signed-by": ["ours.pub"]}, "127.0.0.1:5000/old": "reject"}});
    let path = host.folder().join("policy.json");
    std::fs::write(&path, policy.to_string()).expect("a policy");
    host.daemon_arguments(&["--trust-policy", &path.display().to_string()]);
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let names: Vec<String> =
        ["shop/app", "old/app", "free/app"].map(|path| format!("{}/{path}:1", registry.address())).to_vec();
    for name in &names {
        host.docker(&["tag", "busybox", name]).ok();
        host.docker(&["push", name]).ok();
        host.docker(&["rmi", name]).ok();
    }
    let (signed, rejected, free) = (&names[0], &names[1], &names[2]);
    host.docker(&["pull", free]).ok();
    host.docker(&["pull", rejected]).fails(1, "rejects 127.0.0.1:5000/old");
    host.docker(&["pull", signed]).fails(1, "it has no signature");
    let place = format!("docker://{signed}");
    let words = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", &place];
    let digest = host.run(&words).ok().to_owned();
    sign(&host, &registry, "shop/app", &digest, &format!("{folder}/other.key"));
    host.docker(&["pull", signed]).fails(1, "by no such key");
    assert!(!host.docker(&["images", "--format", "{{.Repository}}"]).ok().contains("shop"));
    sign(&host, &registry, "shop/app", &digest, &format!("{folder}/ours.key"));
    host.docker(&["pull", signed]).ok();
    // A signature of another image does not help.
    host.docker(&["run", "--name", "evil", "busybox", "touch", "/evil"]).ok();
    host.docker(&["commit", "evil", signed]).ok();
    host.docker(&["push", signed]).ok();
    host.docker(&["rmi", signed]).ok();
    host.docker(&["pull", signed]).fails(1, "it has no signature");
}

#[test]
fn what_an_index_says_about_an_image_is_shown() {
    let host = Host::new();
    let registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let name = format!("{}/app:one", registry.address());
    host.docker(&["tag", "busybox", &name]).ok();
    let pushed = host.docker(&["push", &name]);
    let digest =
        pushed.ok().split("digest: ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a digest");
    let size = registry.manifest(&host, "app", "one").to_string().len();
    let statement = br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#;
    let layer = registry.put_blob(&host, "app", statement);
    let config = registry.put_blob(&host, "app", b"{}");
    let attestation = json!({"schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config, "size": 2},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": layer, "size": statement.len(),
            "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}}]});
    let said = registry.put_manifest(&host, "app", "", &attestation);
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let length = |reference: &str| registry.manifest(&host, "app", reference).to_string().len();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": docker, "digest": digest, "size": size, "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": docker, "digest": digest, "size": size, "platform": {"os": "linux", "architecture": "s390x"}},
        {"mediaType": MANIFEST, "digest": said, "size": length(&said),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest}}]});
    let top = registry.put_manifest(&host, "app", "many", &index);
    host.docker(&["rmi", &name, "busybox"]).ok();
    let many = format!("{}/app:many", registry.address());
    let pulled = host.docker(&["pull", &many]);
    assert!(pulled.ok().contains(&format!("Digest: {top}")), "{pulled}");
    host.docker(&["run", "--rm", &many, "true"]).ok();
    if !sampan_only() {
        let shown = host.sampan(&["image", "inspect", &many]);
        let shown: serde_json::Value = serde_json::from_str(shown.ok()).expect("inspect prints JSON");
        let statement = &shown[0]["Attestations"][0];
        assert_eq!(statement["PredicateType"], "https://slsa.dev/provenance/v0.2", "{shown:#}");
        assert_eq!(statement["Digest"], layer.as_str());
    }
    host.docker(&["pull", "--platform", "linux/riscv64", &many])
        .fails(1, "no matching manifest for linux/riscv64");
    let found = host.api("GET", &format!("/v1.47/distribution/{many}/json"), None).json();
    assert_eq!(found["Descriptor"]["digest"], top.as_str(), "{found:#}");
    assert_eq!(found["Platforms"].as_array().map(Vec::len), Some(3), "{found:#}");
}
