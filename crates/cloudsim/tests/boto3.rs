//! boto3 against the simulation, over a real engine: needs root, the `sampan` program and a Python with boto3
//! (`SAMPAN_LAB`/moto, or the one that `SAMPAN_TEST_PYTHON` names).

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use sampan_cloudsim::{Settings, Simulation};

fn from_environment(name: &str, or: &str) -> PathBuf {
    std::env::var_os(name).map_or_else(|| or.into(), PathBuf::from)
}

/// The program under test: `SAMPAN_TEST_BINARY`, or the one that cargo built beside this test.
fn sampan() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let beside = test.ancestors().skip(1).map(|folder| folder.join("sampan")).find(|path| path.is_file());
    std::env::var_os("SAMPAN_TEST_BINARY").map(PathBuf::from).or(beside).expect("build sampan-cli first")
}

/// An engine of the test's own, which ends with it.
struct Engine(Child);

impl Engine {
    fn start(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name).display().to_string();
        let log = std::fs::File::create(folder.join("daemon.log")).unwrap();
        let mut daemon = Command::new(sampan());
        daemon.args(["daemon", "--data-root", &path("data"), "--exec-root", &path("exec")]);
        daemon.args(["-H", &format!("unix://{}", path("engine.sock")), "--bip", "172.31.241.1/24"]);
        let daemon = daemon.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(folder.join("engine.sock")).is_err() {
            assert!(Instant::now() < end, "the engine does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(daemon)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn docker(folder: &Path, words: &[&str]) -> String {
    let socket = format!("unix://{}", folder.join("engine.sock").display());
    let output = Command::new(sampan())
        .args(words)
        .env("DOCKER_HOST", socket)
        .env("DOCKER_CONFIG", folder.join("client"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Set for the test that runs inside such a machine.
const INSIDE: &str = "CLOUDSIM_TEST_INSIDE";

/// What makes a machine of the test's own: its network, its processes, its mounts, its `/run`.
const MACHINE: &str = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /
ip link set lo up
exec "$@"
"#;

/// Runs this test once more inside a machine of its own; everything in it ends with it.
#[test]
fn boto3_deploys_rolls_and_deletes_and_nothing_is_left() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(inside());
    }
    let this = std::env::current_exe().unwrap();
    let inside = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            MACHINE,
            "sh",
        ])
        .arg(this)
        .args(["--exact", "--nocapture", "boto3_deploys_rolls_and_deletes_and_nothing_is_left"])
        .env(INSIDE, "1")
        .status()
        .expect("unshare (util-linux) starts");
    assert!(inside.success(), "boto3 and the simulation do not agree");
}

async fn inside() {
    let folder = tempfile::Builder::new().prefix("sampan-cloudsim-").tempdir().unwrap();
    let folder = folder.path();
    let lab = from_environment("SAMPAN_LAB", "/var/cache/sampan-lab");
    let python = from_environment("SAMPAN_TEST_PYTHON", &lab.join("moto/bin/python").display().to_string());
    let _engine = Engine::start(folder);
    let busybox = lab.join("images/busybox.tar").display().to_string();
    let settings = Settings {
        address: ([127, 0, 0, 1], 0).into(),
        state: folder.join("cloudsim"),
        engine: folder.join("engine.sock"),
        balancer_network: [77, 13],
    };
    let simulation = Simulation::start(settings.clone()).await.unwrap();
    // The login is the one that ECR gives out, but asked for by the script's own client.
    let image = format!("{}/sampan/web:1", simulation.registry());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/login.py");
    let (key, secret) = simulation.access_key();
    let login =
        Command::new(&python).arg(script).args([&simulation.endpoint(), &key, &secret]).output().unwrap();
    assert!(login.status.success(), "{}", String::from_utf8_lossy(&login.stderr));
    let password = String::from_utf8(login.stdout).unwrap();
    docker(folder, &["import", &busybox, &image]);
    docker(folder, &["login", "-u", "AWS", "-p", password.trim(), &simulation.registry()]);
    docker(folder, &["push", &image]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drive.py");
    let words = [simulation.endpoint(), key, secret, image];
    let driven =
        tokio::task::spawn_blocking(move || Command::new(&python).arg(script).args(words).status().unwrap());
    let succeeded = driven.await.unwrap().success();
    if !succeeded {
        eprintln!("{}", docker(folder, &["ps", "-a"]));
    }
    assert!(succeeded, "the script failed");
    assert_eq!(docker(folder, &["ps", "-aq"]), "");
    simulation.destroy().await;
    assert!(!docker(folder, &["network", "ls"]).contains("cloudsim"));
    assert!(!settings.state.exists());
}
