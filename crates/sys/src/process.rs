//! Making processes: forks into namespaces and cgroups, and programs started by descriptor.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::namespace::Namespaces;

/// A process that was just made.
#[derive(Debug)]
pub struct Child {
    /// Its number in this process's pid namespace.
    pub pid: i32,
    /// Its descriptor (close-on-exec): signals and waiting go through this, see [`crate::pidfd`].
    pub pidfd: OwnedFd,
}

/// Which of the two processes is running after [`fork`].
#[derive(Debug)]
pub enum Forked {
    /// The caller; here is its child.
    Parent(Child),
    /// The new process.
    Child,
}

/// The argument of clone3(2), as of `CLONE_ARGS_SIZE_VER2`.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// `CLONE_INTO_CGROUP` (Linux 5.7).
const INTO_CGROUP: u64 = 0x2_0000_0000;

/// Forks: the child is a copy of this process in new `namespaces`, and born inside the cgroup v2 directory
/// `cgroup` when one is given. The child ends with SIGCHLD to the caller.
///
/// # Errors
/// `WouldBlock` kind "more than one thread" when this process has other threads: a copy of one thread only
/// may find locks that nobody will ever release. Else as clone3(2) (Linux 5.3, with a cgroup 5.7).
pub fn fork(namespaces: Namespaces, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Forked> {
    require_single_thread()?;
    let mut pidfd: RawFd = -1;
    let mut arguments = CloneArguments {
        flags: u64::from(namespaces.bits()) | libc::CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..Default::default()
    };
    if let Some(cgroup) = cgroup {
        arguments.flags |= INTO_CGROUP;
        arguments.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM the child gets a copy of the whole address space and goes on from here; the
    // process has one thread, checked above, so no lock is held by a thread that the child lacks.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut arguments, size_of::<CloneArguments>()) };
    match pid {
        0 => {
            FORKED.store(true, Ordering::Relaxed);
            Ok(Forked::Child)
        }
        pid if pid > 0 => {
            // SAFETY: the kernel stored a fresh descriptor at the address given, for the parent only.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent(Child { pid: pid as i32, pidfd }))
        }
        _ => Err(io::Error::last_os_error()),
    }
}

/// Set in a process that [`fork`] has made: it began with one thread, and in a container there may be no /proc to
/// look. Whoever starts threads in such a process breaks what the functions here rely on.
static FORKED: AtomicBool = AtomicBool::new(false);

/// `/proc/self/task` has a link per thread, besides `.` and `..`: one stat tells how many there are.
pub(crate) fn require_single_thread() -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if FORKED.load(Ordering::Relaxed) {
        return Ok(());
    }
    if std::fs::metadata("/proc/self/task")?.nlink() == 3 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "a process with more than one thread cannot fork"))
}

/// Ends this process at once: no destructors, no exit handlers, no buffers flushed. For a forked child.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Replaces this process by the program at `path`. Returns only when that failed.
pub fn execute(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both lists end with a null pointer and their strings live until the call returns.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Replaces this process by the program that `program` refers to. Returns only when that failed.
///
/// An ELF program needs no path at all; a script (`#!`) would need one and fails with `ENOENT`.
pub fn execute_descriptor(
    program: BorrowedFd<'_>,
    arguments: &[CString],
    environment: &[CString],
) -> io::Error {
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: as for `execute`; the empty path with AT_EMPTY_PATH means the descriptor itself.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    io::Error::last_os_error()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

/// What [`spawn`] starts.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// The program: an executable's descriptor, for instance from [`crate::memfd::sealed`].
    pub program: BorrowedFd<'a>,
    /// The arguments, with the program's name first.
    pub arguments: &'a [CString],
    /// The environment, as `NAME=value`.
    pub environment: &'a [CString],
    /// The descriptors that the program gets, each with the number it has there. All others are closed.
    /// What is missing of 0, 1 and 2 is inherited as it is.
    pub descriptors: &'a [(BorrowedFd<'a>, RawFd)],
    /// Whether it leads a new session (and so loses the controlling terminal).
    pub new_session: bool,
}

