//! `create` and `run`.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use sampan_error::{Context, Error, Result};
use sampan_runtime::cgroup::Cgroup;
use sampan_runtime::compile::{CompileContext, capability_number, compile};
use sampan_runtime::hooks::{self, Stage};
use sampan_runtime::plan::RootMount;
use sampan_runtime::{LaunchFiles, ParkPlan, Plan, Ready, park};

use crate::arguments::{Arguments, Flag};
use crate::store::{BARRIER, Record, Store};
use crate::{console, foreground, sealed};

const FLAGS: &[Flag] = &[
    Flag::value("bundle").short('b'),
    Flag::value("console-socket"),
    Flag::value("pid-file"),
    Flag::value("preserve-fds"),
    Flag::switch("no-pivot"),
    Flag::switch("no-new-keyring"),
    Flag::switch("detach").short('d'),
    Flag::switch("keep"),
    Flag::switch("no-subreaper"),
    Flag::value("pidfd-socket"),
];

/// What both commands need.
struct Request {
    bundle: PathBuf,
    plan: Plan,
    root: String,
    files: Vec<OwnedFd>,
}

/// Creates a container that waits for its start.
pub(crate) fn create(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, id) = super::with_id(FLAGS, given)?;
    sealed::ensure()?;
    let request = request(&arguments, &id)?;
    check_console(&request.plan, &arguments, true)?;
    let directory = store.claim(&id)?;
    let outcome = (|| {
        let listener = listen(&directory)?;
        let (ready, cgroup) = prepare(&request, Some(&listener))?;
        let outcome = publish(&request, &arguments, store, &ready, &cgroup);
        if let Err(error) = outcome {
            ready.discard();
            let _ = cgroup.remove();
            return Err(error);
        }
        // The init waits at the listener, which it holds itself; this process may go.
        std::mem::forget(ready);
        Ok(0)
    })();
    if outcome.is_err() {
        let _ = store.release(&id);
    }
    outcome
}

/// The socket's path may be too long for an address; by its directory's descriptor it never is.
fn listen(directory: &Path) -> Result<UnixListener> {
    let opened = std::fs::File::open(directory).context("open the state directory")?;
    let path = sampan_sys::descriptor::proc_path(&opened).join(BARRIER);
    UnixListener::bind(path).context("make the start socket")
}

/// Creates a container, starts it, and stays with it unless it shall be detached.
pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, id) = super::with_id(FLAGS, given)?;
    sealed::ensure()?;
    let request = request(&arguments, &id)?;
    let detach = arguments.has("detach");
    check_console(&request.plan, &arguments, detach)?;
    store.claim(&id)?;
    let outcome = run_claimed(&request, &arguments, store, detach);
    if outcome.is_err() {
        let _ = store.release(&id);
    }
    outcome
}

fn run_claimed(request: &Request, arguments: &Arguments, store: &Store, detach: bool) -> Result<u8> {
    let signals = if detach { None } else { Some(foreground::prepare()?) };
    let (mut ready, cgroup) = prepare(request, None)?;
    let published = publish(request, arguments, store, &ready, &cgroup);
    if let Err(error) = published {
        ready.discard();
        let _ = cgroup.remove();
        return Err(error);
    }
    if arguments.value("console-socket").is_some() {
        ready.console = None;
    }
    let pid = ready.pid;
    let started = ready.start().inspect_err(|_| {
        let _ = cgroup.remove();
    })?;
    let hooks = &request.plan.hooks;
    if let Err(error) = hooks::run(&hooks.poststart, Stage::Poststart, &hooks.state, pid) {
        eprintln!("sampan-runtime: warning: {error}");
    }
    let Some(signals) = signals else { return Ok(0) };
    let code = foreground::wait(&started, &signals)?;
    if !arguments.has("keep") {
        super::delete::clean_up(store, &store.load(&request.plan.id)?)?;
    }
    Ok(code)
}

