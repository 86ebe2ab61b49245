//! config-linux.md: kernel parameters, seccomp, propagation, masked and read-only paths, personality.

use serde_json::{Value, json};

use super::{facts, refused};
use crate::bundle::{ask, drop_field, without_namespace};
use crate::case::{Case, equal, require};

const SYSCTL: &str = "config-linux.md: Sysctl";
const SECCOMP: &str = "config-linux.md: Seccomp";
const PROPAGATION: &str = "config-linux.md: Rootfs mount propagation";
const MASKED: &str = "config-linux.md: Masked paths";
const READONLY: &str = "config-linux.md: Readonly paths";
const PERSONALITY: &str = "config-linux.md: Personality";

fn no_seccomp(spec: &mut Value) {
    drop_field(spec, "/linux", "seccomp");
}

fn sysctls() -> Vec<Case> {
    vec![
        facts(
            "sysctl-network",
            SYSCTL,
            "set parameters of the network namespace",
            |spec| {
                spec["linux"]["sysctl"] = json!({ "net.ipv4.ip_forward": "1" });
                ask(spec, &["read=/proc/sys/net/ipv4/ip_forward"]);
            },
            |report| equal("the parameter", &report["read=/proc/sys/net/ipv4/ip_forward"], &json!("1\n")),
            |spec| spec["linux"]["sysctl"] = json!({ "net.ipv4.ip_forward": "0" }),
        ),
        facts(
            "sysctl-ipc",
            SYSCTL,
            "set parameters of the IPC namespace",
            |spec| {
                spec["linux"]["sysctl"] = json!({ "kernel.msgmax": "16384" });
                ask(spec, &["read=/proc/sys/kernel/msgmax"]);
            },
            |report| equal("the parameter", &report["read=/proc/sys/kernel/msgmax"], &json!("16384\n")),
            |spec| drop_field(spec, "/linux", "sysctl"),
        ),
        refused(
            "sysctl-of-the-host",
            SYSCTL,
            "refuse parameters that would change the host",
            |spec| spec["linux"]["sysctl"] = json!({ "kernel.panic_on_oops": "0" }),
            |spec| drop_field(spec, "/linux", "sysctl"),
        ),
        refused(
            "sysctl-without-namespace",
            SYSCTL,
            "refuse parameters of a namespace that the container does not have",
            |spec| {
                without_namespace(spec, "ipc");
                spec["linux"]["sysctl"] = json!({ "kernel.msgmax": "16384" });
            },
            |spec| drop_field(spec, "/linux", "sysctl"),
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list, one entry after the other")]
fn seccomp() -> Vec<Case> {
    vec![
        facts(
            "seccomp-errno",
            SECCOMP,
            "answer a call with an error number, EPERM unless another is given",
            |spec| {
                spec["linux"]["seccomp"] = json!({
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "architectures": ["SCMP_ARCH_X86_64"],
                    "syscalls": [
                        { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO" },
                        { "names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77 },
                    ],
                });
                ask(spec, &["mkdir=/tmp/new", "chmod=/tmp"]);
            },
            |report| {
                equal("mkdir", &report["mkdir=/tmp/new"], &json!(1))?;
                equal("chmod", &report["chmod=/tmp"], &json!(77))
            },
            no_seccomp,
        ),
        facts(
            "seccomp-arguments",
            SECCOMP,
            "look at the arguments of a call",
            |spec| {
                spec["linux"]["seccomp"] = json!({
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [{ "names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77,
                        "args": [{ "index": 5, "value": 0, "op": "SCMP_CMP_GE" }] }],
                });
                ask(spec, &["chmod=/tmp"]);
            },
            |report| equal("chmod", &report["chmod=/tmp"], &json!(77)),
            |spec| {
                spec["linux"]["seccomp"]["syscalls"][0]["args"][0]["op"] = json!("SCMP_CMP_LT");
            },
        ),
        facts(
            "seccomp-default-action",
            SECCOMP,
            "take the default action for calls without a rule",
            |spec| {
                let every = "\
                    accept4 access arch_prctl brk capget capset chdir clock_getres clock_gettime \
                    clock_nanosleep clone clone3 close close_range connect dup dup2 dup3 epoll_create1 \
                    epoll_ctl epoll_pwait epoll_wait eventfd2 execve execveat exit exit_group faccessat \
                    faccessat2 fchdir fchown fchownat fcntl fork fstat fstatfs futex get_robust_list \
                    getcwd getdents getdents64 getegid geteuid getgid getgroups getpeername getpgid \
                    getpgrp getpid getppid getrandom getresgid getresuid getrlimit getrusage getsid \
                    getsockname getsockopt gettid gettimeofday getuid getxattr ioctl keyctl kill lseek \
                    lstat madvise membarrier mincore mmap mount mprotect mremap munmap nanosleep \
                    newfstatat open openat openat2 pidfd_open pidfd_send_signal pipe pipe2 poll ppoll \
                    prctl pread64 prlimit64 pwrite64 read readlink readlinkat readv recvfrom recvmsg \
                    restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait \
                    sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity sched_yield \
                    seccomp sendmsg sendto set_robust_list set_tid_address setfsgid setfsuid setgid \
                    setgroups setresgid setresuid setrlimit setsid setsockopt setuid shutdown \
                    sigaltstack socket stat statfs statx sysinfo tgkill time timer_create timer_delete \
                    timer_settime tkill umask umount2 uname unlink unlinkat vfork wait4 waitid write \
                    writev";
                let every: Vec<&str> = every.split_whitespace().collect();
                spec["linux"]["seccomp"] = json!({
                    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 99,
                    "syscalls": [{ "names": every, "action": "SCMP_ACT_ALLOW" },
                                 { "names": ["file_setattr", "cachestat"], "action": "SCMP_ACT_ALLOW" }],
                });
                ask(spec, &["mkdir=/tmp/new"]);
            },
            |report| equal("mkdir", &report["mkdir=/tmp/new"], &json!(99)),
            no_seccomp,
        ),
        facts(
            "seccomp-mode",
            SECCOMP,
            "put a filter in force",
            |spec| {
                spec["linux"]["seccomp"] = json!({
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [{ "names": ["swapon"], "action": "SCMP_ACT_ERRNO" }],
                });
            },
            |report| equal("the mode", &report["status"]["Seccomp"], &json!("2")),
            no_seccomp,
        ),
        refused(
            "seccomp-unknown-action",
            SECCOMP,
            "refuse an action that does not exist",
            |spec| spec["linux"]["seccomp"] = json!({ "defaultAction": "SCMP_ACT_OF_NOBODY" }),
            no_seccomp,
        ),
        refused(
            "seccomp-unknown-architecture",
            SECCOMP,
            "refuse an architecture that does not exist",
            |spec| {
                spec["linux"]["seccomp"] =
                    json!({ "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_OF_NOBODY"] });
            },
            no_seccomp,
        ),
        refused(
            "seccomp-metadata-without-listener",
            SECCOMP,
            "refuse listener metadata without a listener",
            |spec| {
                spec["linux"]["seccomp"] = json!({ "defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x",
                            "syscalls": [{ "names": ["swapon"], "action": "SCMP_ACT_NOTIFY" }] });
            },
            no_seccomp,
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sysctls();
    cases.extend(seccomp());
    cases.extend([
        facts(
            "rootfs-propagation-shared",
            PROPAGATION,
            "make the root's mount shared",
            |spec| spec["linux"]["rootfsPropagation"] = json!("shared"),
            |report| {
                let found = root_propagation(report);
                require(found.contains("shared"), || format!("the propagation is {found}"))
            },
            |spec| drop_field(spec, "/linux", "rootfsPropagation"),
        )
        .deviates(&[("runc version 1.1", "it does not set the propagation after pivot_root")]),
        facts(
            "rootfs-propagation-unbindable",
            PROPAGATION,
            "make the root's mount unbindable",
            |spec| spec["linux"]["rootfsPropagation"] = json!("unbindable"),
            |report| {
                let found = root_propagation(report);
                require(found.contains("unbindable"), || format!("the propagation is {found}"))
            },
            |spec| drop_field(spec, "/linux", "rootfsPropagation"),
        )
        .deviates(&[("runc version 1.1", "it cannot bind its own root then")]),
        facts(
            "rootfs-propagation-private",
            PROPAGATION,
            "make the root's mount private",
            |spec| spec["linux"]["rootfsPropagation"] = json!("private"),
            |report| {
                let found = root_propagation(report);
                require(found == "[]", || format!("the propagation is {found}"))
            },
            |spec| spec["linux"]["rootfsPropagation"] = json!("unbindable"),
        ),
        facts(
            "masked-file",
            MASKED,
            "hide a file",
            |spec| {
                spec["linux"]["maskedPaths"] = json!(["/secret"]);
                ask(spec, &["read=/secret"]);
            },
            |report| equal("the file", &report["read=/secret"], &json!("")),
            |spec| drop_field(spec, "/linux", "maskedPaths"),
        ),
        facts(
            "masked-directory",
            MASKED,
            "hide a directory",
            |spec| {
                spec["linux"]["maskedPaths"] = json!(["/masked"]);
                ask(spec, &["list=/masked", "create=/masked/new"]);
            },
            |report| {
                equal("the directory", &report["list=/masked"], &json!([]))?;
                require(report["create=/masked/new"] != "ok", || "it can be written".into())
            },
            |spec| drop_field(spec, "/linux", "maskedPaths"),
        ),
        facts(
            "masked-missing",
            MASKED,
            "pass over a path that does not exist",
            |spec| {
                spec["linux"]["maskedPaths"] = json!(["/nowhere/at/all", "/secret"]);
                ask(spec, &["read=/secret"]);
            },
            |report| equal("the other path", &report["read=/secret"], &json!("")),
            |spec| spec["linux"]["maskedPaths"] = json!(["/nowhere/at/all"]),
        ),
        facts(
            "readonly-path",
            READONLY,
            "make a path read-only",
            |spec| {
                spec["linux"]["readonlyPaths"] = json!(["/readonly", "/proc/sys"]);
                ask(spec, &["create=/readonly/new", "write=/proc/sys/kernel/domainname"]);
            },
            |report| {
                equal("creating a file", &report["create=/readonly/new"], &json!(30))?;
                equal("a parameter", &report["write=/proc/sys/kernel/domainname"], &json!(30))
            },
            |spec| drop_field(spec, "/linux", "readonlyPaths"),
        ),
        facts(
            "personality",
            PERSONALITY,
            "set the execution domain",
            |spec| spec["linux"]["personality"] = json!({ "domain": "LINUX32" }),
            |report| equal("the machine", &report["machine"], &json!("i686")),
            |spec| drop_field(spec, "/linux", "personality"),
        )
        .deviates(&[("runc version 1.1", "the field is newer than this runc")]),
    ]);
    cases
}

/// The propagation of the mount at `/`, as text.
fn root_propagation(report: &Value) -> String {
    let mounts = report["mounts"].as_array();
    let root = mounts.and_then(|mounts| mounts.iter().find(|mount| mount["point"] == "/"));
    root.map_or_else(String::new, |mount| mount["propagation"].to_string())
}
