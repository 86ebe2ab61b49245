//! The process of a specification.

use oci_spec::runtime::{
    IOPriorityClass, LinuxSchedulerFlag, LinuxSchedulerPolicy, LinuxSeccomp, PosixRlimitType,
    Process as SpecProcess, Scheduler as SpecScheduler,
};

use super::{CompileContext, capabilities, seccomp};
use crate::error::{Error, Result};
use crate::plan::{IoPriority, Process, ResourceLimit, Scheduler, Terminal, User};

/// Compiles the process of a specification, or one that is added to a container.
///
/// # Errors
/// As for the whole specification.
pub fn compile(
    process: &SpecProcess,
    filter: Option<&LinuxSeccomp>,
    context: &CompileContext,
) -> Result<Process> {
    let cwd = process.cwd().to_string_lossy().into_owned();
    if !cwd.starts_with('/') {
        return Err(Error::Invalid(format!("process.cwd {cwd:?} is no absolute path")));
    }
    let terminal = process.terminal().unwrap_or(false).then(|| {
        let size = process.console_size();
        let side = |value: u64| u16::try_from(value).unwrap_or(u16::MAX);
        Terminal {
            rows: size.as_ref().map_or(0, |size| side(size.height())),
            columns: size.as_ref().map_or(0, |size| side(size.width())),
        }
    });
    let args = process.args().clone().unwrap_or_default();
    if args.is_empty() {
        return Err(Error::Invalid("process.args must not be empty".into()));
    }
    let env = process.env().clone().unwrap_or_default();
    for text in args.iter().chain(&env).chain([&cwd]) {
        if text.contains('\0') {
            return Err(Error::Invalid("process: no text may hold a zero byte".into()));
        }
    }
    if process.oom_score_adj().is_some_and(|score| !(-1000..=1000).contains(&score)) {
        return Err(Error::Invalid("process.oomScoreAdj must be -1000 to 1000".into()));
    }
    let affinity = process.exec_cpu_affinity().as_ref();
    let affinity =
        affinity.and_then(|affinity| affinity.cpu_affinity_final().clone().or(affinity.initial().clone()));
    Ok(Process {
        args,
        env,
        cwd,
        create_cwd: context.create_cwd,
        user: user(process, context)?,
        capabilities: process.capabilities().as_ref().map(capabilities::compile).transpose()?,
        rlimits: limits(process)?,
        no_new_privileges: process.no_new_privileges().unwrap_or(false),
        apparmor_profile: process.apparmor_profile().clone().filter(|name| !name.is_empty()),
        selinux_label: process.selinux_label().clone().filter(|label| !label.is_empty()),
        oom_score_adj: process.oom_score_adj(),
        terminal,
        seccomp: filter.map(seccomp::compile).transpose()?.flatten(),
        scheduler: process.scheduler().as_ref().map(scheduler).transpose()?,
        io_priority: io_priority(process)?,
        cpu_affinity: affinity,
        new_keyring: context.new_keyring,
    })
}

fn user(process: &SpecProcess, context: &CompileContext) -> Result<User> {
    let given = process.user();
    let umask = given.umask();
    if let Some(user) = &context.user {
        let groups = context.groups.clone();
        return Ok(User::Docker { user: user.clone(), groups, set_home: context.set_home, umask });
    }
    let additional = given.additional_gids().clone().unwrap_or_default();
    if [given.uid(), given.gid()].iter().chain(&additional).any(|number| *number == u32::MAX) {
        return Err(Error::Invalid("process.user: 4294967295 is no number of a user or group".into()));
    }
    Ok(User::Numbers { uid: given.uid(), gid: given.gid(), additional, umask })
}

fn limits(process: &SpecProcess) -> Result<Vec<ResourceLimit>> {
    let mut found: Vec<ResourceLimit> = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        let resource = match limit.typ() {
            PosixRlimitType::RlimitCpu => 0,
            PosixRlimitType::RlimitFsize => 1,
            PosixRlimitType::RlimitData => 2,
            PosixRlimitType::RlimitStack => 3,
            PosixRlimitType::RlimitCore => 4,
            PosixRlimitType::RlimitRss => 5,
            PosixRlimitType::RlimitNproc => 6,
            PosixRlimitType::RlimitNofile => 7,
            PosixRlimitType::RlimitMemlock => 8,
            PosixRlimitType::RlimitAs => 9,
            PosixRlimitType::RlimitLocks => 10,
            PosixRlimitType::RlimitSigpending => 11,
            PosixRlimitType::RlimitMsgqueue => 12,
            PosixRlimitType::RlimitNice => 13,
            PosixRlimitType::RlimitRtprio => 14,
            PosixRlimitType::RlimitRttime => 15,
        };
        if found.iter().any(|known| known.resource == resource) {
            return Err(Error::Invalid(format!("process.rlimits holds {} twice", limit.typ())));
        }
        if limit.soft() > limit.hard() {
            return Err(Error::Invalid(format!(
                "process.rlimits: the soft limit {} of {} is above the hard one {}",
                limit.soft(),
                limit.typ(),
                limit.hard()
            )));
        }
        found.push(ResourceLimit { resource, soft: limit.soft(), hard: limit.hard() });
    }
    Ok(found)
}

fn scheduler(given: &SpecScheduler) -> Result<Scheduler> {
    let policy = match given.policy() {
        LinuxSchedulerPolicy::SchedOther => 0,
        LinuxSchedulerPolicy::SchedFifo => 1,
        LinuxSchedulerPolicy::SchedRr => 2,
        LinuxSchedulerPolicy::SchedBatch => 3,
        LinuxSchedulerPolicy::SchedIso => 4,
        LinuxSchedulerPolicy::SchedIdle => 5,
        LinuxSchedulerPolicy::SchedDeadline => 6,
    };
    let mut flags = 0;
    for flag in given.flags().iter().flatten() {
        flags |= match flag {
            LinuxSchedulerFlag::SchedResetOnFork => 0x01,
            LinuxSchedulerFlag::SchedFlagReclaim => 0x02,
            LinuxSchedulerFlag::SchedFlagDLOverrun => 0x04,
            LinuxSchedulerFlag::SchedFlagKeepPolicy => 0x08,
            LinuxSchedulerFlag::SchedFlagKeepParams => 0x10,
            LinuxSchedulerFlag::SchedFlagUtilClampMin => 0x20,
            LinuxSchedulerFlag::SchedFlagUtilClampMax => 0x40,
        };
    }
    let priority = given.priority().unwrap_or(0);
    let priority = u32::try_from(priority)
        .map_err(|_| Error::Invalid(format!("process.scheduler.priority {priority} is negative")))?;
    Ok(Scheduler {
        policy,
        flags,
        nice: given.nice().unwrap_or(0),
        priority,
        runtime: given.runtime().unwrap_or(0),
        deadline: given.deadline().unwrap_or(0),
        period: given.period().unwrap_or(0),
    })
}

fn io_priority(process: &SpecProcess) -> Result<Option<IoPriority>> {
    let Some(given) = process.io_priority() else { return Ok(None) };
    let class = match given.class() {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    };
    match u16::try_from(given.priority()) {
        Ok(level @ 0..=7) => Ok(Some(IoPriority { class, level })),
        _ => Err(Error::Invalid(format!(
            "process.ioPriority.priority must be 0 to 7, not {}",
            given.priority()
        ))),
    }
}
