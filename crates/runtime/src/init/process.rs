//! Steps that concern the program alone: limits, labels, filters, descriptors.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::error::{During, Error, Result};
use crate::init::identity::Identity;
use crate::plan::{Process, Seccomp};
use crate::wire::{self, FromInit};

/// What the steps of a process work on.
pub(crate) struct ProcessContext {
    /// The container's id.
    pub(crate) id: String,
    pub(crate) process: Process,
    /// A copy of the channel to the launcher.
    pub(crate) channel: OwnedFd,
    /// The host's procfs, opened before any file system of the container was seen.
    pub(crate) proc: Option<OwnedFd>,
    /// Standard input, output and error.
    pub(crate) stdio: Option<[OwnedFd; 3]>,
    /// Where the start is awaited.
    pub(crate) barrier: Option<OwnedFd>,
    /// Descriptors that become 3, 4, … in the program.
    pub(crate) extra: Vec<OwnedFd>,
    /// The terminal's master, on its way to the launcher.
    pub(crate) master: Option<OwnedFd>,
    /// Who the program runs as.
    pub(crate) identity: Identity,
    /// The working directory could not be entered as root and is tried again as the user.
    pub(crate) directory_due: bool,
    /// The program's path.
    pub(crate) program: CString,
    /// How many microseconds each step took.
    pub(crate) times: Vec<u32>,
}

/// The magic number of procfs.
const PROC_SUPER_MAGIC: i64 = 0x9fa0;

impl ProcessContext {
    pub(crate) fn new(
        channel: &OwnedFd,
        id: &str,
        process: Process,
        stdio: Option<[OwnedFd; 3]>,
        barrier: Option<OwnedFd>,
        extra: Vec<OwnedFd>,
    ) -> Result<Self> {
        use rustix::fs::{Mode, OFlags, fstatfs, open};
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc = open("/proc", flags, Mode::empty()).during(|| "open /proc")?;
        let kind = fstatfs(&proc).during(|| "examine /proc")?.f_type;
        if kind as i64 != PROC_SUPER_MAGIC {
            return Err(Error::Unsupported("/proc of this host is no procfs".into()));
        }
        Ok(Self {
            id: id.to_owned(),
            process,
            channel: channel.try_clone().during(|| "copy the channel")?,
            proc: Some(proc),
            stdio,
            barrier,
            extra,
            master: None,
            identity: Identity::default(),
            directory_due: true,
            program: CString::default(),
            times: Vec::new(),
        })
    }

    /// Writes a file of the host's procfs, in one write.
    pub(crate) fn write_proc(&self, path: &str, value: &str) -> Result<()> {
        use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
        let proc = self.proc.as_ref().ok_or_else(|| Error::Protocol("procfs is closed".into()))?;
        // `self` is a plain symbolic link of procfs itself and leads to a number below it.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file =
            openat2(proc, path, flags, Mode::empty(), resolve).during(|| format!("open /proc/{path}"))?;
        rustix::io::write(&file, value.as_bytes()).during(|| format!("write {value:?} to /proc/{path}"))?;
        Ok(())
    }
}

pub(super) fn join_keyring(context: &mut ProcessContext) -> Result<()> {
    if !context.process.new_keyring {
        return Ok(());
    }
    let name = CString::new(format!("_ses.{}", context.id)).unwrap_or_default();
    match sampan_sys::keyring::join_session(&name) {
        // Without keys in the kernel, or at the limit of keys, there is nothing to separate.
        Err(error) if !matches!(error.raw_os_error(), Some(38 | 122)) => {
            Err(Error::system("join a session keyring", error))
        }
        _ => Ok(()),
    }
}

/// The label takes effect at the execve (apparmor(7), `attr/exec`).
pub(super) fn set_label(context: &mut ProcessContext) -> Result<()> {
    if let Some(profile) = context.process.apparmor_profile.as_ref().filter(|name| !name.is_empty()) {
        let value = format!("exec {profile}");
        let written = context
            .write_proc("self/attr/apparmor/exec", &value)
            .or_else(|_| context.write_proc("self/attr/exec", &value));
        written.map_err(|error| {
            Error::Unsupported(format!("the AppArmor profile {profile:?} cannot be applied: {error}"))
        })?;
    }
    if let Some(label) = context.process.selinux_label.as_ref().filter(|label| !label.is_empty()) {
        context.write_proc("self/attr/exec", label).map_err(|error| {
            Error::Unsupported(format!("the SELinux label {label:?} cannot be applied: {error}"))
        })?;
    }
    Ok(())
}

