//! Volumes: what the local driver's options mean, whose files they hold, and volumes as data.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sampan_tests::{BUSYBOX, Host, sampan_only, until};

fn mounts(host: &Host) -> String {
    host.shell("grep _data /proc/self/mountinfo || true", &[]).stdout
}

fn sh(host: &Host, words: &[&str], script: &str) -> String {
    host.docker(&[&["run", "--rm"], words, &[BUSYBOX, "sh", "-c", script]].concat()).ok().to_owned()
}

/// A folder of the host with an owner of its own.
fn folder(host: &Host, name: &str, owner: u32) -> PathBuf {
    let path = host.folder().join(name);
    std::fs::create_dir_all(&path).expect("a folder");
    std::os::unix::fs::chown(&path, Some(owner), Some(owner)).expect("its owner");
    path
}

#[test]
fn a_bind_volume_is_mounted_while_it_is_used() {
    let mut host = Host::new();
    let source = folder(&host, "source", 0);
    std::fs::write(source.join("there"), "old").expect("a file");
    let device = format!("device={}", source.display());
    host.docker(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", &device, "bound"]).ok();
    assert_eq!(host.docker(&["volume", "inspect", "-f", "{{.Options.o}}", "bound"]).ok(), "bind");
    assert_eq!(mounts(&host), "", "nobody uses it yet");
    assert_eq!(sh(&host, &["-v", "bound:/data"], "cat /data/there; echo new >/data/made"), "old");
    assert_eq!(std::fs::read_to_string(source.join("made")).expect("the file"), "new\n");
    until("it is unmounted after its last user", || mounts(&host).is_empty());

    // Two users, a kill of the daemon between, and the end of both.
    for name in ["one", "two"] {
        host.docker(&["run", "-d", "--name", name, "-v", "bound:/data:ro", BUSYBOX, "sleep", "1h"]).ok();
    }
    host.docker(&["rm", "-f", "one"]).ok();
    assert_eq!(host.docker(&["exec", "two", "cat", "/data/there"]).ok(), "old");
    host.kill_daemon();
    host.start_daemon();
    assert_eq!(host.docker(&["exec", "two", "cat", "/data/there"]).ok(), "old");
    assert_ne!(mounts(&host), "");
    host.docker(&["rm", "-f", "two"]).ok();
    until("it is unmounted", || mounts(&host).is_empty());

    // Removing the volume never touches what was mounted.
    host.docker(&["run", "-d", "--name", "three", "-v", "bound:/data", BUSYBOX, "sleep", "1h"]).ok();
    host.docker(&["volume", "rm", "bound"]).fails(1, "volume is in use");
    host.docker(&["rm", "-f", "three"]).ok();
    host.docker(&["volume", "rm", "bound"]).ok();
    assert_eq!(std::fs::read_to_string(source.join("there")).expect("the file"), "old");
}

#[test]
fn a_memory_volume_is_one_for_all_that_use_it() {
    let host = Host::new();
    let words =
        ["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=1000", "memory"];
    host.docker(&words).ok();
    host.docker(&["run", "-d", "--name", "one", "-v", "memory:/data", BUSYBOX, "sleep", "1h"]).ok();
    assert_eq!(sh(&host, &["-v", "memory:/data"], "stat -c %u /data; echo x >/data/file"), "1000");
    assert_eq!(host.docker(&["exec", "one", "cat", "/data/file"]).ok(), "x");
    let full = "dd if=/dev/zero of=/data/big bs=64k count=32 2>&1 || true";
    assert!(sh(&host, &["-v", "memory:/data"], full).contains("No space left on device"));
    host.docker(&["rm", "-f", "one"]).ok();
    assert_eq!(sh(&host, &["-v", "memory:/data"], "ls /data"), "", "its files went with the last user");
}

#[test]
fn what_cannot_be_mounted_is_said() {
    let host = Host::new();
    for (option, said) in [
        ("what=ever", "invalid option: \"what\""),
        ("type=tmpfs", "missing required option: \"device\""),
        ("o=bind", "missing required option: \"device\""),
    ] {
        host.docker(&["volume", "create", "-o", option, "bad"]).fails(1, said);
    }
    host.docker(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/nowhere", "lost"])
        .ok();
    host.docker(&["run", "--rm", "-v", "lost:/data", BUSYBOX, "true"])
        .fails(125, "failed to mount local volume");
    host.docker(&["run", "--rm", BUSYBOX, "true"]).ok();
}

/// The container's root is the folder's owner there: nothing of root's comes to lie on the host.
#[test]
fn idmap_leaves_no_files_of_root_on_the_host() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let home = folder(&host, "home", 1000);
    let bind = format!("{}:/home:idmap", home.display());
    let seen = sh(
        &host,
        &["-v", &bind],
        "stat -c %u:%g /home; touch /home/made; mkdir /home/folder; stat -c %u /home/made",
    );
    assert_eq!(seen, "0:0\n0");
    for name in ["made", "folder"] {
        let metadata = std::fs::metadata(home.join(name)).expect("it was made");
        assert_eq!((metadata.uid(), metadata.gid()), (1000, 1000), "{name}");
    }
    // Root of the host is nobody there, and cannot be written to.
    std::fs::write(home.join("roots"), "secret").expect("a file of root's");
    let script =
        "stat -c %u /home/roots; echo x >/home/roots; su nobody -s /bin/sh -c 'touch /home/other'; true";
    assert_eq!(sh(&host, &["-v", &bind], script), "65534");
    assert_eq!(std::fs::read_to_string(home.join("roots")).expect("the file"), "secret");
    // A folder of root's needs no mapping.
    let own = folder(&host, "own", 0);
    sh(&host, &["-v", &format!("{}:/own:idmap", own.display())], "touch /own/made");
    assert_eq!(std::fs::metadata(own.join("made")).expect("it was made").uid(), 0);
}

fn used(path: &Path) -> u64 {
    let stat =
        std::process::Command::new("df").arg("--output=used").arg("-B1").arg(path).output().expect("df runs");
    let text = String::from_utf8_lossy(&stat.stdout).into_owned();
    text.lines().nth(1).and_then(|line| line.trim().parse().ok()).expect("a number")
}

#[test]
fn volumes_are_data() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let writer =
        "cd /data; i=0; while true; do i=$((i+1)); for f in a b; do echo $i >new; mv new $f; done; done";
    host.docker(&["run", "-d", "--name", "writer", "-v", "data:/data", BUSYBOX, "sh", "-c", writer]).ok();
    until("something is written", || host.docker(&["exec", "writer", "cat", "/data/b"]).code == 0);
    host.docker(&["volume", "create", "--label", "team=a", "labelled"]).ok();
    host.sampan(&["volume", "clone", "labelled", "labelled2"]).ok();
    assert_eq!(host.docker(&["volume", "inspect", "-f", "{{.Labels.team}}", "labelled2"]).ok(), "a");

    for round in 0..10 {
        let name = host.sampan(&["volume", "snapshot", "data", &format!("data.{round}")]).ok().to_owned();
        let both = sh(&host, &["-v", &format!("{name}:/data")], "cat /data/a /data/b");
        let both: Vec<i64> = both.lines().map(|line| line.parse().expect("a number")).collect();
        assert!(both[0] - both[1] == 0 || both[0] - both[1] == 1, "{both:?} is no single moment");
    }
    let made = host.sampan(&["volume", "snapshot", "data"]).ok().to_owned();
    assert!(made.starts_with("data.20"), "{made}");
    assert_eq!(host.sampan(&["volume", "inspect", "-f", "{{.Status.SnapshotOf}}", &made]).ok(), "data");
    let refused = host.docker(&["run", "--rm", "-v", &format!("{made}:/data"), BUSYBOX, "touch", "/data/x"]);
    refused.fails(1, "Read-only file system");
    host.sampan(&["volume", "clone", "data", "data.1"]).fails(1, "a volume named data.1 exists already");
    host.sampan(&["volume", "clone", "nothing", "x2"]).fails(1, "no such volume");
    host.sampan(&["volume", "clone", &made, "writable"]).ok();
    sh(&host, &["-v", "writable:/data"], "touch /data/x");

    host.sampan(&["volume", "rename", "data", "renamed"]).fails(1, "volume is in use");
    host.docker(&["rm", "-f", "writer"]).ok();
    host.sampan(&["volume", "rename", "data", "renamed"]).ok();
    host.docker(&["volume", "inspect", "data"]).fails(1, "no such volume");
    assert!(!sh(&host, &["-v", "renamed:/data"], "cat /data/a").is_empty());
}

/// On a file system that shares blocks a copy takes no space.
#[test]
fn a_clone_shares_its_blocks_where_the_file_system_can() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(sampan_tests::Options { without_daemon: true, ..Default::default() });
    let data = host.data_root().display().to_string();
    let script = r#"truncate -s 600m "$1.img" && mkfs.btrfs -q "$1.img" && mkdir -p "$1" && mount -o loop "$1.img" "$1""#;
    host.shell(script, &[&data]).ok();
    host.start_daemon();
    host.import(BUSYBOX);
    sh(&host, &["-v", "data:/data"], "dd if=/dev/urandom of=/data/big bs=1M count=100 2>/dev/null; sync");
    let inside = format!("/proc/{}/root{data}", host.first_process());
    let before = used(Path::new(&inside));
    host.sampan(&["volume", "clone", "data", "copy"]).ok();
    let grown = used(Path::new(&inside)).saturating_sub(before);
    assert!(grown < 10 << 20, "the copy took {grown} bytes of 100 MB");
    let sum = |volume: &str| sh(&host, &["-v", &format!("{volume}:/data")], "sha256sum /data/big");
    assert_eq!(sum("data"), sum("copy"));
}
