//! A container's root file system, a plan for it, and the daemon's side of a shim, blocking.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sampan_runtime::plan::*;
use sampan_shim::log::LogOptions;
use sampan_shim::protocol::*;

/// The directories of one container. Everything is removed when it is dropped.
pub(crate) struct Lab {
    pub(crate) root: tempfile::TempDir,
    pub(crate) id: String,
}

const LINKS: [&str; 16] = [
    "sh", "cat", "sleep", "echo", "head", "dd", "true", "false", "seq", "stty", "yes", "nc", "kill",
    "hostname", "wc", "tr",
];

impl Lab {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let root = tempfile::tempdir().unwrap();
        let bin = root.path().join("rootfs/bin");
        for directory in ["rootfs/bin", "rootfs/proc", "rootfs/dev", "rootfs/tmp", "logs"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        std::fs::copy("/bin/busybox", bin.join("busybox")).expect("/bin/busybox from busybox-static");
        for link in LINKS {
            std::os::unix::fs::symlink("busybox", bin.join(link)).unwrap();
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { root, id: format!("sampan-shim-test-{}-{number}", std::process::id()) }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("shim")
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.root.path().join("logs/container-json.log")
    }

    pub(crate) fn exit_record(&self) -> Exit {
        serde_json::from_slice(&std::fs::read(self.directory().join(EXIT_NAME)).unwrap()).unwrap()
    }

    pub(crate) fn process(&self, command: &[&str]) -> Process {
        Process {
            args: command.iter().map(|&argument| argument.to_owned()).collect(),
            env: vec!["PATH=/bin".to_owned(), "TERM=xterm".to_owned()],
            cwd: "/".to_owned(),
            ..Process::default()
        }
    }

    /// A launch of this command with everything else at its plainest.
    pub(crate) fn launch(&self, command: &[&str]) -> Launch {
        let new = |kind| Namespace { kind, path: None };
        let filesystem = |destination: &str, kind: &str, options: &[&str]| Mount {
            destination: destination.to_owned(),
            source: MountSource::Filesystem(FilesystemMount {
                kind: kind.to_owned(),
                source: kind.to_owned(),
                options: options.iter().map(|&option| option.to_owned()).collect(),
            }),
            attributes: AttributeChange::default(),
            recursive_attributes: AttributeChange::default(),
            propagation: Vec::new(),
            idmap: None,
            copy_up: false,
        };
        let device = |path: &str, minor| Device {
            path: path.to_owned(),
            kind: DeviceKind::Character,
            major: 1,
            minor,
            mode: 0o666,
            uid: 0,
            gid: 0,
        };
        use NamespaceKind::{Ipc, Network, Pid, Uts};
        let plan = Plan {
            id: self.id.clone(),
            namespaces: [NamespaceKind::Mount, Uts, Ipc, Pid, Network].map(new).into(),
            user_mappings: None,
            time_offsets: Vec::new(),
            root: Root {
                mount: RootMount::Bind { source: self.root.path().join("rootfs"), readonly: false },
                readonly: false,
                propagation: None,
                pivot: true,
            },
            mounts: vec![
                filesystem("/proc", "proc", &[]),
                filesystem("/dev", "tmpfs", &["mode=755"]),
                filesystem("/dev/pts", "devpts", &["newinstance", "ptmxmode=0666", "mode=0620"]),
            ],
            devices: vec![device("/dev/null", 3), device("/dev/zero", 5)],
            links: vec![("pts/ptmx".to_owned(), "/dev/ptmx".to_owned())],
            masked_paths: Vec::new(),
            readonly_paths: Vec::new(),
            sysctls: Vec::new(),
            hostname: Some("test".to_owned()),
            domainname: None,
            personality: None,
            process: self.process(command),
            cgroup: CgroupPlan { path: self.id.clone(), limits: Limits::default() },
            hooks: Hooks::default(),
        };
        Launch {
            container: self.id.clone(),
            directory: self.directory(),
            plan,
            stdio: StdioOptions::default(),
            log: LogOptions { path: self.log_path(), ..LogOptions::default() },
            attach: Vec::new(),
            relays: Vec::new(),
            hold: false,
        }
    }

    /// The text of the log.
    pub(crate) fn log(&self) -> String {
        use sampan_shim::log::{Framing, LogReader, Progress, Selection};
        let selection = Selection { framing: Framing::Raw, ..Selection::default() };
        let mut reader = LogReader::open(&self.log_path(), selection).unwrap();
        let mut out = Vec::new();
        while reader.read(&mut out, 1 << 20).unwrap() == Progress::More {}
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Whether some cgroup of this container is left.
    pub(crate) fn has_cgroups(&self) -> bool {
        let hierarchies = std::fs::read_dir("/sys/fs/cgroup").unwrap();
        hierarchies.flatten().any(|hierarchy| hierarchy.path().join(&self.id).exists())
    }
}

/// A shim process and one connection to it.
pub(crate) struct Shim {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) daemon: Daemon,
}

impl Shim {
    /// Starts a shim as the daemon does it.
    pub(crate) fn start() -> Self {
        Self::start_from(&sampan_sys::memfd::sealed(c"sampan-shim", &program()).unwrap())
    }

