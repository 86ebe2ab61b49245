//! A policy as tables: for each mode of the processor, what each number is answered with.

use std::collections::BTreeMap;

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompOperator, LinuxSyscall,
};

use super::table::{self, SystemCall};
use crate::error::{Error, Result};

/// A mode of the processor; each numbers the calls differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// x86_64.
    Long,
    /// x86.
    Short,
    /// x32: 64-bit code with 32-bit pointers. Its numbers have bit 30 set.
    Mixed,
}

/// What the kernel is told (`SECCOMP_RET_*` with its data).
pub(super) type Answer = u32;

/// Ends the thread.
pub(super) const KILL_THREAD: Answer = 0;
const KILL_PROCESS: Answer = 0x8000_0000;
const TRAP: Answer = 0x0003_0000;
const ERRNO: Answer = 0x0005_0000;
const NOTIFY: Answer = 0x7fc0_0000;
const TRACE: Answer = 0x7ff0_0000;
const LOG: Answer = 0x7ffc_0000;
const ALLOW: Answer = 0x7fff_0000;
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The answer for calls that are newer than the policy.
pub(super) const UNKNOWN: Answer = ERRNO | ENOSYS;

/// A comparison of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// Which argument, 0 to 5.
    pub(super) index: u32,
    pub(super) operator: Operator,
    /// What it is compared with.
    pub(super) value: u64,
    /// For [`Operator::MaskedEqual`], what is looked at.
    pub(super) mask: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    MaskedEqual,
}

/// What one call is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Always this.
    Always(Answer),
    /// That of the first list of conditions that all hold; else the default.
    Depends(Vec<(Vec<Condition>, Answer)>),
}

/// One mode's table.
#[derive(Debug)]
pub(super) struct ModeTable {
    pub(super) mode: Mode,
    pub(super) outcomes: BTreeMap<u32, Outcome>,
    /// Numbers above this one are answered with [`UNKNOWN`].
    pub(super) newest: Option<u32>,
}

/// The whole policy.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) default: Answer,
    pub(super) modes: Vec<ModeTable>,
}

pub(super) fn tables(policy: &LinuxSeccomp) -> Result<Tables> {
    let default = answer(policy.default_action(), policy.default_errno_ret())?;
    let mut modes = vec![Mode::Long];
    for architecture in policy.architectures().iter().flatten() {
        let mode = match architecture {
            Arch::ScmpArchNative | Arch::ScmpArchX86_64 => Mode::Long,
            Arch::ScmpArchX86 => Mode::Short,
            Arch::ScmpArchX32 => Mode::Mixed,
            other => {
                return Err(Error::Unsupported(format!(
                    "linux.seccomp: the architecture {other:?} cannot be filtered on x86_64"
                )));
            }
        };
        if !modes.contains(&mode) {
            modes.push(mode);
        }
    }
    let permissive = matches!(
        policy.default_action(),
        LinuxSeccompAction::ScmpActAllow | LinuxSeccompAction::ScmpActLog | LinuxSeccompAction::ScmpActTrace
    );
    let patched = !permissive && policy.default_errno_ret() != Some(ENOSYS);
    let rules = policy.syscalls().as_deref().unwrap_or_default();
    let modes = modes
        .into_iter()
        .map(|mode| {
            let newest = newest(rules, mode).filter(|_| patched);
            Ok(ModeTable { mode, outcomes: outcomes(rules, mode, default)?, newest })
        })
        .collect::<Result<_>>()?;
    Ok(Tables { default, modes })
}

fn answer(action: LinuxSeccompAction, number: Option<u32>) -> Result<Answer> {
    let data = number.unwrap_or(EPERM);
    if data > 4095 && action == LinuxSeccompAction::ScmpActErrno {
        return Err(Error::Invalid(format!("linux.seccomp: {data} is no error number")));
    }
    Ok(match action {
        LinuxSeccompAction::ScmpActKill | LinuxSeccompAction::ScmpActKillThread => KILL_THREAD,
        LinuxSeccompAction::ScmpActKillProcess => KILL_PROCESS,
        LinuxSeccompAction::ScmpActTrap => TRAP,
        LinuxSeccompAction::ScmpActErrno => ERRNO | data,
        LinuxSeccompAction::ScmpActNotify => NOTIFY,
        LinuxSeccompAction::ScmpActTrace => TRACE | (data & 0xffff),
        LinuxSeccompAction::ScmpActLog => LOG,
        LinuxSeccompAction::ScmpActAllow => ALLOW,
    })
}

/// The call's number in a mode.
fn number(call: &SystemCall, mode: Mode) -> Option<u32> {
    let number = match mode {
        Mode::Long => call.long,
        Mode::Short => call.short,
        Mode::Mixed => call.mixed,
    };
    u32::try_from(number).ok()
}

/// The largest number that the policy mentions, whatever it says about it.
fn newest(rules: &[LinuxSyscall], mode: Mode) -> Option<u32> {
    rules
        .iter()
        .flat_map(|rule| rule.names())
        .filter_map(|name| number(table::find(name)?, mode))
        .max()
        .filter(|number| *number > 0)
}