pub(super) fn set_oom_score(context: &mut ProcessContext) -> Result<()> {
    match context.process.oom_score_adj {
        None => Ok(()),
        Some(score) => context.write_proc("self/oom_score_adj", &score.to_string()),
    }
}

pub(super) fn set_scheduling(context: &mut ProcessContext) -> Result<()> {
    if let Some(scheduler) = context.process.scheduler {
        sampan_sys::scheduling::Scheduler {
            policy: scheduler.policy,
            flags: scheduler.flags,
            nice: scheduler.nice,
            priority: scheduler.priority,
            runtime: scheduler.runtime,
            deadline: scheduler.deadline,
            period: scheduler.period,
            ..Default::default()
        }
        .apply()
        .during(|| "set the scheduling policy")?;
    }
    if let Some(priority) = context.process.io_priority {
        sampan_sys::scheduling::set_io_priority(priority.class, priority.level)
            .during(|| "set the input/output priority")?;
    }
    if let Some(list) = &context.process.cpu_affinity {
        let mut set = rustix::thread::CpuSet::new();
        for range in list.split(',').filter(|range| !range.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let parse = |text: &str| {
                text.trim().parse::<usize>().ok().filter(|number| *number < rustix::thread::CpuSet::MAX_CPU)
            };
            let (Some(first), Some(last)) = (parse(first), parse(last)) else {
                return Err(Error::Invalid(format!("{list:?} is no list of processors")));
            };
            (first..=last).for_each(|number| set.set(number));
        }
        rustix::thread::sched_setaffinity(None, &set).during(|| "set the processor affinity")?;
    }
    Ok(())
}

pub(super) fn set_limits(context: &mut ProcessContext) -> Result<()> {
    for limit in &context.process.rlimits {
        sampan_sys::scheduling::set_resource_limit(limit.resource, limit.soft, limit.hard)
            .during(|| format!("set resource limit {} to {}:{}", limit.resource, limit.soft, limit.hard))?;
    }
    Ok(())
}

/// Without no_new_privs a filter needs CAP_SYS_ADMIN, so it must be installed while that is there.
pub(super) fn install_filter_early(context: &mut ProcessContext) -> Result<()> {
    if context.process.no_new_privileges {
        return Ok(());
    }
    install(context)
}

/// With no_new_privs the filter comes last, so that it need not allow what the steps before it do.
pub(super) fn install_filter_late(context: &mut ProcessContext) -> Result<()> {
    if !context.process.no_new_privileges {
        return Ok(());
    }
    install(context)
}

fn install(context: &mut ProcessContext) -> Result<()> {
    let Some(Seccomp { program, flags, .. }) = &context.process.seccomp else { return Ok(()) };
    let listener = sampan_sys::seccomp::install(program, *flags).during(|| "install the seccomp filter")?;
    if let Some(listener) = listener {
        wire::send(&context.channel, &FromInit::Listener, &[listener.as_fd()])?;
    }
    Ok(())
}

pub(super) fn forbid_new_privileges(context: &mut ProcessContext) -> Result<()> {
    if context.process.no_new_privileges {
        rustix::thread::set_no_new_privs(true).during(|| "set no_new_privs")?;
    }
    Ok(())
}

/// Puts the extra descriptors at 3 and up; all others are closed by the execve.
pub(super) fn arrange_descriptors(context: &mut ProcessContext) -> Result<()> {
    // The program must not find a way to the host through what the steps used.
    context.proc = None;
    let count = context.extra.len() as i32;
    if count > 0 {
        move_above(&mut context.channel, 3 + count)?;
        if let Some(barrier) = &mut context.barrier {
            move_above(barrier, 3 + count)?;
        }
        if let Some(master) = &mut context.master {
            move_above(master, 3 + count)?;
        }
        for fd in &mut context.extra {
            move_above(fd, 3 + count)?;
        }
    }
    sampan_sys::descriptor::close_on_exec_from(3).during(|| "close the descriptors above 2")?;
    for (index, fd) in context.extra.iter().enumerate() {
        sampan_sys::descriptor::place_at(fd.as_fd(), 3 + index as i32)
            .during(|| "arrange the descriptors of the program")?;
    }
    sampan_sys::process::reset_signals_before_execute().during(|| "reset the signals")?;
    Ok(())
}

fn move_above(fd: &mut OwnedFd, minimum: i32) -> Result<()> {
    if fd.as_raw_fd() < minimum {
        *fd = sampan_sys::descriptor::duplicate_above(fd.as_fd(), minimum)
            .during(|| "arrange the descriptors of the program")?;
    }
    Ok(())
}
