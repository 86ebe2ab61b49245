//! The suite, run for each driver on each file system that this machine has.

use crate::SnapshotDriver;
use crate::suite::CASES;
use std::path::Path;

/// Runs all cases, each with a driver in a directory of its own below `parent`.
fn run(parent: &Path, open: fn(&Path) -> Box<dyn SnapshotDriver>) {
    for (name, case) in CASES {
        let directory = tempfile::tempdir_in(parent).unwrap();
        let driver = open(&directory.path().join("driver"));
        println!("{} on {}: {name}", driver.name(), parent.display());
        case(&*driver);
        for left in ["staging", "removing"] {
            let left = directory.path().join("driver").join(left);
            assert_eq!(std::fs::read_dir(&left).unwrap().count(), 0, "{name}: {}", left.display());
        }
    }
}

fn overlay(root: &Path) -> Box<dyn SnapshotDriver> {
    Box::new(crate::Overlay::open(root).unwrap())
}

fn vfs(root: &Path) -> Box<dyn SnapshotDriver> {
    Box::new(crate::Vfs::open(root).unwrap())
}

#[test]
fn overlay_on_the_usual_file_system() {
    run(&std::env::temp_dir(), overlay);
}

#[test]
fn overlay_on_tmpfs() {
    run(Path::new("/dev/shm"), overlay);
}

#[test]
fn vfs_on_the_usual_file_system() {
    run(&std::env::temp_dir(), vfs);
}

#[test]
fn vfs_on_tmpfs() {
    run(Path::new("/dev/shm"), vfs);
}

/// Runs this test again in a mount namespace of its own, with an overlay as the data root.
#[test]
fn on_an_overlay_vfs_is_chosen_and_the_reason_told() {
    let Some(root) = std::env::var_os("SAMPAN_TEST_OVERLAY") else {
        let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
        let script = r#"cd "$1"; mkdir lower upper work root
            mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
            SAMPAN_TEST_OVERLAY="$1/root" "$2" --exact drivers::tests::on_an_overlay_vfs_is_chosen_and_the_reason_told"#;
        let output = std::process::Command::new("unshare")
            .args(["-m", "--propagation", "private", "bash", "-ec", script, "bash"])
            .arg(scratch.path())
            .arg(std::env::current_exe().unwrap())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    };
    let root = Path::new(&root);
    let support = crate::probe(root).unwrap();
    assert_eq!(support.file_system, "overlayfs");
    let reason = support.overlay.unwrap_err();
    assert!(reason.contains("overlay cannot be used in"), "{reason}");
    assert_eq!(crate::drivers::open(None, root).unwrap().name(), "vfs");
    let error = crate::drivers::open(Some("overlay2"), root).map(|_| ()).unwrap_err();
    assert_eq!(sampan_error::Classify::kind(&error), sampan_error::Kind::NotImplemented);
    assert!(crate::drivers::open(Some("zfs"), root).is_err());
}
