//! `--storage-opt size=` holds where the file system can, and is refused elsewhere.

use sampan_tests::{Host, Options, sampan_only};

const FILL: &str = "head -c 15000000 /dev/zero >/fits && echo fits; head -c 30000000 /dev/zero >/big 2>/dev/null || echo full";

#[test]
fn a_size_limit_is_refused_where_nothing_enforces_it() {
    let host = Host::new();
    let outcome = host.docker(&["run", "--rm", "--storage-opt", "size=20M", "busybox", "sh", "-c", FILL]);
    // The file system below the temporary folder may be able to; then it must really hold.
    if outcome.code == 0 {
        assert_eq!(outcome.ok(), "fits\nfull");
    } else {
        outcome.fails(125, "storage-opt");
    }
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn a_size_limit_holds_on_btrfs() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let (disk, data) = (host.folder().join("disk"), host.data_root());
    let mount = "truncate -s 600M \"$1\"; mkfs.btrfs -q \"$1\"; mkdir \"$2\"; mount -o loop \"$1\" \"$2\"";
    host.shell(mount, &[&disk.display().to_string(), &data.display().to_string()]).ok();
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let limited = host.docker(&["run", "--rm", "--storage-opt", "size=20M", "busybox", "sh", "-c", FILL]);
    assert_eq!(limited.ok(), "fits\nfull");
    let free = "head -c 60000000 /dev/zero >/big && echo free";
    assert_eq!(host.docker(&["run", "--rm", "busybox", "sh", "-c", free]).ok(), "free");
}
