//! A machine of the test's own with an engine: its network, its processes, its mounts. Everything in it ends with it.

use sampan_provider::RegistryAccess;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Set for the test that runs inside such a machine.
const INSIDE: &str = "PROVIDERS_TEST_INSIDE";
const SETUP: &str = "set -eu; mount --make-rprivate /; mount -t tmpfs -o mode=755 tmpfs /run; mount --make-rshared /; ip link set lo up; exec \"$@\"";

/// The engine.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    daemon: Child,
    socket: PathBuf,
}

/// Which engine a machine has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Sampan,
    /// The newest real dockerd that Debian has (tests/lab/dockerd.sh).
    Docker,
}

/// Runs the test of this name once more inside a machine of its own, and there does `work`.
pub(crate) fn inside<F: Future<Output = ()>>(test: &str, engine: Engine, work: impl FnOnce(Machine) -> F) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(work(Machine::start(engine)));
    }
    let status = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            SETUP,
            "sh",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(INSIDE, "1")
        .status()
        .expect("unshare (util-linux) starts");
    assert!(status.success(), "see above");
}

/// The program under test: `SAMPAN_TEST_BINARY`, or the one that cargo built beside this test.
fn sampan() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let beside = test.ancestors().skip(1).map(|folder| folder.join("sampan")).find(|path| path.is_file());
    std::env::var_os("SAMPAN_TEST_BINARY").map(PathBuf::from).or(beside).expect("build sampan-cli first")
}

impl Machine {
    fn start(engine: Engine) -> Self {
        let folder = tempfile::Builder::new().prefix("sampan-providers-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let log = std::fs::File::create(folder.path().join("daemon.log")).unwrap();
        let (mut command, socket) = match engine {
            Engine::Sampan => {
                let mut command = Command::new(sampan());
                command.args(["daemon", "--data-root", &path("data"), "--exec-root", &path("exec")]);
                command.args(["-H", &format!("unix://{}", path("engine.sock"))]);
                (command, path("engine.sock"))
            }
            Engine::Docker => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/lab/dockerd.sh");
                let mut command = Command::new(script);
                command.args(["run", &path("dockerd")]);
                (command, path("dockerd/docker.sock"))
            }
        };
        let daemon = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < end, "the engine does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { folder, daemon, socket: socket.into() }
    }

    /// The engine's address.
    pub(crate) fn endpoint(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The folder of everything.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the client; its output.
    fn client(&self, words: &[&str]) -> String {
        let output = Command::new(sampan())
            .args(words)
            .env("DOCKER_HOST", self.endpoint())
            .env("DOCKER_CONFIG", self.folder.path().join("client"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Gives the busybox to a registry; its name there.
    pub(crate) fn push(&self, access: &RegistryAccess) -> String {
        let name = format!("{}/{}:latest", access.host, access.repository);
        self.client(&["login", "-u", &access.user, "-p", &access.password, &access.host]);
        self.client(&["tag", "busybox", &name]);
        self.client(&["push", "-q", &name]);
        name
    }

    /// Gives the engine a busybox; its id.
    pub(crate) fn import(&self) -> String {
        let lab = std::env::var("SAMPAN_LAB").unwrap_or_else(|_| "/var/cache/sampan-lab".to_owned());
        let tar = format!("{lab}/images/busybox.tar");
        self.client(&["import", &tar, "busybox:latest"])
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It ends with the machine, too.
        let _ = (self.daemon.kill(), self.daemon.wait());
    }
}
