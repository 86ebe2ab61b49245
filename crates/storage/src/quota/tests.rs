//! Limits on a real btrfs, on a loop device, in a mount namespace of the test's own.

use crate::suite::CASES;
use crate::{Overlay, SnapshotDriver, Vfs, WritableOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Runs one of the tests below again, in a new mount namespace with a btrfs at `$SAMPAN_TEST_BTRFS`.
fn on_btrfs(name: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let script = r#"cd "$1"; truncate -s 600M disk; mkfs.btrfs -q disk; mkdir mount; mount -o loop disk mount
        SAMPAN_TEST_BTRFS="$1/mount" "$2" --exact "$3" --nocapture"#;
    let output = std::process::Command::new("unshare")
        .args(["-m", "--propagation", "private", "bash", "-ec", script, "bash"])
        .arg(scratch.path())
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn inside() -> Option<PathBuf> {
    std::env::var_os("SAMPAN_TEST_BTRFS").map(PathBuf::from)
}

/// Writes until the disk says no; returns the bytes that went in.
fn fill(root: &Path) -> (u64, std::io::Error) {
    let mut file = std::fs::File::create(root.join("big")).unwrap();
    let piece = vec![b'x'; 1 << 20];
    let mut written = 0;
    while written < 200 << 20 {
        match file.write(&piece).and_then(|length| file.sync_data().map(|()| length)) {
            Ok(length) => written += length as u64,
            Err(error) => return (written, error),
        }
    }
    panic!("200 MB fit a layer of 20 MB");
}

fn limited(driver: &dyn SnapshotDriver) {
    let limit = WritableOptions { size_limit: Some(20 << 20), ..Default::default() };
    driver.create_writable("small", None, &limit).unwrap();
    driver.create_writable("free", None, &WritableOptions::default()).unwrap();
    {
        let mount = driver.mount_detached("small").unwrap();
        let (written, error) = fill(Path::new(&format!("/proc/self/fd/{}", mount.as_raw_fd())));
        assert!((15 << 20..=20 << 20).contains(&written), "{written}");
        assert_eq!(error.kind(), std::io::ErrorKind::QuotaExceeded);
        let other = driver.mount_detached("free").unwrap();
        let file = format!("/proc/self/fd/{}/big", other.as_raw_fd());
        std::fs::write(file, vec![b'x'; 40 << 20]).unwrap();
    }
    assert_eq!(
        driver.all_writables().unwrap().iter().find(|w| w.id == "small").unwrap().size_limit,
        Some(20 << 20)
    );
    driver.remove_writable("small").unwrap();
    driver.remove_writable("free").unwrap();
    assert!(driver.all_writables().unwrap().is_empty());
}

#[test]
fn a_limit_is_enforced_on_btrfs() {
    let Some(root) = inside() else { return on_btrfs("quota::tests::a_limit_is_enforced_on_btrfs") };
    limited(&Overlay::open(&root.join("overlay")).unwrap());
    limited(&Vfs::open(&root.join("vfs")).unwrap());
}

#[test]
fn the_suite_passes_on_btrfs() {
    let Some(root) = inside() else { return on_btrfs("quota::tests::the_suite_passes_on_btrfs") };
    for (number, (name, case)) in CASES.iter().enumerate() {
        println!("btrfs: {name}");
        case(&Overlay::open(&root.join(format!("case{number}"))).unwrap());
    }
}

#[test]
fn elsewhere_a_limit_is_refused_in_one_sentence() {
    let root = tempfile::tempdir_in("/dev/shm").unwrap();
    let driver = Overlay::open(&root.path().join("overlay")).unwrap();
    let limit = WritableOptions { size_limit: Some(1 << 20), ..Default::default() };
    let error = driver.create_writable("c", None, &limit).unwrap_err();
    assert_eq!(sampan_error::Classify::kind(&error), sampan_error::Kind::NotImplemented);
    assert!(error.to_string().contains("is on tmpfs, and limits need btrfs"), "{error}");
    assert!(driver.all_writables().unwrap().is_empty());
}
