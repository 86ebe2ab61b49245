//! Driving a runtime by the OCI command line.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use serde_json::Value;

use crate::bundle::{self, Bundle};
use crate::case::{Case, Check, Outcome, require};

/// How long anything inside a container may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The runtime under examination and a place for bundles; cleaned up at the end.
pub(crate) struct Bench {
    runtime: PathBuf,
    place: PathBuf,
    probe: PathBuf,
    counter: AtomicU32,
}

/// One run of a case: a container's name, its bundle, and the runtime, real or mutated.
pub(crate) struct Trial<'a> {
    bench: &'a Bench,
    runtime: PathBuf,
    /// The container's id.
    pub(crate) id: String,
    /// Its bundle.
    pub(crate) bundle: Bundle,
    /// Its cgroups' path.
    pub(crate) cgroups: String,
}

impl Bench {
    pub(crate) fn new(runtime: &Path) -> io::Result<Self> {
        // A mutated runtime may mount where it should not: in a mount namespace of this program's own nothing of
        // that reaches the host, or outlives the program.
        sampan_sys::namespace::unshare(sampan_sys::namespace::Namespaces::MOUNT)?;
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private)?;
        let runtime = fs::canonicalize(runtime)?;
        let place = std::env::temp_dir().join(format!("runtime-conformance-{}", std::process::id()));
        fs::create_dir_all(&place)?;
        let probe = place.join("probe");
        fs::copy(std::env::current_exe()?, &probe)?;
        Ok(Self { runtime, place, probe, counter: AtomicU32::new(0) })
    }

    /// What the runtime says of itself.
    pub(crate) fn version(&self) -> String {
        let output = Command::new(&self.runtime).arg("--version").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
    }

    /// Runs a case, on the runtime itself or on one mutated for `mutant`.
    pub(crate) fn judge(&self, case: &Case, mutant: Option<&Case>) -> Outcome {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let id = format!("conformance-{}-{number}", std::process::id());
        let runtime = match mutant {
            None => self.runtime.clone(),
            Some(case) => self.wrapper(case).map_err(|error| error.to_string())?,
        };
        let path = self.place.join(&id);
        let bundle = Bundle::make(&path, &self.probe).map_err(|error| error.to_string())?;
        let cgroups = format!("/conformance-{}/{id}", std::process::id());
        let trial = Trial { bench: self, runtime, id, bundle, cgroups };
        let outcome = trial.run(case);
        trial.clean_up();
        outcome
    }

    fn wrapper(&self, case: &Case) -> io::Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.place.join("mutant");
        let script = format!(
            "#!/bin/sh\nexec '{}' mutant '{}' '{}' \"$@\"\n",
            self.probe.display(),
            case.name,
            self.runtime.display()
        );
        let fresh = self.place.join("mutant.new");
        fs::write(&fresh, script)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755))?;
        fs::rename(&fresh, &path)?;
        Ok(path)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.place);
        // The parents of the containers' cgroups, one in each hierarchy.
        let name = format!("conformance-{}", std::process::id());
        for entry in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let _ = fs::remove_dir(entry.path().join(&name));
        }
        let _ = fs::remove_dir(Path::new("/sys/fs/cgroup").join(&name));
    }
}

