//! `exec`.

use std::os::fd::AsFd;

use oci_spec::runtime::Process as SpecProcess;
use sampan_error::{Context, Error, Result};
use sampan_runtime::compile::{CompileContext, capability_mask, compile_process};
use sampan_runtime::plan::{Process, Terminal, User};
use sampan_runtime::{ContainerHandle, ExecPlan, exec_in};
use sampan_sys::namespace::Namespaces;

use crate::arguments::{Arguments, Flag};
use crate::store::{Record, Status, Store};
use crate::{console, foreground, sealed};

const FLAGS: &[Flag] = &[
    Flag::value("console-socket"),
    Flag::value("cwd"),
    Flag::value("env").short('e'),
    Flag::switch("tty").short('t'),
    Flag::value("user").short('u'),
    Flag::value("additional-gids").short('g'),
    Flag::value("process").short('p'),
    Flag::switch("detach").short('d'),
    Flag::value("pid-file"),
    Flag::value("process-label"),
    Flag::value("apparmor"),
    Flag::switch("no-new-privs"),
    Flag::value("cap").short('c'),
    Flag::value("preserve-fds"),
    Flag::value("cgroup"),
    Flag::switch("ignore-paused"),
];

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, rest) = Arguments::parse(FLAGS, given).map_err(Error::invalid)?;
    let (id, command) = rest.split_first().ok_or_else(|| Error::invalid("a container id is required"))?;
    sealed::ensure()?;
    let record = store.load(id)?;
    match record.status(store) {
        Status::Running => {}
        Status::Paused if arguments.has("ignore-paused") => {}
        Status::Created => {}
        other => {
            return Err(Error::conflict(format!("cannot exec in a container that is {}", other.name())));
        }
    }
    let process = process(&arguments, command, &record)?;
    let detach = arguments.has("detach");
    let socket = arguments.value("console-socket");
    if detach && process.terminal.is_some() && socket.is_none() {
        return Err(Error::invalid(
            "cannot allocate tty if the process will be detached without --console-socket",
        ));
    }
    let init = record.init().ok_or_else(|| Error::conflict("cannot exec in a stopped container"))?;
    let signals = if detach { None } else { Some(foreground::prepare()?) };
    let count: i32 = arguments
        .value("preserve-fds")
        .map_or(Ok(0), str::parse)
        .map_err(|_| Error::invalid("--preserve-fds needs a number"))?;
    let files = (3..3 + count)
        .map(sampan_sys::descriptor::take_inherited)
        .collect::<std::io::Result<Vec<_>>>()
        .context("take the descriptors of --preserve-fds")?;
    let container = ContainerHandle {
        id: &record.id,
        init: init.as_fd(),
        namespaces: Namespaces::from_bits(record.namespaces),
        cgroup: Some(&record.cgroup),
    };
    let extra = files.iter().map(AsFd::as_fd).collect();
    let mut started = exec_in(container, &ExecPlan { process: &process, stdio: None, extra })?;
    if let (Some(path), Some(master)) = (socket, started.console.take()) {
        console::hand_over(path, &master)?;
    }
    super::create::write_pid(&arguments, started.pid)?;
    match signals {
        None => Ok(0),
        Some(signals) => foreground::wait(&started, &signals),
    }
}

/// The process of the container with the changes of the flags, or one from a file.
fn process(arguments: &Arguments, command: &[String], record: &Record) -> Result<Process> {
    if let Some(path) = arguments.value("process") {
        let text = std::fs::read(path).context(format!("read {path}"))?;
        let given: SpecProcess = serde_json::from_slice(&text)
            .map_err(|error| Error::invalid(format!("{path} is no valid process: {error}")))?;
        let mut context = CompileContext::for_bundle(record.id.clone(), record.bundle.clone());
        context.create_cwd = false;
        context.new_keyring = record.process.new_keyring;
        let mut process = compile_process(&given, None, &context)?;
        process.seccomp = record.process.seccomp.clone();
        return Ok(process);
    }
    let mut process = record.process.clone();
    if command.is_empty() {
        return Err(Error::invalid("process args cannot be empty"));
    }
    process.args = command.to_vec();
    process.create_cwd = false;
    process.env.extend(arguments.values("env").map(str::to_owned));
    process.terminal = arguments.has("tty").then(Terminal::default);
    if let Some(directory) = arguments.value("cwd") {
        process.cwd = directory.to_owned();
    }
    if let Some(profile) = arguments.value("apparmor") {
        process.apparmor_profile = Some(profile.to_owned());
    }
    if let Some(label) = arguments.value("process-label") {
        process.selinux_label = Some(label.to_owned());
    }
    process.no_new_privileges |= arguments.has("no-new-privs");
    let added = capability_mask(arguments.values("cap"))?;
    if let Some(sets) = &mut process.capabilities {
        sets.bounding |= added;
        sets.effective |= added;
        sets.permitted |= added;
    }
    set_user(arguments, &mut process)?;
    Ok(process)
}

fn set_user(arguments: &Arguments, process: &mut Process) -> Result<()> {
    let number = |text: &str| {
        text.parse::<u32>().map_err(|_| Error::invalid(format!("{text:?} is no number of a user or group")))
    };
    let groups = arguments.values("additional-gids").map(number).collect::<Result<Vec<_>>>()?;
    if let User::Numbers { uid, gid, additional, .. } = &mut process.user {
        if let Some(user) = arguments.value("user") {
            let (user, group) = user.split_once(':').unwrap_or((user, ""));
            *uid = number(user)?;
            if !group.is_empty() {
                *gid = number(group)?;
            }
        }
        additional.extend(groups);
    }
    Ok(())
}
