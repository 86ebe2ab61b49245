//! The supervisor against the real shim program and real containers. Needs root and /bin/busybox.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use sampan_runtime::plan::{
    CgroupPlan, FilesystemMount, Mount, MountSource, Namespace, NamespaceKind, Plan, Process, Root, RootMount,
};
use sampan_shim::log::{LogOptions, Selection};
use sampan_shim::protocol::{AttachFraming, StdioOptions};

use super::*;

struct Lab {
    root: tempfile::TempDir,
    id: String,
}

impl Lab {
    fn new(name: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["rootfs/bin", "rootfs/proc"] {
            std::fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        std::fs::copy("/bin/busybox", root.path().join("rootfs/bin/sh")).unwrap();
        Self { root, id: format!("sampan-supervisor-{}-{name}", std::process::id()) }
    }

    fn directory(&self) -> std::path::PathBuf {
        self.root.path().join("shim")
    }

    fn log(&self) -> std::path::PathBuf {
        self.root.path().join("log")
    }

    fn process(command: &str) -> Process {
        Process {
            args: ["sh", "-c", command].map(str::to_owned).into(),
            env: vec!["PATH=/bin".to_owned()],
            cwd: "/".to_owned(),
            ..Process::default()
        }
    }

    fn launch(&self, command: &str) -> Launch {
        let kinds = [NamespaceKind::Mount, NamespaceKind::Uts, NamespaceKind::Ipc, NamespaceKind::Pid];
        let proc = FilesystemMount { kind: "proc".into(), source: "proc".into(), options: Vec::new() };
        let plan = Plan {
            id: self.id.clone(),
            namespaces: kinds.map(|kind| Namespace { kind, path: None }).into(),
            user_mappings: None,
            time_offsets: Vec::new(),
            root: Root {
                mount: RootMount::Bind { source: self.root.path().join("rootfs"), readonly: false },
                readonly: false,
                propagation: None,
                pivot: true,
            },
            mounts: vec![Mount {
                destination: "/proc".into(),
                source: MountSource::Filesystem(proc),
                attributes: Default::default(),
                recursive_attributes: Default::default(),
                propagation: Vec::new(),
                idmap: None,
                copy_up: false,
            }],
            devices: Vec::new(),
            links: Vec::new(),
            masked_paths: Vec::new(),
            readonly_paths: Vec::new(),
            sysctls: Vec::new(),
            hostname: None,
            domainname: None,
            personality: None,
            process: Self::process(command),
            cgroup: CgroupPlan { path: self.id.clone(), ..CgroupPlan::default() },
            hooks: Default::default(),
        };
        Launch {
            container: self.id.clone(),
            directory: self.directory(),
            plan,
            stdio: StdioOptions { tty: false, open_stdin: true, stdin_once: true },
            log: LogOptions { path: self.log(), ..LogOptions::default() },
            attach: Vec::new(),
            relays: Vec::new(),
            hold: false,
        }
    }
}

fn attach() -> Attach {
    Attach {
        id: 9,
        stdin: true,
        stdout: true,
        stderr: true,
        framing: AttachFraming::Raw,
        ..Attach::default()
    }
}

/// Reads a client's end on a blocking thread.
async fn read_all(mut stream: UnixStream) -> String {
    let read = move || {
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text)
    };
    tokio::task::spawn_blocking(read).await.unwrap().unwrap()
}

/// Waits for the container's end.
async fn exited(events: &mut Events) -> Exit {
    loop {
        if let Event::Exited(exited) = events.recv().await.expect("the shim went away") {
            return exited.exit;
        }
    }
}

#[tokio::test]
async fn a_container_is_launched_attached_logged_and_its_end_is_heard() {
    let lab = Lab::new("life");
    let program = sampan_shim_embedded::seal().unwrap();
    let (supervisor, mut events) = Supervisor::spawn(program.as_fd()).unwrap();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let mut launch = lab.launch("read line; echo \"got $line\"; exit 4");
    launch.attach = vec![attach()];
    let descriptors = LaunchDescriptors { clients: vec![theirs.into()], ..LaunchDescriptors::default() };
    let launched = supervisor.launch(&launch, descriptors).await.unwrap();
    assert!(launched.pid > 0);
    ours.write_all(b"it\n").unwrap();
    assert_eq!(read_all(ours).await, "got it\n");
    let exit = exited(&mut events).await;
    assert_eq!(exit.code, 4);
    assert_eq!(Supervisor::exit_record(&lab.directory()).unwrap(), Some(exit));
    supervisor.shutdown().await.unwrap();
    while let Some(event) = events.recv().await {
        assert!(!matches!(event, Event::Exited(_)));
    }
    let error = supervisor.status().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(
        std::fs::read_to_string(lab.log()).unwrap().starts_with(r#"{"log":"got it\n","stream":"stdout","#)
    );
}

#[tokio::test]
async fn a_shim_is_found_again_and_execs_and_logs_work_through_it() {
    let lab = Lab::new("again");
    let program = sampan_shim_embedded::seal().unwrap();
    let (first, events) = Supervisor::spawn(program.as_fd()).unwrap();
    let launched =
        first.launch(&lab.launch("echo ready; read line"), LaunchDescriptors::default()).await.unwrap();
    drop((first, events));
    let (supervisor, mut events) = Supervisor::connect(&lab.directory()).await.unwrap();
    assert_eq!(supervisor.status().await.unwrap().pid, launched.pid);

    let (ours, theirs) = UnixStream::pair().unwrap();
    let exec =
        Exec { id: "x".into(), process: Lab::process("echo in; exit 5"), tty: false, attach: Some(attach()) };
    supervisor.exec(&exec, Some(theirs.into())).await.unwrap();
    assert_eq!(read_all(ours).await, "in\n");
    loop {
        if let Event::ExecExited(exited) = events.recv().await.unwrap() {
            assert_eq!((exited.id.as_str(), exited.code), ("x", 5));
            break;
        }
    }
    let (ours, theirs) = UnixStream::pair().unwrap();
    let follow =
        FollowOptions { path: lab.log(), selection: Selection::default(), ..FollowOptions::default() };
    supervisor.follow_logs(program.as_fd(), &follow, theirs.into()).unwrap();
    let followed = tokio::spawn(read_all(ours));
    supervisor.close_stdin().await.unwrap();
    assert_eq!(exited(&mut events).await.code, 1, "read(1) of a closed input");
    supervisor.shutdown().await.unwrap();
    assert_eq!(followed.await.unwrap(), "\u{1}\0\0\0\0\0\0\u{6}ready\n");
    assert_eq!(Supervisor::connect(&lab.directory()).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_failed_start_keeps_its_kind_and_sentence() {
    let lab = Lab::new("failed");
    let program = sampan_shim_embedded::seal().unwrap();
    let (supervisor, mut events) = Supervisor::spawn(program.as_fd()).unwrap();
    let mut launch = lab.launch("");
    launch.plan.process.args = vec!["nonesuch".to_owned()];
    let error = supervisor.launch(&launch, LaunchDescriptors::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::CommandNotFound);
    assert!(error.message().contains("executable file not found in $PATH"), "{error}");
    while events.recv().await.is_some() {}
    assert_eq!(supervisor.status().await.unwrap_err().kind(), Kind::Unavailable);
}
