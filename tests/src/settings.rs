//! The settings of the tests, all of them environment variables described in docs/testing.md.

use std::path::{Path, PathBuf};

use crate::Engine;

/// The root of the clone: the folder above the package's, as cargo says when it runs a program. The place of
/// compilation will not do: several clones may share one target folder.
pub fn repository() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().expect("the package is in a folder of the clone").into()
}

/// The `sampan` program under test: `SAMPAN_TEST_BINARY`, or the one that cargo built beside this test.
///
/// # Panics
/// When there is none.
pub fn sampan_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SAMPAN_TEST_BINARY") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a running test has a path");
    let beside =
        test.ancestors().skip(1).take(2).map(|folder| folder.join("sampan")).find(|path| path.exists());
    beside.expect("no `sampan` beside this test: build it first (cargo build -p sampan-cli), or run ./test")
}

/// What every [`crate::Host`] runs unless told otherwise: `SAMPAN_TEST_ENGINE`, `sampan` or `docker`.
///
/// # Panics
/// On any other word.
pub fn engine_under_test() -> Engine {
    match std::env::var("SAMPAN_TEST_ENGINE").as_deref() {
        Err(_) | Ok("sampan") => Engine::Sampan,
        Ok("docker") => Engine::Docker,
        Ok(other) => panic!("SAMPAN_TEST_ENGINE is {other:?}: say sampan or docker"),
    }
}

/// The command line that tests drive where they say `docker`: `SAMPAN_TEST_CLIENT`, `docker` or `sampan`.
///
/// # Panics
/// On any other word.
pub(crate) fn client() -> String {
    match std::env::var("SAMPAN_TEST_CLIENT").as_deref() {
        Err(_) | Ok("docker") => "docker".into(),
        Ok("sampan") => sampan_binary().display().to_string(),
        Ok(other) => panic!("SAMPAN_TEST_CLIENT is {other:?}: say docker or sampan"),
    }
}

/// How often a campaign goes around: `short` times, or `full` times when `SAMPAN_TEST_CAMPAIGNS=full`.
pub(crate) fn rounds(short: usize, full: usize) -> usize {
    if std::env::var("SAMPAN_TEST_CAMPAIGNS").is_ok_and(|word| word == "full") { full } else { short }
}

/// Panics unless the process is root: a test that cannot see the kernel must fail, not pass.
pub(crate) fn require_root() {
    assert!(rustix::process::geteuid().is_root(), "end-to-end tests need root: sudo ./test");
}

/// The lab's cache folder.
pub(crate) fn lab() -> PathBuf {
    std::env::var_os("SAMPAN_LAB").map_or_else(|| "/var/cache/sampan-lab".into(), PathBuf::from)
}
