//! A machine of one test's own, made of namespaces.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::outcome::{Outcome, Running, bounded, command, run, start};
use crate::settings::{client, engine_under_test, repository, require_root, sampan_binary};
use crate::{Answer, Engine, Objects, Terminal, script, tar_of, until};

/// How a host differs from the usual one.
#[derive(Debug, Clone)]
pub struct Options {
    /// What its daemon is.
    pub engine: Engine,
    /// How its mounts propagate: `shared`, as on a machine with systemd, or `private`.
    pub propagation: &'static str,
    /// Reach the machine's real uplink (through slirp4netns, without touching the machine's own network)
    /// instead of the outside world that the test makes itself.
    pub real_uplink: bool,
    /// Words for the daemon's command line.
    pub daemon_arguments: Vec<String>,
    /// Do not start the daemon yet.
    pub without_daemon: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            engine: engine_under_test(),
            propagation: "shared",
            real_uplink: false,
            daemon_arguments: Vec::new(),
            without_daemon: false,
        }
    }
}

/// A machine with its own network, mounts, processes and `/run`, and a daemon under test. Its addresses
/// are 192.0.2.10 and 2001:db8::10; the outside world is 192.0.2.1 and 2001:db8::1. Everything in it ends
/// when it is dropped.
pub struct Host {
    options: Options,
    folder: tempfile::TempDir,
    /// `unshare`, which ends when the first process does.
    holder: Child,
    /// The first process, seen from outside.
    first: u32,
    /// A process in the outside world, seen from outside; `None` with a real uplink.
    outside: Option<u32>,
    slirp: Option<Child>,
    daemon: Option<Child>,
}