impl Trial<'_> {
    fn run(&self, case: &Case) -> Outcome {
        let mut spec = self.spec();
        match &case.check {
            Check::Facts { edit, judge } => {
                edit(&mut spec);
                judge(&self.report(&spec)?)
            }
            Check::Family { parameter, edit, judge } => {
                edit(&mut spec, parameter);
                judge(&self.report(&spec)?, parameter)
            }
            Check::Refused(edit) => {
                edit(&mut spec);
                self.require_refused(&spec)
            }
            Check::Trial(check) => check(self),
        }
    }

    /// The base specification for this trial.
    pub(crate) fn spec(&self) -> Value {
        bundle::base(&self.cgroups)
    }

    /// The command line of the runtime, with a state directory of the bench's own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.runtime);
        command.arg("--root").arg(self.bench.place.join("state")).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command and returns its output, whatever its status is.
    pub(crate) fn call(&self, arguments: &[&str]) -> Result<Output, String> {
        self.command(arguments).output().map_err(|error| format!("the runtime does not start: {error}"))
    }

    /// Runs a command that must succeed.
    pub(crate) fn must(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.call(arguments)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
    }

    /// Runs a command that must fail.
    pub(crate) fn must_fail(&self, arguments: &[&str]) -> Outcome {
        require(!self.call(arguments)?.status.success(), || format!("{} succeeded", arguments.join(" ")))
    }

    /// Writes the specification and creates the container; its output goes to a file.
    pub(crate) fn create(&self, spec: &Value) -> Outcome {
        self.bundle.write(spec).map_err(|error| error.to_string())?;
        self.create_again(&self.id)
    }

    /// Creates a container of that id from the bundle as it is.
    pub(crate) fn create_again(&self, id: &str) -> Outcome {
        let bundle = self.bundle.path.display().to_string();
        let output = File::create(self.bundle.output()).map_err(|error| error.to_string())?;
        let errors = self.bundle.path.join("errors");
        let error_file = File::create(&errors).map_err(|error| error.to_string())?;
        let status = self
            .command(&["create", "--bundle", &bundle, id])
            .stdout(output)
            .stderr(error_file)
            .status()
            .map_err(|error| format!("the runtime does not start: {error}"))?;
        require(status.success(), || {
            format!("create failed: {}", fs::read_to_string(errors).unwrap_or_default().trim())
        })
    }

    /// The state document.
    pub(crate) fn state(&self) -> Result<Value, String> {
        let text = self.must(&["state", &self.id])?;
        serde_json::from_str(&text).map_err(|error| format!("state prints no JSON: {error}"))
    }

    /// Starts the container.
    pub(crate) fn start(&self) -> Outcome {
        self.must(&["start", &self.id]).map(drop)
    }

    /// Waits until the container's process has ended.
    pub(crate) fn wait(&self) -> Outcome {
        let state = self.state()?;
        if state["status"] == "stopped" {
            return Ok(());
        }
        let pid = state["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0);
        if let Ok(process) = sampan_sys::pidfd::open(pid) {
            let ended = sampan_sys::pidfd::wait_readable(&process, Some(PATIENCE));
            require(ended.is_ok_and(|ended| ended), || "the container does not end".to_owned())?;
        }
        Ok(())
    }

    /// What the container has written so far.
    pub(crate) fn output(&self) -> String {
        fs::read_to_string(self.bundle.output()).unwrap_or_default()
    }

    /// Waits until the container has written `text`.
    pub(crate) fn wait_for_output(&self, text: &str) -> Outcome {
        let end = std::time::Instant::now() + PATIENCE;
        while !self.output().contains(text) {
            require(std::time::Instant::now() < end, || format!("{text:?} was not written"))?;
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Runs the container to its end and returns the probe's report.
    pub(crate) fn report(&self, spec: &Value) -> Result<Value, String> {
        self.create(spec)?;
        self.start()?;
        self.wait()?;
        let output = self.output();
        self.must(&["delete", &self.id])?;
        serde_json::from_str(&output).map_err(|_| format!("the probe reports nothing: {output:?}"))
    }

    /// `create` fails, and afterwards there is no such container.
    pub(crate) fn require_refused(&self, spec: &Value) -> Outcome {
        match self.create(spec) {
            Ok(()) => Err("create succeeded".to_owned()),
            Err(_) => self.must_fail(&["state", &self.id]),
        }
    }

    fn clean_up(&self) {
        // Whatever the case left; by the real runtime, not by its mutant.
        for id in [self.id.clone(), format!("{}-second", self.id)] {
            let _ = Command::new(&self.bench.runtime)
                .arg("--root")
                .arg(self.bench.place.join("state"))
                .args(["delete", "--force", &id])
                .stderr(Stdio::null())
                .status();
        }
        let root = self.bundle.path.join("rootfs");
        while unmount(&root, UnmountFlags::DETACH).is_ok() {}
        let _ = fs::remove_dir_all(&self.bundle.path);
    }
}
