//! Images to and from a real registry, in all the ways that registries are guarded.

use sampan_tests::registry::{Certificates, Guard, PASSWORD, Registry, TokenServer, USER};
use sampan_tests::{BUSYBOX, Host, Options, sampan_only};

const PORT: u16 = 5000;

fn id(host: &Host, image: &str) -> String {
    host.docker(&["inspect", "-f", "{{.Id}}", image]).ok().to_owned()
}

/// An image of three layers.
fn three_layers(host: &Host, name: &str) {
    for (from, to, script) in [
        ("busybox", "step:1", "echo one >/one; chmod 4711 /one; ln -s /one /link"),
        ("step:1", name, "echo two >/two; rm /one; dd if=/dev/urandom of=/big bs=1M count=3 2>/dev/null"),
    ] {
        host.docker(&["run", "--name", "step", from, "sh", "-c", script]).ok();
        host.docker(&["commit", "step", to]).ok();
        host.docker(&["rm", "step"]).ok();
    }
}

/// Digest of what the registry has under a tag, as skopeo sees it.
fn skopeo_digest(host: &Host, name: &str) -> String {
    let place = format!("docker://{name}");
    let words = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", &place];
    host.run(&words).ok().to_owned()
}

#[test]
fn an_image_goes_to_a_registry_and_comes_back() {
    let host = Host::new();
    let registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let name = format!("{}/team/app:1", registry.address());
    three_layers(&host, &name);
    let before = id(&host, &name);
    let pushed = host.docker(&["push", &name]);
    let digest = skopeo_digest(&host, &name);
    assert!(pushed.ok().contains(&format!("1: digest: {digest} size:")), "{pushed}");

    // A second push sends nothing.
    let uploads =
        || registry.log().matches("\"PATCH ").count() + registry.log().matches("method=PATCH").count();
    let sent = uploads();
    assert!(sent > 0, "{}", registry.log());
    let again = host.docker(&["push", &name]);
    assert_eq!(again.ok().matches("Layer already exists").count(), 3, "{again}");
    assert_eq!(uploads(), sent, "a layer was sent twice");

    // To another repository it is mounted.
    let other = format!("{}/other/app:1", registry.address());
    host.docker(&["tag", &name, &other]).ok();
    let mounted = host.docker(&["push", &other]);
    assert_eq!(mounted.ok().matches("Mounted from team/app").count(), 3, "{mounted}");
    assert_eq!(uploads(), sent, "a layer was sent that could be mounted");
    assert_eq!(skopeo_digest(&host, &other), digest);

    let all = host.docker(&["images", "-q", "--no-trunc"]);
    host.docker(&["rmi", "-f", &name, &other, "step:1"]).ok();
    assert!(!host.docker(&["images", "-q", "--no-trunc"]).ok().contains(&before), "{all}");
    let pulled = host.docker(&["pull", &name]);
    let text = pulled.ok();
    assert!(text.contains(&format!("Digest: {digest}")), "{pulled}");
    assert!(text.contains(&format!("Status: Downloaded newer image for {name}")), "{pulled}");
    assert_eq!(text.matches("Already exists").count(), 1, "busybox's own layer is here: {pulled}");
    assert_eq!(id(&host, &name), before);
    let inside =
        host.docker(&["run", "--rm", &name, "sh", "-c", "ls /one 2>/dev/null; readlink /link; cat /two"]);
    assert_eq!(inside.ok(), "/one\ntwo");
    let again = host.docker(&["pull", &name]);
    assert!(again.ok().contains(&format!("Status: Image is up to date for {name}")), "{again}");
}

