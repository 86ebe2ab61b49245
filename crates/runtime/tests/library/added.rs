//! Processes added to a running container.

use sampan_error::{Classify, Kind};
use sampan_runtime::plan::User;

use crate::Test;
use crate::bench::{Bench, command, failure, message};

pub(crate) const TESTS: &[Test] = &[
    ("an_added_process_is_like_the_first", alike),
    ("an_added_process_can_have_another_user", other_user),
    ("commands_that_cannot_run_give_the_known_sentences", sentences),
];

fn alike(bench: &mut Bench) {
    let plan = bench.plan("sleep 1000");
    let (started, cgroup) = bench.start(&plan);
    let script = "for n in pid net ipc uts mnt cgroup; do [ $(readlink /proc/self/ns/$n) = \
                  $(readlink /proc/1/ns/$n) ] || echo $n; done; grep -E '^(CapEff|CapBnd|Seccomp:)' \
                  /proc/self/status > /tmp/own; grep -E '^(CapEff|CapBnd|Seccomp:)' /proc/1/status > /tmp/first; \
                  cmp /tmp/own /tmp/first && ls /proc/self/fd | grep -c .; cat /proc/self/cgroup | grep -v ':/$'";
    std::os::unix::fs::symlink("busybox", bench.rootfs.join("bin/readlink")).unwrap();
    std::os::unix::fs::symlink("busybox", bench.rootfs.join("bin/cmp")).unwrap();
    let (output, _) = bench
        .exec(&plan, (&started, &cgroup), |process| process.args = command(&["sh", "-c", script]))
        .unwrap();
    assert_eq!(output, "4\n");
    let (_, code) = bench
        .exec(&plan, (&started, &cgroup), |process| process.args = command(&["sh", "-c", "exit 9"]))
        .unwrap();
    assert_eq!(code, 9);
    // This process is back in its own namespaces.
    let own = std::fs::read_link("/proc/self/ns/pid_for_children").unwrap();
    assert_eq!(own, std::fs::read_link("/proc/self/ns/pid").unwrap());
}

fn other_user(bench: &mut Bench) {
    let plan = bench.plan("sleep 1000");
    let (started, cgroup) = bench.start(&plan);
    let (output, _) = bench
        .exec(&plan, (&started, &cgroup), |process| {
            process.args =
                command(&["sh", "-c", "id; echo $HOME; grep CapEff /proc/self/status; echo x > /dev/stdout"]);
            process.user =
                User::Docker { user: "web".into(), groups: vec!["7".into()], set_home: true, umask: None };
            process.cwd = "/tmp".into();
        })
        .unwrap();
    let wanted =
        "uid=33(web) gid=34(web) groups=7,34(web),50(logs)\n/var/www\nCapEff:\t0000000000000000\nx\n";
    assert_eq!(output, wanted);
}

fn sentences(bench: &mut Bench) {
    let plan = bench.plan("sleep 1000");
    let (started, cgroup) = bench.start(&plan);
    std::fs::write(bench.rootfs.join("bin/text"), "no program\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bench.rootfs.join("bin/text"), mode).unwrap();
    std::fs::write(bench.rootfs.join("bin/noexec"), "no program\n").unwrap();
    for (name, sentence, kind) in [
        ("foo", r#"exec: "foo": executable file not found in $PATH"#, Kind::CommandNotFound),
        ("/x", r#"exec: "/x": stat /x: no such file or directory"#, Kind::CommandNotFound),
        ("/bin/noexec", r#"exec: "/bin/noexec": permission denied"#, Kind::CommandNotExecutable),
        ("/bin", r#"exec: "/bin": is a directory: permission denied"#, Kind::CommandNotExecutable),
        ("/bin/text", "exec /bin/text: exec format error", Kind::CommandNotExecutable),
    ] {
        let outcome = || bench.exec(&plan, (&started, &cgroup), |process| process.args = command(&[name]));
        assert_eq!(message(outcome()), sentence);
        assert_eq!(failure(outcome()).kind(), kind);
    }
    let outcome = bench.exec(&plan, (&started, &cgroup), |process| process.cwd = "/nowhere".into());
    assert!(message(outcome).contains("no such file or directory"));
}