fn request(arguments: &Arguments, id: &str) -> Result<Request> {
    let bundle = arguments.value("bundle").map_or_else(std::env::current_dir, |path| Ok(path.into()));
    let bundle = bundle.and_then(std::fs::canonicalize).context("find the bundle")?;
    let path = bundle.join("config.json");
    let text = std::fs::read(&path).context(format!("read {}", path.display()))?;
    let spec = parse(&text)
        .map_err(|error| Error::invalid(format!("{} is no valid specification: {error}", path.display())))?;
    let mut context = CompileContext::for_bundle(id, &bundle);
    context.pivot = !arguments.has("no-pivot");
    context.new_keyring = !arguments.has("no-new-keyring");
    let plan = compile(&spec, &context)?;
    let root = match &plan.root.mount {
        RootMount::Bind { source, .. } => source.to_string_lossy().into_owned(),
        _ => String::new(),
    };
    let count: i32 = arguments
        .value("preserve-fds")
        .map_or(Ok(0), str::parse)
        .map_err(|_| Error::invalid("--preserve-fds needs a number"))?;
    let files = (3..3 + count)
        .map(sampan_sys::descriptor::take_inherited)
        .collect::<std::io::Result<Vec<_>>>()
        .context("take the descriptors of --preserve-fds")?;
    Ok(Request { bundle, plan, root, files })
}

/// Parses a specification. A capability that does not exist is left out with a warning (config.md, "Linux
/// Process", capabilities); all else that is wrong is an error.
fn parse(text: &[u8]) -> serde_json::Result<Spec> {
    let first = match serde_json::from_slice(text) {
        Ok(spec) => return Ok(spec),
        Err(error) => error,
    };
    let mut document: serde_json::Value = serde_json::from_slice(text)?;
    let Some(sets) = document.pointer_mut("/process/capabilities").and_then(serde_json::Value::as_object_mut)
    else {
        return Err(first);
    };
    for names in sets.values_mut().filter_map(serde_json::Value::as_array_mut) {
        names.retain(|name| {
            let known = name.as_str().is_none_or(|name| capability_number(name).is_some());
            if !known {
                eprintln!("sampan-runtime: warning: there is no capability {name}, it is ignored");
            }
            known
        });
    }
    serde_json::from_value(document)
}

/// A terminal needs a socket to which it goes when nobody stays, and a socket needs a terminal.
fn check_console(plan: &Plan, arguments: &Arguments, detached: bool) -> Result<()> {
    let terminal = plan.process.terminal.is_some();
    let socket = arguments.value("console-socket").is_some();
    if detached && terminal && !socket {
        return Err(Error::invalid(
            "cannot allocate tty if the container will be detached without --console-socket",
        ));
    }
    if detached && !terminal && socket {
        return Err(Error::invalid(
            "cannot use console socket if the container has no terminal (process.terminal)",
        ));
    }
    Ok(())
}

fn prepare(request: &Request, barrier: Option<&UnixListener>) -> Result<(Ready, Cgroup)> {
    let plan = &request.plan;
    let cgroup = Cgroup::create(&plan.cgroup.path)?;
    let outcome = (|| {
        if !cgroup.processes()?.is_empty() {
            return Err(Error::conflict(format!("the cgroup {} is not empty", plan.cgroup.path)));
        }
        cgroup.apply(&plan.cgroup.limits)?;
        let parked = park(&ParkPlan::for_plan(plan, Some(&cgroup))?)?;
        let files = LaunchFiles {
            barrier: barrier.map(AsFd::as_fd),
            extra: request.files.iter().map(AsFd::as_fd).collect(),
            ..LaunchFiles::default()
        };
        Ok(parked.launch(plan, &files)?)
    })();
    match outcome {
        Ok(ready) => Ok((ready, cgroup)),
        Err(error) => {
            let _ = cgroup.remove();
            Err(error)
        }
    }
}

/// Everything that others learn of the container: its record, its terminal, its number.
fn publish(
    request: &Request,
    arguments: &Arguments,
    store: &Store,
    ready: &Ready,
    cgroup: &Cgroup,
) -> Result<()> {
    let record = Record::new(&request.plan, &request.bundle, request.root.clone(), ready.pid, cgroup.clone());
    store.save(&record)?;
    if let (Some(path), Some(master)) = (arguments.value("console-socket"), &ready.console) {
        console::hand_over(path, master)?;
    }
    write_pid(arguments, ready.pid)
}

/// Writes the file of `--pid-file`, whole at once.
pub(super) fn write_pid(arguments: &Arguments, pid: i32) -> Result<()> {
    let Some(path) = arguments.value("pid-file") else { return Ok(()) };
    let temporary = format!("{path}.new");
    std::fs::write(&temporary, pid.to_string()).context(format!("write {temporary}"))?;
    std::fs::rename(&temporary, path).context(format!("write {path}"))
}