#[test]
fn tags_and_digests_are_pulled() {
    let host = Host::new();
    let registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let repository = format!("{}/app", registry.address());
    for tag in ["a", "b"] {
        host.docker(&["tag", "busybox", &format!("{repository}:{tag}")]).ok();
    }
    let pushed = host.docker(&["push", "-a", &repository]);
    assert_eq!(pushed.ok().matches(": digest: sha256:").count(), 2, "{pushed}");
    let digest = skopeo_digest(&host, &format!("{repository}:a"));
    host.docker(&["rmi", &format!("{repository}:a"), &format!("{repository}:b")]).ok();
    host.docker(&["pull", "-a", &repository]).ok();
    let tags = host.docker(&["images", "--format", "{{.Tag}}", &repository]);
    assert_eq!(tags.ok().lines().collect::<std::collections::BTreeSet<_>>().len(), 2, "{tags}");
    host.docker(&["rmi", "-f", "busybox", &format!("{repository}:a"), &format!("{repository}:b")]).ok();
    let by_digest = format!("{repository}@{digest}");
    host.docker(&["pull", &by_digest]).ok();
    assert_eq!(host.docker(&["run", "--rm", &by_digest, "echo", "by digest"]).ok(), "by digest");
    let names = host.docker(&["inspect", "-f", "{{json .RepoTags}} {{json .RepoDigests}}", &by_digest]);
    assert_eq!(names.ok(), format!("[] [\"{by_digest}\"]"));
    host.docker(&["pull", &format!("{repository}:missing")]).fails(1, "not found: manifest unknown");
    host.docker(&["pull", &format!("{repository}@sha256:{}", "0".repeat(64))]).fails(1, "not found");
    host.docker(&["push", &format!("{repository}:missing")]).fails(1, "does not exist locally with the tag");
}

#[test]
fn what_is_deleted_at_the_registry_is_sent_again() {
    let host = Host::new();
    let mut registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let name = format!("{}/app:1", registry.address());
    host.docker(&["tag", "busybox", &name]).ok();
    host.docker(&["push", &name]).ok();
    let digest = skopeo_digest(&host, &name);
    host.run(&["skopeo", "delete", "--tls-verify=false", &format!("docker://{name}")]).ok();
    host.docker(&["pull", &name]).fails(1, "not found");
    registry.kill(&host);
    std::fs::remove_dir_all(registry.data()).expect("the registry's data");
    registry.restart(&host);
    let pushed = host.docker(&["push", &name]);
    assert!(pushed.ok().contains("Pushed"), "{pushed}");
    assert_eq!(skopeo_digest(&host, &name), digest);
}

#[test]
fn a_private_authority_and_a_client_certificate_are_used() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let certificates = Certificates::new(host.folder());
    let folder = host.folder().join("certs.d");
    host.daemon_arguments(&["--registry-certificates", &folder.display().to_string()]);
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let guard = Guard { tls: Some(certificates.wanting_clients()), ..Guard::default() };
    let registry = Registry::start(&host, "tls", PORT, &guard);
    let name = format!("{}/app:1", registry.outer_address());
    host.docker(&["tag", "busybox", &name]).ok();
    host.docker(&["push", &name]).fails(1, "UnknownIssuer");
    let own = folder.join(registry.outer_address());
    std::fs::create_dir_all(&own).expect("a folder for the registry's certificates");
    let place = |from: std::path::PathBuf, to: &str| {
        std::fs::copy(from, own.join(to)).expect("a copy of a certificate");
    };
    place(certificates.authority(), "ca.crt");
    let (client, key) = certificates.client();
    // Without a restart: the folder is read again where the last try failed.
    host.docker(&["push", &name]).fails(1, "BadCertificate");
    place(key, "client.key");
    host.docker(&["push", &name]).fails(1, "missing client certificate");
    place(client, "client.cert");
    host.docker(&["push", &name]).ok();
    host.docker(&["rmi", &name, "busybox"]).ok();
    host.docker(&["pull", &name]).ok();
}