fn outcomes(rules: &[LinuxSyscall], mode: Mode, default: Answer) -> Result<BTreeMap<u32, Outcome>> {
    let mut outcomes = BTreeMap::new();
    for rule in rules {
        let answer = answer(rule.action(), rule.errno_ret())?;
        let alternatives = alternatives(rule.args().as_deref().unwrap_or_default(), mode)?;
        if answer == default {
            continue;
        }
        for name in rule.names() {
            // A name that is not known is of a call that this kernel does not have either.
            for (number, multiplexed) in numbers(name, mode) {
                match multiplexed {
                    None => add(&mut outcomes, number, &alternatives, answer),
                    // The arguments are behind a pointer there, where no filter can look.
                    Some(_) if !alternatives.is_empty() => {}
                    Some(which) => {
                        let condition =
                            Condition { index: 0, operator: Operator::Equal, value: which, mask: 0 };
                        add(&mut outcomes, number, &[vec![condition]], answer);
                    }
                }
            }
        }
    }
    Ok(outcomes)
}

/// An answer without conditions replaces those with; the first one without conditions stays.
fn add(outcomes: &mut BTreeMap<u32, Outcome>, number: u32, alternatives: &[Vec<Condition>], answer: Answer) {
    if alternatives.is_empty() {
        if !matches!(outcomes.get(&number), Some(Outcome::Always(_))) {
            outcomes.insert(number, Outcome::Always(answer));
        }
        return;
    }
    let outcome = outcomes.entry(number).or_insert_with(|| Outcome::Depends(Vec::new()));
    if let Outcome::Depends(list) = outcome {
        list.extend(alternatives.iter().map(|conditions| (conditions.clone(), answer)));
    }
}

/// The conditions of a rule: all must hold. When one argument is compared twice, each comparison stands alone,
/// which is how runc has always read such rules.
fn alternatives(arguments: &[LinuxSeccompArg], mode: Mode) -> Result<Vec<Vec<Condition>>> {
    let conditions =
        arguments.iter().map(|argument| condition(argument, mode)).collect::<Result<Vec<_>>>()?;
    if conditions.is_empty() {
        return Ok(Vec::new());
    }
    let twice = (0..6).any(|index| conditions.iter().filter(|one| one.index == index).count() > 1);
    if twice {
        return Ok(conditions.into_iter().map(|condition| vec![condition]).collect());
    }
    Ok(vec![conditions])
}

fn condition(argument: &LinuxSeccompArg, mode: Mode) -> Result<Condition> {
    let index = u32::try_from(argument.index()).unwrap_or(u32::MAX);
    if index > 5 {
        return Err(Error::Invalid("linux.seccomp: a system call has the arguments 0 to 5 only".into()));
    }
    let operator = match argument.op() {
        LinuxSeccompOperator::ScmpCmpNe => Operator::NotEqual,
        LinuxSeccompOperator::ScmpCmpLt => Operator::Less,
        LinuxSeccompOperator::ScmpCmpLe => Operator::LessOrEqual,
        LinuxSeccompOperator::ScmpCmpEq => Operator::Equal,
        LinuxSeccompOperator::ScmpCmpGe => Operator::GreaterOrEqual,
        LinuxSeccompOperator::ScmpCmpGt => Operator::Greater,
        LinuxSeccompOperator::ScmpCmpMaskedEq => Operator::MaskedEqual,
    };
    // In the 32-bit modes arguments have 32 bits.
    let width = if mode == Mode::Long { u64::MAX } else { u64::from(u32::MAX) };
    let (value, mask) = match operator {
        // Bits outside the mask cannot be there any more, so none of them may be asked for.
        Operator::MaskedEqual => (argument.value_two().unwrap_or(0) & argument.value(), argument.value()),
        _ => (argument.value(), 0),
    };
    Ok(Condition { index, operator, value: value & width, mask: mask & width })
}

/// The calls that x86 has behind one number: (name, which). `socket` and the like are behind `socketcall`, the
/// System V calls behind `ipc`; newer kernels have numbers for them as well.
const MULTIPLEXED: [(&str, &str, u64); 32] = [
    ("socket", "socketcall", 1),
    ("bind", "socketcall", 2),
    ("connect", "socketcall", 3),
    ("listen", "socketcall", 4),
    ("accept", "socketcall", 5),
    ("getsockname", "socketcall", 6),
    ("getpeername", "socketcall", 7),
    ("socketpair", "socketcall", 8),
    ("send", "socketcall", 9),
    ("recv", "socketcall", 10),
    ("sendto", "socketcall", 11),
    ("recvfrom", "socketcall", 12),
    ("shutdown", "socketcall", 13),
    ("setsockopt", "socketcall", 14),
    ("getsockopt", "socketcall", 15),
    ("sendmsg", "socketcall", 16),
    ("recvmsg", "socketcall", 17),
    ("accept4", "socketcall", 18),
    ("recvmmsg", "socketcall", 19),
    ("sendmmsg", "socketcall", 20),
    ("semop", "ipc", 1),
    ("semget", "ipc", 2),
    ("semctl", "ipc", 3),
    ("semtimedop", "ipc", 4),
    ("msgsnd", "ipc", 11),
    ("msgrcv", "ipc", 12),
    ("msgget", "ipc", 13),
    ("msgctl", "ipc", 14),
    ("shmat", "ipc", 21),
    ("shmdt", "ipc", 22),
    ("shmget", "ipc", 23),
    ("shmctl", "ipc", 24),
];

/// Where a call is found in a mode: its number, and behind a multiplexer which of its calls.
fn numbers(name: &str, mode: Mode) -> Vec<(u32, Option<u64>)> {
    let direct = table::find(name).and_then(|call| number(call, mode)).map(|number| (number, None));
    let mut found: Vec<(u32, Option<u64>)> = direct.into_iter().collect();
    if mode == Mode::Short
        && let Some((_, multiplexer, which)) = MULTIPLEXED.iter().find(|(known, _, _)| *known == name)
        && let Some(number) = table::find(multiplexer).and_then(|call| number(call, mode))
    {
        found.push((number, Some(*which)));
    }
    found
}
