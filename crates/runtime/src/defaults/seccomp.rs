//! The default system call policy: what a container may ask of the kernel, by its capabilities.
//!
//! It answers as Docker's does: programs that run there run here. Calls are left out that reach beyond the
//! container (keys, modules, clocks, swap, other processes' memory without rights), and come back with the
//! capability that governs them.

use oci_spec::runtime::LinuxSeccomp;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// Calls that every container may make.
#[rustfmt::skip]
const ALLOWED: &[&str] = &[
    "_llseek", "_newselect", "accept", "accept4", "access", "adjtimex", "alarm", "arch_prctl", "bind",
    "brk", "cachestat", "capget", "capset", "chdir", "chmod", "chown", "chown32", "clock_adjtime",
    "clock_adjtime64", "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
    "clock_nanosleep", "clock_nanosleep_time64", "close", "close_range", "connect", "copy_file_range",
    "creat", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve",
    "execveat", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64", "fadvise64_64", "fallocate",
    "fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchown32", "fchownat", "fcntl",
    "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr", "fsetxattr",
    "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex",
    "futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futimesat",
    "get_robust_list", "get_thread_area", "getcpu", "getcwd", "getdents", "getdents64", "getegid",
    "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getitimer",
    "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getrandom", "getresgid",
    "getresgid32", "getresuid", "getresuid32", "getrlimit", "getrusage", "getsid", "getsockname",
    "getsockopt", "gettid", "gettimeofday", "getuid", "getuid32", "getxattr", "getxattrat",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel", "io_destroy",
    "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "ioctl", "ioprio_get",
    "ioprio_set", "ipc", "kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
    "lchown", "lchown32", "lgetxattr", "link", "linkat", "listen", "listmount", "listxattr", "listxattrat",
    "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "madvise", "map_shadow_stack",
    "membarrier", "memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod", "mknodat",
    "mlock", "mlock2", "mlockall", "mmap", "mmap2", "modify_ldt", "mprotect", "mq_getsetattr", "mq_notify",
    "mq_open", "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64",
    "mq_unlink", "mremap", "mseal", "msgctl", "msgget", "msgrcv", "msgsnd", "msync", "munlock",
    "munlockall", "munmap", "name_to_handle_at", "nanosleep", "newfstatat", "open", "openat", "openat2",
    "pause", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect",
    "poll", "ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64",
    "process_mrelease", "process_vm_readv", "process_vm_writev", "pselect6", "pselect6_time64", "ptrace",
    "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "recv",
    "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "remap_file_pages", "removexattr",
    "removexattrat", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq", "rt_sigaction",
    "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
    "sched_rr_get_interval", "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr",
    "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp", "select", "semctl", "semget", "semop",
    "semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg", "sendmsg", "sendto",
    "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsgid32", "setfsuid",
    "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setitimer", "setpgid", "setpriority",
    "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid",
    "setreuid32", "setrlimit", "setsid", "setsockopt", "setuid", "setuid32", "setxattr", "setxattrat",
    "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaltstack", "signalfd", "signalfd4", "sigprocmask",
    "sigreturn", "socketcall", "socketpair", "splice", "stat", "stat64", "statfs", "statfs64", "statmount",
    "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "sysinfo", "tee", "tgkill",
    "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
    "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
    "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate", "truncate64", "ugetrlimit",
    "umask", "uname", "unlink", "unlinkat", "uretprobe", "utime", "utimensat", "utimensat_time64", "utimes",
    "vfork", "vmsplice", "wait4", "waitid", "waitpid", "write", "writev",
];