impl Host {
    /// A usual machine, its daemon answering and busybox imported.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn new() -> Host {
        let host = Host::with(Options::default());
        host.import(crate::BUSYBOX);
        host
    }

    /// A machine that differs from the usual one, with no image.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn with(options: Options) -> Host {
        require_root();
        let folder =
            tempfile::Builder::new().prefix("sampan-test-").tempdir().expect("a folder for the host");
        let world = if options.real_uplink { "none" } else { "world" };
        let mut holder = Command::new("unshare")
            .args([
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                script::FIRST_PROCESS,
                "sh",
            ])
            .arg(folder.path())
            .args([options.propagation, world])
            .stdin(Stdio::piped())
            .spawn()
            .expect("unshare (util-linux) starts");
        let ready = folder.path().join("ready");
        until("the host's first process", || {
            assert!(matches!(holder.try_wait(), Ok(None)), "the host's first process failed");
            ready.exists()
        });
        let first = children(holder.id()).into_iter().next().expect("unshare has a child");
        let outside = children(first).into_iter().find(|child| !same_network(*child, first));
        let mut host = Host { options, folder, holder, first, outside, slirp: None, daemon: None };
        if host.options.real_uplink {
            host.connect_uplink();
        }
        if !host.options.without_daemon {
            host.start_daemon();
        }
        host
    }

    /// The host's own folder, the same inside and outside. Files in it go with the host.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The daemon's data root.
    pub fn data_root(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder().join("docker.sock")
    }

    /// What its daemon is.
    pub fn engine(&self) -> Engine {
        self.options.engine
    }

    /// The pid of its first process, as this machine sees it.
    pub fn first_process(&self) -> u32 {
        self.first
    }

    /// The daemon's pid as this machine sees it.
    ///
    /// # Panics
    /// When it is not running.
    #[track_caller]
    pub fn daemon_pid(&self) -> u32 {
        let mut pid = self.daemon.as_ref().expect("the daemon is running").id();
        // `nsenter` forks once to enter the namespace of processes; a dockerd has `chroot` for itself.
        while let Some(child) = children(pid).into_iter().next() {
            pid = child;
            if process_name(pid) == self.daemon_name() {
                break;
            }
        }
        pid
    }

    fn daemon_name(&self) -> &'static str {
        match self.options.engine {
            Engine::Sampan => "sampan",
            Engine::Docker => "dockerd",
        }
    }

    /// Starts the daemon and waits until it answers. Its output goes to `daemon.log` in the folder.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub fn start_daemon(&mut self) {
        self.spawn_daemon();
        until("the daemon's first answer", || {
            let daemon = self.daemon.as_mut().expect("just started");
            let ended = !matches!(daemon.try_wait(), Ok(None));
            assert!(!ended, "the daemon ended at once; its log:\n{}", self.log());
            self.curl(&["-s", "--unix-socket", &self.socket().display().to_string(), "http://d/_ping"]).code
                == 0
        });
    }

    /// Further words for the command line of the daemons that are started from now on.
    pub fn daemon_arguments(&mut self, words: &[&str]) {
        self.options.daemon_arguments.extend(words.iter().map(ToString::to_string));
    }

    /// Starts the daemon and returns as soon as its program runs, long before it answers, or has ended.
    ///
    /// # Panics
    /// When it does not even start.
    #[track_caller]
    pub fn launch_daemon(&mut self) {
        self.spawn_daemon();
        let start = std::time::Instant::now();
        let name = self.daemon_name();
        loop {
            let entering = self.daemon.as_mut().expect("just started");
            let runs = children(entering.id()).into_iter().any(|child| process_name(child) == name);
            if runs || !matches!(entering.try_wait(), Ok(None)) {
                break;
            }
            assert!(start.elapsed().as_secs() < 60, "the daemon did not start; its log:\n{}", self.log());
        }
    }

    fn spawn_daemon(&mut self) {
        let socket = format!("unix://{}", self.socket().display());
        let mut words: Vec<String> = match self.options.engine {
            Engine::Sampan => {
                let data = self.data_root().display().to_string();
                let program = sampan_binary().display().to_string();
                vec![program, "daemon".into(), "--data-root".into(), data, "-H".into(), socket]
            }
            Engine::Docker => {
                let script = repository().join("tests/lab/dockerd.sh").display().to_string();
                vec![script, "run".into(), self.folder().display().to_string()]
            }
        };
        words.extend(self.options.daemon_arguments.iter().cloned());
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut command = self.command(&words);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second descriptor")).stderr(log);
        self.daemon = Some(command.spawn().expect("the daemon starts"));
    }

    /// Kills the daemon as the kernel does when memory runs out: no goodbye.
    ///
    /// # Panics
    /// When it is not running.
    #[track_caller]
    pub fn kill_daemon(&mut self) {
        let pid = self.daemon_pid();
        signal(pid, "KILL");
        self.reap_daemon();
    }

    /// Asks the daemon to end (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it is not running.
    #[track_caller]
    pub fn stop_daemon(&mut self) {
        let pid = self.daemon_pid();
        signal(pid, "TERM");
        self.reap_daemon();
    }

    /// Kills the daemon while others still use the host; call [`Host::reap_daemon`] afterwards.
    pub fn kill_daemon_process(&self) {
        signal(self.daemon_pid(), "KILL");
    }

    /// Waits for the end of a daemon that was told to end.
    pub fn reap_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait().expect("the daemon can be waited for");
        }
    }

    /// The file that holds the daemon's output.
    pub fn log_path(&self) -> PathBuf {
        self.folder().join("daemon.log")
    }

    /// The daemon's output so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Loads a base image under its own name (with tag latest).
    ///
    /// # Panics
    /// When the engine refuses it.
    #[track_caller]
    pub fn import(&self, image: &str) {
        let tar = tar_of(image).display().to_string();
        self.docker(&["import", "-c", "CMD [\"sh\"]", &tar, &format!("{image}:latest")]).ok();
    }

    /// Runs the stock `docker` command line against the daemon.
    #[track_caller]
    pub fn docker(&self, words: &[&str]) -> Outcome {
        self.docker_with_input(words, b"")
    }

    /// The same with bytes on its standard input.
    #[track_caller]
    pub fn docker_with_input(&self, words: &[&str], input: &[u8]) -> Outcome {
        let (command, shown) = self.client(&client(), words);
        run(command, shown, input)
    }

    /// Starts the stock `docker` command line and goes on.
    #[track_caller]
    pub fn docker_running(&self, words: &[&str]) -> Running {
        let (command, shown) = self.client(&client(), words);
        start(command, shown)
    }

    /// Runs our own command line against the daemon.
    #[track_caller]
    pub fn sampan(&self, words: &[&str]) -> Outcome {
        let (command, shown) = self.client(&sampan_binary().display().to_string(), words);
        run(command, shown, b"")
    }

    /// Starts our own command line and goes on.
    #[track_caller]
    pub fn sampan_running(&self, words: &[&str]) -> Running {
        let (command, shown) = self.client(&sampan_binary().display().to_string(), words);
        start(command, shown)
    }

    /// Starts the stock `docker` command line on a terminal.
    #[track_caller]
    pub fn docker_on_terminal(&self, words: &[&str]) -> Terminal {
        let program = client();
        let words = [&[program.as_str()], words].concat();
        Terminal::start(self.with_environment(&self.entering(&owned(&words))))
    }

    /// Starts our own command line on a terminal.
    #[track_caller]
    pub fn sampan_on_terminal(&self, words: &[&str]) -> Terminal {
        let program = sampan_binary().display().to_string();
        let words = [&[program.as_str()], words].concat();
        Terminal::start(self.with_environment(&self.entering(&owned(&words))))
    }

    /// Runs another client of the API against the daemon.
    #[track_caller]
    pub fn with_client(&self, words: &[&str]) -> Outcome {
        let (program, rest) = words.split_first().expect("a program");
        let (command, shown) = self.client(program, rest);
        run(command, shown, b"")
    }

    /// Starts another client of the API and goes on.
    #[track_caller]
    pub fn client_running(&self, words: &[&str]) -> Running {
        let (program, rest) = words.split_first().expect("a program");
        let (command, shown) = self.client(program, rest);
        start(command, shown)
    }

    fn client(&self, program: &str, words: &[&str]) -> (Command, String) {
        let words = [&[program], words].concat();
        let command = self.with_environment(&self.entering(&bounded(&words)));
        (command, words.join(" "))
    }

    /// A command that finds this host's daemon, and no configuration of the person who runs the test.
    fn with_environment(&self, words: &[String]) -> Command {
        let mut command = command(words);
        let configuration = self.folder().join("client");
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", configuration)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("DOCKER_CONTEXT");
        command
    }

    /// Runs any program inside the host.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Outcome {
        run(command(&self.entering(&bounded(words))), words.join(" "), b"")
    }

    /// Runs a shell script inside the host; `$1` and on are `arguments`.
    #[track_caller]
    pub fn shell(&self, script: &str, arguments: &[&str]) -> Outcome {
        let words = [&["sh", "-eu", "-c", script, "sh"], arguments].concat();
        run(command(&self.entering(&bounded(&words))), script.into(), b"")
    }

    /// Starts any program inside the host and goes on.
    #[track_caller]
    pub fn start(&self, words: &[&str]) -> Running {
        start(command(&self.entering(&owned(words))), words.join(" "))
    }

    /// Runs `curl` inside the host.
    #[track_caller]
    pub fn curl(&self, words: &[&str]) -> Outcome {
        self.run(&[&["curl", "--max-time", "20"], words].concat())
    }

    /// Sends one request to the daemon's API, with a JSON body if there is one.
    ///
    /// # Panics
    /// When no HTTP answer comes.
    #[track_caller]
    pub fn api(&self, method: &str, path: &str, body: Option<&serde_json::Value>) -> Answer {
        let text = body.map(ToString::to_string);
        self.api_with_bytes(method, path, text.as_deref().unwrap_or("").as_bytes(), "application/json")
    }

    /// Sends one request to the daemon's API with a body of any kind.
    ///
    /// # Panics
    /// When no HTTP answer comes.
    #[track_caller]
    pub fn api_with_bytes(&self, method: &str, path: &str, body: &[u8], content_type: &str) -> Answer {
        let socket = self.socket().display().to_string();
        let (url, content) = (format!("http://d{path}"), format!("Content-Type: {content_type}"));
        let mut words = vec!["curl", "--silent", "--include", "--max-time", "60", "--unix-socket", &socket];
        words.extend(["-X", method, "-H", &content, "-H", "Expect:"]);
        if method == "HEAD" {
            words.push("--head");
        }
        if !body.is_empty() {
            words.extend(["--data-binary", "@-"]);
        }
        words.push(&url);
        let outcome = run(command(&self.entering(&bounded(&words))), format!("{method} {path}"), body);
        Answer::parse(&outcome.stdout).unwrap_or_else(|| panic!("no HTTP answer: {outcome}"))
    }

    /// Runs a program in the outside world: the host's files and processes, another network.
    ///
    /// # Panics
    /// When the host has the real uplink instead.
    #[track_caller]
    pub fn run_outside(&self, words: &[&str]) -> Outcome {
        let outside = self.outside.expect("this host has no outside world").to_string();
        let enter = ["nsenter", "--target", &outside, "--net", "--"];
        run(command(&bounded(&[&enter, words].concat())), format!("(outside) {}", words.join(" ")), b"")
    }

    /// Starts a program in the outside world and goes on.
    ///
    /// # Panics
    /// When the host has the real uplink instead.
    #[track_caller]
    pub fn start_outside(&self, words: &[&str]) -> Running {
        let outside = self.outside.expect("this host has no outside world").to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &outside, "--net", "--mount", "--pid", "--"]).args(words);
        start(command, words.join(" "))
    }

    /// Calls a function on a thread whose sockets are in the host's network.
    ///
    /// # Panics
    /// When the thread cannot enter it, or the function panics.
    pub fn in_network<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        let network = self.network();
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                let kind = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&network), kind)
                    .expect("entering the network");
                function()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The host's network namespace, to enter it from a thread of the test.
    ///
    /// # Panics
    /// When the host has ended.
    pub fn network(&self) -> OwnedFd {
        std::fs::File::open(format!("/proc/{}/ns/net", self.first)).expect("the host is there").into()
    }

    /// The network namespace of the outside world.
    ///
    /// # Panics
    /// When this host has none.
    pub fn outside_network(&self) -> OwnedFd {
        let outside = self.outside.expect("this host has a world around it");
        std::fs::File::open(format!("/proc/{outside}/ns/net")).expect("the world is there").into()
    }

    /// Its processes, as this machine numbers them, with their names.
    pub fn processes(&self) -> Vec<(u32, String)> {
        crate::leaks::members(self).into_iter().map(|pid| (pid, process_name(pid))).collect()
    }

    /// What the kernel holds in this host now; see [`Objects`].
    pub fn objects(&self) -> Objects {
        Objects::of(self)
    }

    fn entering(&self, words: &[String]) -> Vec<String> {
        let target = self.first.to_string();
        let enter = ["nsenter", "--target", &target, "--mount", "--net", "--pid", "--"];
        enter.iter().map(|word| (*word).to_owned()).chain(words.iter().cloned()).collect()
    }

    fn command(&self, words: &[String]) -> Command {
        self.with_environment(&self.entering(words))
    }

    fn connect_uplink(&mut self) {
        let slirp = Command::new("slirp4netns")
            .args([
                "--configure",
                "--mtu=1400",
                "--disable-host-loopback",
                &self.first.to_string(),
                "uplink0",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("slirp4netns starts");
        self.slirp = Some(slirp);
        until("a default route over the real uplink", || {
            self.run(&["ip", "route", "show", "default"]).stdout.contains("uplink0")
        });
    }
}

/// Puts the calling thread into a network; its sockets are there from now on.
///
/// # Panics
/// When the network is gone.
pub fn enter(network: &OwnedFd) {
    let kind = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(std::os::fd::AsFd::as_fd(network), kind).expect("entering a network");
}

impl Default for Host {
    fn default() -> Self {
        Host::new()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().filter(|line| !line.contains("level=info")).collect();
            eprintln!("--- the daemon's log\n{}---", tail(&lines, 40));
        }
        let cgroups = crate::leaks::cgroups_of(self);
        // The kernel kills everything in the namespace when its first process ends.
        signal(self.first, "KILL");
        for child in [Some(&mut self.holder), self.daemon.as_mut(), self.slirp.as_mut()].into_iter().flatten()
        {
            // Those that ended by themselves cannot be killed any more.
            let _ = child.kill();
            let _ = child.wait();
        }
        crate::leaks::remove_cgroups(&cgroups);
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn process_name(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().into()
}

fn same_network(one: u32, other: u32) -> bool {
    let of = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    of(one) == of(other)
}

fn signal(pid: u32, name: &str) {
    // A process that is gone already is what was wanted.
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).stderr(Stdio::null()).status();
}

fn tail(lines: &[&str], count: usize) -> String {
    lines[lines.len().saturating_sub(count)..].iter().map(|line| format!("{line}\n")).collect()
}