#[test]
fn a_registry_with_passwords_wants_a_login() {
    let host = Host::new();
    let registry = Registry::start(&host, "htpasswd", PORT, &Guard { htpasswd: true, ..Guard::default() });
    let (address, name) = (registry.address(), format!("{}/app:1", registry.address()));
    let config = host.folder().join("config").display().to_string();
    let docker = |words: &[&str]| host.docker(&[&["--config", &config], words].concat());
    docker(&["tag", "busybox", &name]).ok();
    docker(&["push", &name]).fails(1, "no basic auth credentials");
    docker(&["pull", &name]).fails(1, "no basic auth credentials");
    let login = |password: &str| {
        let words = ["--config", &config, "login", "-u", USER, "--password-stdin", &address];
        host.docker_with_input(&words, password.as_bytes())
    };
    login("wrong").fails(1, "401 Unauthorized");
    assert!(login(PASSWORD).ok().contains("Login Succeeded"));
    docker(&["push", &name]).ok();
    docker(&["rmi", &name, "busybox"]).ok();
    docker(&["pull", "-q", &name]).ok();
    docker(&["logout", &address]).ok();
    docker(&["pull", &name]).fails(1, "no basic auth credentials");
}

#[test]
fn a_registry_with_tokens_gets_them_renewed() {
    let host = Host::new();
    let certificates = Certificates::new(host.folder());
    let tokens = TokenServer::start(&host, 5001, &certificates, 60);
    let guard = Guard { tokens: Some(tokens.guard()), ..Guard::default() };
    let registry = Registry::start(&host, "tokens", PORT, &guard);
    let (address, name) = (registry.address(), format!("{}/public/app:1", registry.address()));
    let config = host.folder().join("config").display().to_string();
    let docker = |words: &[&str]| host.docker(&[&["--config", &config], words].concat());
    docker(&["tag", "busybox", &name]).ok();
    docker(&["push", &name]).fails(1, "unauthorized: authentication required");
    let login = |password: &str| {
        let words = ["--config", &config, "login", "-u", USER, "--password-stdin", &address];
        host.docker_with_input(&words, password.as_bytes())
    };
    login("wrong").fails(1, "incorrect username or password");
    assert!(login(PASSWORD).ok().contains("Login Succeeded"));
    // The password is not kept: the registry gave a refresh token.
    let kept = std::fs::read_to_string(host.folder().join("config/config.json")).expect("the login is kept");
    assert!(kept.contains("identitytoken"), "{kept}");
    docker(&["push", &name]).ok();
    assert!(
        tokens.asked().iter().any(|asked| asked.contains("grant_type=refresh_token")),
        "{:?}",
        tokens.asked()
    );
    docker(&["logout", &address]).ok();
    docker(&["rmi", &name, "busybox"]).ok();
    // Everybody may pull what is public, and nobody unknown the rest.
    docker(&["pull", &name]).ok();
    docker(&["pull", &format!("{address}/secret/app:1")]).fails(1, "pull access denied for");
}

/// Names of registries come from the host's files and servers, without the C library's resolver, which a static program
/// must not use.
#[test]
fn a_registry_is_found_by_its_name() {
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    host.daemon_arguments(&[
        "--insecure-registry",
        "images.example:5000",
        "--insecure-registry",
        "short:5000",
    ]);
    let _server = sampan_tests::names::Server::start(host.network(), "127.0.0.53:53", [127, 0, 0, 1]);
    let script = r#"printf 'nameserver 127.0.0.53\nsearch example\n' >"$1/resolv.conf"
        mount --bind "$1/resolv.conf" /etc/resolv.conf
        printf 'passwd: files\nhosts: nonsense\n' >"$1/nsswitch" && mount --bind "$1/nsswitch" /etc/nsswitch.conf"#;
    host.shell(script, &[&host.folder().display().to_string()]).ok();
    host.start_daemon();
    host.import(BUSYBOX);
    let registry = Registry::start(&host, "plain", 5000, &Guard::default());
    for name in ["images.example:5000/app:1", "short:5000/app:1"] {
        host.docker(&["tag", BUSYBOX, name]).ok();
        host.docker(&["push", name]).ok();
    }
    assert!(registry.log().contains("images.example"), "{}", registry.log());
}