/// Calls that come with a capability.
#[rustfmt::skip]
const BY_CAPABILITY: &[(&str, &[&str])] = &[
    ("DAC_READ_SEARCH", &["open_by_handle_at"]),
    ("SYS_ADMIN", &[
        "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick",
        "lookup_dcookie", "lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr", "mount",
        "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl", "quotactl_fd",
        "setdomainname", "sethostname", "setns", "syslog", "umount", "umount2", "unshare",
    ]),
    ("SYS_BOOT", &["reboot"]),
    ("SYS_CHROOT", &["chroot"]),
    ("SYS_MODULE", &["delete_module", "init_module", "finit_module"]),
    ("SYS_PACCT", &["acct"]),
    ("SYS_PTRACE", &[
        "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
    ]),
    ("SYS_RAWIO", &["iopl", "ioperm"]),
    ("SYS_TIME", &["settimeofday", "stime", "clock_settime", "clock_settime64"]),
    ("SYS_TTY_CONFIG", &["vhangup"]),
    ("SYS_NICE", &["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]),
    ("SYSLOG", &["syslog"]),
    ("BPF", &["bpf"]),
    ("PERFMON", &["perf_event_open"]),
];

/// The namespace bits of clone(2): a container without CAP_SYS_ADMIN makes no namespaces.
const NAMESPACE_BITS: u64 = 0x7e02_0000;

/// The execution domains that personality(2) may set: Linux, 32-bit Linux, each also with the short uname, and
/// the question for the present one.
const PERSONALITIES: [u64; 5] = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// `AF_ALG` and `AF_VSOCK`, which reach the kernel's ciphers and other virtual machines.
const REFUSED_FAMILIES: [u64; 2] = [38, 40];

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The policy for a container with these capabilities (names with or without `CAP_`).
///
/// # Errors
/// A name is no capability.
pub fn policy<'a>(capabilities: impl IntoIterator<Item = &'a str>) -> Result<LinuxSeccomp> {
    let held = crate::compile::capability_mask(capabilities)?;
    let holds = |name: &str| crate::compile::capability_number(name).is_some_and(|bit| held & 1 << bit != 0);
    let allow = "SCMP_ACT_ALLOW";
    let mut rules = vec![json!({ "names": ALLOWED, "action": allow })];
    let mut conditional = |name: &str, index: u32, operator: &str, value: u64, two: u64| {
        rules.push(json!({ "names": [name], "action": allow, "args": [
            { "index": index, "op": operator, "value": value, "valueTwo": two },
        ] }));
    };
    let [first, second] = REFUSED_FAMILIES;
    conditional("socket", 0, "SCMP_CMP_LT", first, 0);
    for family in first + 1..second {
        conditional("socket", 0, "SCMP_CMP_EQ", family, 0);
    }
    conditional("socket", 0, "SCMP_CMP_GT", second, 0);
    for personality in PERSONALITIES {
        conditional("personality", 0, "SCMP_CMP_EQ", personality, 0);
    }
    if !holds("SYS_ADMIN") {
        conditional("clone", 0, "SCMP_CMP_MASKED_EQ", NAMESPACE_BITS, 0);
        // Its flags are behind a pointer; without it the C library falls back to clone.
        rules.push(json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS }));
    }
    for (capability, names) in BY_CAPABILITY {
        if holds(capability) {
            rules.push(json!({ "names": names, "action": allow }));
        }
    }
    let policy: Value = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "architectures": crate::compile::seccomp::ARCHITECTURES,
        "syscalls": rules,
    });
    serde_json::from_value(policy)
        .map_err(|error| Error::Invalid(format!("the default system call policy has a defect: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::seccomp::compile;

    fn names(capabilities: &[&str]) -> Vec<String> {
        let policy = policy(capabilities.iter().copied()).unwrap();
        let rules = policy.syscalls().clone().unwrap();
        rules.iter().flat_map(|rule| rule.names().clone()).collect()
    }

    #[test]
    fn capabilities_bring_their_calls() {
        let has = |capabilities: &[&str], name: &str| names(capabilities).iter().any(|known| known == name);
        assert!(!has(&[], "mount") && has(&["CAP_SYS_ADMIN"], "mount"));
        assert!(!has(&[], "reboot") && has(&["SYS_BOOT"], "reboot"));
        assert!(!has(&[], "bpf") && has(&["BPF"], "bpf"));
        for never in ["kexec_load", "add_key", "keyctl", "swapon", "io_uring_setup", "userfaultfd"] {
            assert!(!has(&["SYS_ADMIN"], never), "{never}");
        }
    }

    #[test]
    fn the_policy_compiles_for_every_set_of_capabilities() {
        for capability in crate::compile::CAPABILITIES {
            let program = compile(&policy([capability]).unwrap()).unwrap().unwrap().program;
            assert!(program.len() < 4096);
        }
    }
}