/// Starts a program by descriptor, from a process with any number of threads, without copying its memory
/// (vfork). Signals are at their defaults and unblocked in it, the working directory is `/`.
///
/// # Errors
/// As clone(2) and execveat(2).
pub fn spawn(request: &Spawn<'_>) -> io::Result<Child> {
    let arguments = pointers(request.arguments);
    let environment = pointers(request.environment);
    let mut numbers: Vec<(RawFd, RawFd)> =
        request.descriptors.iter().map(|(fd, target)| (fd.as_raw_fd(), *target)).collect();
    let above = numbers.iter().map(|(_, target)| target + 1).max().unwrap_or(3).max(3);
    let mut start = Start {
        program: request.program.as_raw_fd(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        numbers: numbers.as_mut_ptr(),
        count: numbers.len(),
        above,
        new_session: request.new_session,
        error: 0,
    };
    let mut stack = vec![0_u128; 2048];
    let mut pidfd: RawFd = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let previous = block_signals();
    // SAFETY: the child runs `begin` on its own stack (grows down from its end, 16-byte aligned), touches
    // only `start` and what it points to, calls only async-signal-safe system calls, and this thread is
    // suspended until it has executed or ended, so nothing here moves meanwhile. Signals are blocked so that
    // no handler of ours runs in it.
    let pid = unsafe {
        libc::clone(
            begin,
            stack.as_mut_ptr().add(stack.len()).cast(),
            flags,
            (&raw mut start).cast(),
            &raw mut pidfd,
        )
    };
    let failed = io::Error::last_os_error();
    restore_signals(&previous);
    if pid < 0 {
        return Err(failed);
    }
    // SAFETY: with CLONE_PIDFD the kernel stored a fresh descriptor at the address given.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    // The child wrote into our memory; read it without the compiler assuming it unchanged.
    // SAFETY: `start` is alive and properly aligned.
    let error = unsafe { std::ptr::read_volatile(&raw const start.error) };
    if error != 0 {
        let _ = crate::pidfd::wait(&pidfd);
        return Err(io::Error::from_raw_os_error(error));
    }
    Ok(Child { pid, pidfd })
}

/// What the vforked child needs, prepared before it exists so that it allocates nothing.
struct Start {
    program: RawFd,
    arguments: *const *const libc::c_char,
    environment: *const *const libc::c_char,
    numbers: *mut (RawFd, RawFd),
    count: usize,
    above: RawFd,
    new_session: bool,
    error: i32,
}

extern "C" fn begin(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `spawn` passes its `Start`, alive while this child shares its memory.
    let start = unsafe { &mut *argument.cast::<Start>() };
    // SAFETY: every call below is async-signal-safe, works on numbers and on memory that `Start` points to.
    unsafe {
        reset_signals();
        if start.new_session {
            libc::setsid();
        }
        libc::chdir(c"/".as_ptr());
        let numbers = std::slice::from_raw_parts_mut(start.numbers, start.count);
        for (source, _) in numbers.iter_mut() {
            let copy = libc::fcntl(*source, libc::F_DUPFD_CLOEXEC, start.above);
            if copy < 0 {
                return fail(start);
            }
            *source = copy;
        }
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_uint);
        let program = libc::fcntl(start.program, libc::F_DUPFD_CLOEXEC, start.above);
        if program < 0 {
            return fail(start);
        }
        for (source, target) in numbers.iter() {
            if libc::dup2(*source, *target) < 0 {
                return fail(start);
            }
        }
        libc::syscall(
            libc::SYS_execveat,
            program,
            c"".as_ptr(),
            start.arguments,
            start.environment,
            libc::AT_EMPTY_PATH,
        );
    }
    fail(start)
}

fn fail(start: &mut Start) -> libc::c_int {
    // SAFETY: __errno_location points to this thread's errno (shared with the suspended parent thread).
    start.error = unsafe { *libc::__errno_location() };
    // SAFETY: ends the child only.
    unsafe { libc::_exit(127) }
}

/// Puts all signals at their defaults and unblocks them, as a new program expects.
///
/// # Safety
/// Only for a process that is about to execute another program: handlers are lost.
unsafe fn reset_signals() {
    // SAFETY: an all-zero action is SIG_DFL without flags and with an empty mask; an all-zero sigset is empty.
    unsafe {
        // The kernel's own structure of 32 bytes, all zero, by its own call: the C library's refuses signals 32
        // and 33, and posix_spawn(3) of whoever started us may have left those ignored.
        let default = [0_u64; 4];
        for number in 1..=64 {
            libc::syscall(
                libc::SYS_rt_sigaction,
                number,
                default.as_ptr(),
                std::ptr::null_mut::<u64>(),
                8_usize,
            );
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Puts all signals at their defaults and unblocks them. For a forked child that will execute a program.
///
/// # Errors
/// `WouldBlock` when this process has more than one thread.
pub fn reset_signals_before_execute() -> io::Result<()> {
    require_single_thread()?;
    // SAFETY: the process is single-threaded and about to execute; handlers it loses are its own.
    unsafe { reset_signals() };
    Ok(())
}

fn block_signals() -> libc::sigset_t {
    // SAFETY: both sets are plain memory that the calls fill.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut previous: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut previous);
        previous
    }
}

fn restore_signals(previous: &libc::sigset_t) {
    // SAFETY: the set was filled by `block_signals`.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, previous, std::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;

    #[test]
    fn a_program_starts_by_descriptor_with_its_descriptors_only() {
        let program = std::fs::File::open("/bin/busybox").unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let arguments =
            [c"busybox", c"sh", c"-c", c"echo $A; pwd; cd /proc/self/fd && echo *"].map(Into::into);
        let environment = [c"A=value".into()];
        let child = spawn(&Spawn {
            program: program.as_fd(),
            arguments: &arguments,
            environment: &environment,
            descriptors: &[(writer.as_fd(), 1), (writer.as_fd(), 7)],
            new_session: true,
        })
        .unwrap();
        drop(writer);
        let mut output = String::new();
        std::io::BufReader::new(reader).read_to_string(&mut output).unwrap();
        assert_eq!(output, "value\n/\n0 1 2 3 7\n", "3 is the shell's own look at the directory");
        assert_eq!(crate::pidfd::wait(&child.pidfd).unwrap().code(), 0);
    }

    #[test]
    fn what_cannot_be_executed_is_an_error() {
        let program = std::fs::File::open("/etc/passwd").unwrap();
        let error = spawn(&Spawn {
            program: program.as_fd(),
            arguments: &[c"x".into()],
            environment: &[],
            descriptors: &[],
            new_session: false,
        })
        .unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EACCES));
    }

    #[test]
    fn a_process_with_threads_does_not_fork() {
        // The test harness itself runs this on a second thread.
        assert!(fork(Namespaces::NONE, None).is_err());
    }
}
