//! A root file system of busybox, and containers in it.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use sampan_runtime::cgroup::Cgroup;
use sampan_runtime::compile::{CompileContext, compile};
use sampan_runtime::plan::{Plan, RootMount};
use sampan_runtime::{
    ContainerHandle, Error, ExecPlan, LaunchFiles, ParkPlan, Ready, Result, Started, defaults, exec_in, park,
};

/// A place for one test; all it made is gone when it is dropped.
pub(crate) struct Bench {
    pub(crate) place: PathBuf,
    pub(crate) rootfs: PathBuf,
    pub(crate) id: String,
    cgroups: Vec<Cgroup>,
    processes: Vec<OwnedFd>,
}

const APPLETS: [&str; 14] =
    ["sh", "cat", "id", "ls", "sleep", "true", "echo", "mount", "stat", "dd", "grep", "pwd", "tty", "stty"];

impl Bench {
    pub(crate) fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("sampan-library-{}-{name}", std::process::id()));
        let rootfs = place.join("rootfs");
        for directory in ["bin", "proc", "sys", "dev", "etc", "tmp"] {
            fs::create_dir_all(rootfs.join(directory)).unwrap();
        }
        fs::copy("/bin/busybox", rootfs.join("bin/busybox")).expect("busybox-static is installed");
        for applet in APPLETS {
            symlink("busybox", rootfs.join("bin").join(applet)).unwrap();
        }
        fs::write(rootfs.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n")
            .unwrap();
        fs::write(rootfs.join("etc/group"), "root:x:0:\nweb:x:34:\nlogs:x:50:web\n").unwrap();
        let id = format!("library-{}-{name}", std::process::id());
        Self { place, rootfs, id, cgroups: Vec::new(), processes: Vec::new() }
    }

    /// The default specification with a command for the shell.
    pub(crate) fn spec(&self, script: &str) -> Spec {
        let mut spec = defaults::spec().unwrap();
        let process = spec.process_mut().as_mut().unwrap();
        process.set_args(Some(vec!["sh".into(), "-c".into(), script.into()]));
        spec
    }

    /// The context of this test: the plain root, cgroups of its own.
    pub(crate) fn context(&self) -> CompileContext {
        let mut context = CompileContext::for_bundle(self.id.clone(), &self.place);
        context.cgroup_parent = cgroup_parent();
        context.root = RootMount::Bind { source: self.rootfs.clone(), readonly: false };
        context.user = Some(String::new());
        context
    }

    pub(crate) fn plan(&self, script: &str) -> Plan {
        compile(&self.spec(script), &self.context()).unwrap()
    }

    /// The cgroups of a plan, with its limits.
    pub(crate) fn cgroup(&mut self, plan: &Plan) -> Cgroup {
        let cgroup = Cgroup::create(&plan.cgroup.path).unwrap();
        self.cgroups.push(cgroup.clone());
        cgroup.apply(&plan.cgroup.limits).unwrap();
        cgroup
    }

    /// Up to the start barrier.
    pub(crate) fn ready(&mut self, plan: &Plan, files: &LaunchFiles<'_>) -> Result<Ready> {
        let cgroup = self.cgroup(plan);
        park(&ParkPlan::for_plan(plan, Some(&cgroup))?)?.launch(plan, files)
    }

    /// Runs a container to its end; its output, and its status as a shell shows it.
    pub(crate) fn run(&mut self, plan: &Plan) -> Result<(String, i32)> {
        let (reader, writer) = std::io::pipe().unwrap();
        let null = sampan_sys::descriptor::null().unwrap();
        let stdio = Some([null.as_fd(), writer.as_fd(), writer.as_fd()]);
        let ready = self.ready(plan, &LaunchFiles { stdio, ..LaunchFiles::default() })?;
        let started = ready.start()?;
        drop(writer);
        Ok((text(reader), sampan_sys::pidfd::wait(&started.pidfd).unwrap().code()))
    }

    /// Runs a container that must work, and returns its output.
    pub(crate) fn output(&mut self, plan: &Plan) -> String {
        let (output, code) = self.run(plan).unwrap();
        assert_eq!(code, 0, "{output}");
        output
    }

    /// Starts a container that stays until it is killed at the end of the test.
    pub(crate) fn start(&mut self, plan: &Plan) -> (Started, Cgroup) {
        let null = sampan_sys::descriptor::null().unwrap();
        let stdio = Some([null.as_fd(), null.as_fd(), null.as_fd()]);
        let cgroup = self.cgroup(plan);
        let files = LaunchFiles { stdio, ..LaunchFiles::default() };
        let started = park(&ParkPlan::for_plan(plan, Some(&cgroup)).unwrap())
            .and_then(|parked| parked.launch(plan, &files))
            .and_then(Ready::start)
            .unwrap();
        self.processes.push(started.pidfd.try_clone().unwrap());
        (started, cgroup)
    }

    /// Runs a command in a container.
    pub(crate) fn exec(
        &self,
        plan: &Plan,
        container: (&Started, &Cgroup),
        change: impl FnOnce(&mut sampan_runtime::plan::Process),
    ) -> Result<(String, i32)> {
        let (reader, writer) = std::io::pipe().unwrap();
        let null = sampan_sys::descriptor::null().unwrap();
        let mut process = plan.process.clone();
        process.create_cwd = false;
        change(&mut process);
        let handle = ContainerHandle {
            id: &plan.id,
            init: container.0.pidfd.as_fd(),
            namespaces: plan.namespace_set(),
            cgroup: Some(container.1),
        };
        let stdio = Some([null.as_fd(), writer.as_fd(), writer.as_fd()]);
        let added = exec_in(handle, &ExecPlan { process: &process, stdio, extra: Vec::new() })?;
        drop(writer);
        Ok((text(reader), sampan_sys::pidfd::wait(&added.pidfd).unwrap().code()))
    }

    /// A new directory.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.place.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }
}

/// The parent of all cgroups of this program.
pub(crate) fn cgroup_parent() -> String {
    format!("sampan-library-{}", std::process::id())
}

/// The command of a process, for [`Bench::exec`].
pub(crate) fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// The message of a failure.
pub(crate) fn message<T>(outcome: Result<T>) -> String {
    match outcome {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error.to_string(),
    }
}

/// The error of a failure.
pub(crate) fn failure<T>(outcome: Result<T>) -> Error {
    outcome.err().expect("it succeeded")
}

fn text(reader: std::io::PipeReader) -> String {
    let mut text = String::new();
    File::from(OwnedFd::from(reader)).read_to_string(&mut text).unwrap();
    text
}

/// The mounts of this process that lie below a path.
pub(crate) fn mounts_below(path: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let path = path.display().to_string();
    table.lines().filter(|line| line.contains(&path)).map(str::to_owned).collect()
}

impl Drop for Bench {
    fn drop(&mut self) {
        for process in &self.processes {
            let _ = sampan_sys::pidfd::send_signal(process, 9);
            let _ = sampan_sys::pidfd::wait(process);
        }
        for cgroup in &self.cgroups {
            let _ = cgroup.thaw();
            let _ = cgroup.kill_all();
            cgroup.remove().unwrap();
        }
        let left = mounts_below(&self.place);
        fs::remove_dir_all(&self.place).unwrap();
        assert!(std::thread::panicking() || left.is_empty(), "mounts are left on the host: {left:?}");
    }
}
