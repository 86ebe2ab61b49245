//! All cases, on our runtime and on runc, each with its mutant. Needs root and runc.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The runtime's program, built by the same cargo into the same folder as this package's own.
fn own_runtime() -> PathBuf {
    let conformance = Path::new(env!("CARGO_BIN_EXE_runtime-conformance"));
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "sampan-runtime", "--bin", "sampan-runtime"])
        .status()
        .expect("cargo builds the runtime");
    assert!(built.success(), "the runtime does not build");
    conformance.with_file_name("sampan-runtime")
}

fn examine(runtime: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_runtime-conformance"))
        .arg("--runtime")
        .arg(runtime)
        .arg("--mutants")
        .output()
        .expect("the conformance program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong: Vec<&str> =
        text.lines().filter(|line| line.starts_with("FAILED") || line.contains("SURVIVED")).collect();
    assert!(output.status.success(), "{}\n{}", wrong.join("\n"), text.lines().last().unwrap_or_default());
}

#[test]
fn our_runtime_conforms_and_its_mutants_do_not() {
    examine(&own_runtime());
}

#[test]
fn runc_conforms_and_its_mutants_do_not() {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').chain(["/usr/sbin"]).map(|folder| Path::new(folder).join("runc"));
    let runc = found.into_iter().find(|path| path.exists()).expect("runc is installed");
    examine(&runc);
}

/// `docs/runtime-conformance.md` is what `--list` prints.
#[test]
fn the_list_in_the_documentation_is_current() {
    let listed =
        Command::new(env!("CARGO_BIN_EXE_runtime-conformance")).arg("--list").output().expect("it lists");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let path = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs this"))
        .join("../../../docs/runtime-conformance.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == listed,
        "run: cargo run -p sampan-conformance -- --list > docs/runtime-conformance.md"
    );
}
