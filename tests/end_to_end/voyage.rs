//! The README's voyage, typed as it stands there, and the mission's commands in the order of its documents.

use sampan_tests::{Host, Options, repository, sampan_binary, sampan_only, until};

/// The README's block, which begins with this line.
const BEGIN: &str = "mkdir -p voyage && cd voyage";

fn block() -> String {
    let text = std::fs::read_to_string(repository().join("README.md")).expect("a README");
    let begin = text.find(BEGIN).expect("the README has the voyage");
    let rest = &text[begin..];
    rest[..rest.find("```").expect("the block ends")].to_owned()
}

/// A host where both names lead to our program, and to its own daemon.
fn host() -> (Host, String) {
    let host = Host::with(Options::default());
    let folder = host.folder().join("bin");
    std::fs::create_dir_all(&folder).expect("made");
    for name in ["sampan", "docker"] {
        std::os::unix::fs::symlink(sampan_binary(), folder.join(name)).expect("a link");
    }
    let head = format!(
        "export PATH={}:$PATH DOCKER_HOST=unix://{} HOME={1}.home; mkdir -p {1}.home; cd {}\n",
        folder.display(),
        host.socket().display(),
        host.folder().display(),
    );
    (host, head)
}

/// What stays of one: nothing but what the script said to keep.
fn check_end(host: &Host) {
    assert_eq!(host.sampan(&["ps", "-aq"]).ok(), "", "no container is left");
    until("no job is left", || host.sampan(&["job", "ls", "-q"]).ok().is_empty());
    let moved = host.api("GET", "/sampan/moved", None);
    assert_eq!(moved.json(), serde_json::json!([]));
}

#[test]
fn the_readmes_voyage_with_sampan() {
    if sampan_only() {
        return;
    }
    let (host, head) = host();
    let script = format!(
        "{head}{}",
        block().replace("sampan container stop", "curl -sf http://127.0.0.1/ >page; sampan container stop")
    );
    let done = host.shell(&script, &[]);
    println!("{done}");
    assert_eq!(done.code, 0, "{done}");
    let page = std::fs::read_to_string(host.folder().join("voyage/page")).expect("a page");
    assert!(page.contains("<html"), "what comes here is passed on: {page}");
    assert!(done.stderr.contains("my-ubuntu-container lives at aws-us-east-1"), "{done}");
    assert!(done.stderr.contains("(simulated)"), "{done}");
    check_end(&host);
}

#[test]
fn the_readmes_voyage_through_a_docker_link() {
    if sampan_only() {
        return;
    }
    let (host, head) = host();
    let script = format!("{head}{}", block().replace("sampan ", "docker "));
    let done = host.shell(&script, &[]);
    assert_eq!(done.code, 0, "{done}");
    check_end(&host);
}

/// As the documents have it: everything after the move means the container where it lives.
#[test]
fn the_documents_own_order() {
    if sampan_only() {
        return;
    }
    let (host, head) = host();
    let script = "
        mkdir -p voyage && cd voyage
        printf 'FROM hello\\nCMD [\"serve\"]\\n' >Dockerfile
        docker cloudsim up
        docker image build -t my-ubuntu-image .
        docker container run -d -p 80:80 --name my-ubuntu-container my-ubuntu-image
        docker container push -a aws-us-east-1 my-ubuntu-container
        docker container ls
        docker container commit my-ubuntu-container my-ubuntu-backup
        docker container move my-ubuntu-container aws-us-east-1
        timeout 20 docker container stats my-ubuntu-container
        docker container logs my-ubuntu-container
        docker container scale my-ubuntu-container=2
        docker container update -d 5m my-ubuntu-container
        docker container deploy -d aws-us-east-1 my-ubuntu-container
        docker container scale -d 2 my-ubuntu-container
        docker container scale -d 3 my-ubuntu-container
        docker container update -d 10m my-ubuntu-container
        docker container backup -d 15m my-ubuntu-container
        docker container move -d 20m my-ubuntu-container aws-us-east-1
        docker job ls
        docker container stop my-ubuntu-container
        docker container rm my-ubuntu-container
        docker cloudsim down
    ";
    let done = host.shell(&format!("{head}{script}"), &[]);
    println!("{done}");
    assert_eq!(done.code, 0, "{done}");
    for kind in ["update", "deploy", "scale", "backup", "move"] {
        assert!(done.stdout.contains(&format!("my-ubuntu-container.{kind}")), "{done}");
    }
    check_end(&host);
}