    /// Starts a shim from a sealed program that others share.
    pub(crate) fn start_from(program: &OwnedFd) -> Self {
        let (ours, theirs) = sampan_sys::socket::pair().unwrap();
        let child = start(program.as_fd(), &[c"sampan-shim"], &[(theirs.as_fd(), 3)]);
        Self { pid: child.pid, pidfd: child.pidfd, daemon: Daemon::new(ours) }
    }

    /// Starts a shim and launches in it.
    pub(crate) fn run(launch: &Launch) -> Self {
        let mut shim = Self::start();
        shim.daemon.launch(launch, Vec::new()).unwrap();
        shim
    }

    /// Waits until the process is gone, and reaps it.
    pub(crate) fn wait(&self) -> i32 {
        assert!(
            sampan_sys::pidfd::wait_readable(&self.pidfd, Some(Duration::from_secs(20))).unwrap(),
            "it stays"
        );
        sampan_sys::pidfd::wait(&self.pidfd).unwrap().code()
    }

    /// Lets the shim of an ended container go.
    pub(crate) fn finish_quietly(mut self) {
        self.daemon.call(&Shutdown {}, Vec::new()).unwrap();
        assert_eq!(self.wait(), 0);
    }

    /// Waits for the container's end, lets the shim go, and says how the container ended.
    pub(crate) fn finish(mut self) -> Exit {
        let exit = self.daemon.exited();
        self.daemon.call(&Shutdown {}, Vec::new()).unwrap();
        assert_eq!(self.wait(), 0);
        exit
    }
}

/// The program under test: the one that cargo built beside the tests, or another build of it, for measuring.
pub(crate) fn program() -> Vec<u8> {
    let path = std::env::var_os("SAMPAN_SHIM_PROGRAM").unwrap_or(env!("CARGO_BIN_EXE_sampan-shim").into());
    std::fs::read(path).unwrap()
}

/// Starts a program with the standard streams at /dev/null.
pub(crate) fn start(
    program: std::os::fd::BorrowedFd<'_>,
    arguments: &[&std::ffi::CStr],
    descriptors: &[(std::os::fd::BorrowedFd<'_>, i32)],
) -> sampan_sys::process::Child {
    let null = sampan_sys::descriptor::null().unwrap();
    let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let standard = [0, 1].map(|number| (null.as_fd(), number));
    let descriptors: Vec<_> = standard.into_iter().chain(descriptors.iter().copied()).collect();
    sampan_sys::process::spawn(&sampan_sys::process::Spawn {
        program,
        arguments: &arguments,
        environment: &[],
        descriptors: &descriptors,
        new_session: true,
    })
    .unwrap()
}

/// One connection to a shim, blocking.
pub(crate) struct Daemon {
    socket: OwnedFd,
    incoming: Incoming,
    sequence: u64,
    events: std::collections::VecDeque<Event>,
    pub(crate) greeting: Greeting,
}

impl Daemon {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        let mut daemon = Self {
            socket,
            incoming: Incoming::default(),
            sequence: 0,
            events: Default::default(),
            greeting: Greeting::default(),
        };
        let packet = daemon.receive().expect("a greeting");
        daemon.greeting = packet.frame().unwrap().parse().unwrap();
        daemon
    }

    pub(crate) fn connect(directory: &Path) -> Self {
        Self::new(UnixStream::connect(directory.join(SOCKET_NAME)).unwrap().into())
    }

    /// The next frame; `None` at the end of the connection.
    fn receive(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.incoming.take().unwrap() {
                return Some(packet);
            }
            wait_readable(&self.socket);
            match self.incoming.receive(self.socket.as_fd()) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn call<R: Request>(
        &mut self,
        request: &R,
        descriptors: Vec<(Role, OwnedFd)>,
    ) -> Result<R::Reply, Failure> {
        self.sequence += 1;
        let (roles, descriptors): (Vec<_>, Vec<_>) = descriptors.into_iter().unzip();
        let mut outgoing = Outgoing::default();
        outgoing.push(Message::new(R::NAME, self.sequence, &roles, request).unwrap(), descriptors);
        while !outgoing.send(self.socket.as_fd()).unwrap() {}
        loop {
            let packet = self.receive().expect("the shim went away instead of answering");
            let frame = packet.frame().unwrap();
            if frame.is_reply() {
                assert_eq!(frame.sequence, self.sequence);
                return frame.outcome::<R::Reply>().unwrap();
            }
            self.events.extend(Event::read(&frame).unwrap());
        }
    }

    pub(crate) fn launch(&mut self, launch: &Launch, clients: Vec<OwnedFd>) -> Result<Launched, Failure> {
        self.call(launch, clients.into_iter().map(|client| (Role::Client, client)).collect())
    }

    /// The next event that has not been looked at; `None` when the shim is gone.
    pub(crate) fn event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        loop {
            let packet = self.receive()?;
            if let Some(event) = Event::read(&packet.frame().unwrap()).unwrap() {
                return Some(event);
            }
        }
    }

    /// Waits for an event; the others are kept for later.
    fn wait_for<T>(&mut self, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        let mut others = std::collections::VecDeque::new();
        loop {
            let event = self.event().expect("the shim went away");
            if let Some(found) = wanted(&event) {
                others.append(&mut self.events);
                self.events = others;
                return found;
            }
            others.push_back(event);
        }
    }

    /// Waits for the container's end.
    pub(crate) fn exited(&mut self) -> Exit {
        self.wait_for(|event| match event {
            Event::Exited(exited) => Some(exited.exit.clone()),
            _ => None,
        })
    }

    /// Waits for this exec's end.
    pub(crate) fn exec_exited(&mut self, id: &str) -> i32 {
        self.wait_for(|event| match event {
            Event::ExecExited(exited) if exited.id == id => Some(exited.code),
            _ => None,
        })
    }

    /// Waits for the end of an attach.
    pub(crate) fn attach_ended(&mut self) -> AttachEnded {
        self.wait_for(|event| match event {
            Event::AttachEnded(ended) => Some(ended.clone()),
            _ => None,
        })
    }
}

/// Waits for something to read, with a limit after which the test has failed.
pub(crate) fn wait_readable(fd: impl AsFd) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
    let mut entries = [PollFd::new(&fd, PollFlags::IN)];
    assert!(poll(&mut entries, Some(&limit)).unwrap() > 0, "nothing came in 30 seconds");
}

/// A client's connection: our end, and the one for the shim.
pub(crate) fn client() -> (UnixStream, OwnedFd) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    (ours, theirs.into())
}

/// An attach to all streams, raw.
pub(crate) fn attach_all() -> Attach {
    Attach {
        id: 1,
        stdin: true,
        stdout: true,
        stderr: true,
        framing: AttachFraming::Raw,
        ..Attach::default()
    }
}

/// Reads until the text ends with `end`.
pub(crate) fn read_until(stream: &mut UnixStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "it ended after {:?}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// Reads to the end.
pub(crate) fn read_all(stream: &mut UnixStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes all of it.
pub(crate) fn say(stream: &mut UnixStream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
}
