//! Known ways out of a container, tried: none may lead anywhere. Each test names the advisory it is after.

use std::fs;

use sampan_tests::{Campaign, Host};

/// CVE-2024-21626, CVE-2016-9962: a descriptor of the host that is open in the container's first process.
#[test]
fn no_descriptor_of_the_host_leaks_in() {
    let host = Host::new();
    // `ls` itself has one open, for the folder that it lists.
    let first =
        host.docker(&["run", "--rm", "busybox", "sh", "-c", "ls /proc/1/fd; ls /proc/self/fd | wc -l"]);
    let lines: Vec<&str> = first.ok().lines().collect();
    let shell: Vec<&str> = lines[..lines.len() - 1].to_vec();
    assert!(shell.iter().all(|number| ["0", "1", "2", "10"].contains(number)), "{first}");
    assert_eq!(lines.last().map(|count| count.trim()), Some("4"), "{first}");
    host.docker(&["run", "-d", "--name", "box", "busybox", "sleep", "1000"]).ok();
    let exec = host.docker(&["exec", "box", "ls", "/proc/self/fd"]);
    assert_eq!(exec.ok().split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"], "{exec}");
    for number in 3..20 {
        let folder = format!("/proc/self/fd/{number}");
        let outcome = host.docker(&[
            "run",
            "--rm",
            "-w",
            &folder,
            "busybox",
            "sh",
            "-c",
            "cat ../../../etc/shadow; ls",
        ]);
        assert_ne!(outcome.code, 0, "a container that starts in {folder}: {outcome}");
        let outcome = host.docker(&["exec", "-w", &folder, "box", "ls", "../../.."]);
        assert_ne!(outcome.code, 0, "a program that starts in {folder}: {outcome}");
    }
}

/// CVE-2019-5736: the runtime's own program is overwritten through /proc/self/exe.
#[test]
fn the_runtime_cannot_be_overwritten_from_inside() {
    let host = Host::new();
    let outcome = host.docker(&["run", "--rm", "--entrypoint", "/proc/self/exe", "busybox", "sh"]);
    assert_ne!(outcome.code, 0, "{outcome}");
    host.docker(&["run", "-d", "--name", "box", "busybox", "sleep", "1000"]).ok();
    // Whoever enters shows its program for a moment; a shell in the container tries to write to it.
    let attack = "n=0; while [ $n -lt 400 ]; do n=$((n+1)); for pid in /proc/[0-9]*; do \
                  case $(readlink $pid/exe) in /bin/busybox|'') ;; *) (echo overwritten >$pid/exe) 2>/dev/null && echo WRITTEN;; esac; done; done";
    let mut attacker = host.docker_running(&["exec", "box", "sh", "-c", attack]);
    for _ in 0..15 {
        host.docker(&["exec", "box", "true"]);
        host.docker(&["exec", "box", "/proc/self/exe"]);
    }
    drop(attacker.child().stdin.take());
    let outcome = attacker.finish();
    assert!(!outcome.stdout.contains("WRITTEN"), "{outcome}");
    assert_eq!(host.docker(&["run", "--rm", "busybox", "echo", "fine"]).ok(), "fine");
}

/// CVE-2022-24769, CVE-2022-29162, CVE-2016-8867: capabilities that outlive a change of user.
#[test]
fn capabilities_are_not_inherited() {
    let host = Host::new();
    let show = ["sh", "-c", "grep Cap /proc/self/status"];
    let root = host.docker(&[&["run", "--rm", "busybox"], &show[..]].concat());
    assert!(
        root.ok().contains("CapInh:\t0000000000000000") && root.ok().contains("CapAmb:\t0000000000000000"),
        "{root}"
    );
    assert!(
        root.ok().contains("CapBnd:\t00000000a80425fb") && root.ok().contains("CapEff:\t00000000a80425fb"),
        "{root}"
    );
    let user = host.docker(&[&["run", "--rm", "-u", "33", "busybox"], &show[..]].concat());
    assert!(
        user.ok().contains("CapEff:\t0000000000000000") && user.ok().contains("CapPrm:\t0000000000000000"),
        "{user}"
    );
    host.docker(&["run", "-d", "--name", "box", "busybox", "sleep", "1000"]).ok();
    let exec = host.docker(&[&["exec", "box"], &show[..]].concat());
    assert_eq!(exec.ok(), root.ok());
    let exec = host.docker(&[&["exec", "-u", "33", "box"], &show[..]].concat());
    assert_eq!(exec.ok(), user.ok());
}

/// What the default policy of system calls, the masked and the read-only paths are for.
#[test]
fn the_kernel_is_out_of_reach() {
    let host = Host::new();
    let script = "
        mount -t tmpfs none /mnt 2>&1; umount /proc/sys 2>&1; dmesg 2>&1 | head -1
        unshare -m true 2>&1; mknod /tmp/disk b 254 0 && cat /tmp/disk 2>&1 | head -c 20
        echo 1 >/proc/sys/kernel/panic; echo b >/proc/sysrq-trigger; echo 1 >/sys/kernel/mm/ksm/run
        echo; wc -c </proc/keys; ls /proc/acpi | wc -l; ls /sys/firmware | wc -l";
    let outcome = host.docker(&["run", "--rm", "busybox", "sh", "-c", script]);
    let text = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(
        text.matches("ermission denied").count() + text.matches("not permitted").count() >= 4,
        "{outcome}"
    );
    assert!(
        text.matches("Read-only file system").count() >= 2 || text.matches("can't create").count() >= 3,
        "{outcome}"
    );
    let last: Vec<&str> = outcome.stdout.lines().rev().take(3).collect();
    assert!(last.iter().all(|count| count.trim() == "0"), "masked: {outcome}");
}

/// CVE-2020-15257: a control socket in the abstract namespace, which a container on the host's network sees.
#[test]
fn no_control_socket_is_visible_on_the_hosts_network() {
    let host = Host::new();
    host.docker(&["run", "-d", "busybox", "sleep", "1000"]).ok();
    let sockets = host.docker(&["run", "--rm", "--network", "host", "busybox", "cat", "/proc/net/unix"]);
    let abstract_ones: Vec<&str> = sockets.ok().lines().filter(|line| line.contains(" @")).collect();
    assert!(abstract_ones.iter().all(|line| !line.contains("sampan") && !line.contains("shim")), "{sockets}");
}

/// CVE-2018-15664, CVE-2026-42306: links that change while files are copied.
#[test]
fn campaign_cp_against_links_that_change() {
    let campaign =
        Campaign::new("cp both ways while the path turns into a link out of the container", 20, 500);
    let host = Host::new();
    let (secret, canary) = (host.folder().join("secret"), host.folder().join("canary"));
    fs::write(&secret, "the host's own").expect("written");
    fs::create_dir(&canary).expect("made");
    let outside = host.folder().display().to_string();
    let swap = format!(
        "mkdir -p /x /y{outside}; echo inside >/x/secret; while :; do mv /x /z; ln -s {outside} /x; rm /x; mv /z /x; done"
    );
    host.docker(&["run", "-d", "--name", "box", "busybox", "sh", "-c", &swap]).ok();
    fs::write(host.folder().join("planted"), "planted").expect("written");
    let (planted, copy) = (host.folder().join("planted").display().to_string(), host.folder().join("copy"));
    for _ in 0..campaign.rounds {
        host.docker(&["cp", "box:/x/secret", &copy.display().to_string()]);
        if let Ok(text) = fs::read_to_string(&copy) {
            assert_ne!(text, "the host's own", "a file of the host was copied out");
        }
        let _ = fs::remove_file(&copy);
        host.docker(&["cp", &planted, "box:/x/canary/planted"]);
        assert!(fs::read_dir(&canary).expect("listed").next().is_none(), "a file was written to the host");
    }
    campaign.done("nothing of the host was read or written");
}

/// CVE-2021-30465: mount points that change while a container starts.
#[test]
fn campaign_mounts_against_links_that_change() {
    let campaign = Campaign::new("start with a mount below a volume whose folders turn into links", 20, 500);
    let host = Host::new();
    let canary = host.folder().join("canary");
    fs::create_dir(&canary).expect("made");
    fs::write(canary.join("file"), "untouched").expect("written");
    let up = format!("../../../../../../../../../..{}", canary.display());
    let swap =
        format!("cd /v; mkdir -p a; while :; do mv a b; ln -s {up} a; rm a; ln -s / a; rm a; mv b a; done");
    host.docker(&["run", "-d", "--name", "swapper", "-v", "race:/v", "busybox", "sh", "-c", &swap]).ok();
    for _ in 0..campaign.rounds {
        let words = ["run", "--rm", "-v", "race:/v", "--tmpfs", "/v/a/deep", "-v", "/v/a/other", "busybox"];
        host.docker(&[&words[..], &["sh", "-c", "echo x >/v/a/deep/file; cat /v/a/file; true"]].concat());
        let names: Vec<_> =
            fs::read_dir(&canary).expect("listed").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["file"], "something was made on the host");
        let mounts = host.run(&["grep", "-c", &canary.display().to_string(), "/proc/1/mountinfo"]);
        assert_eq!(mounts.stdout.trim(), "0", "something was mounted on the host");
    }
    campaign.done("nothing was made or mounted on the host");
}
