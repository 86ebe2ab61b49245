//! Builds the small programs with a nested cargo, so that `sampan` can carry them.
//!
//! The nested build has a target directory of its own below OUT_DIR: it never waits for the lock that the outer
//! cargo holds. It uses the same toolchain, target and flags.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages whose programs are carried, with the names of the programs.
const PROGRAMS: [&str; 2] = ["sampan-shim", "sampan-hello"];

/// What the programs are made of, relative to the workspace: a change in one of these builds them again.
const SOURCES: [&str; 17] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo/config.toml",
    "crates/error/Cargo.toml",
    "crates/error/src",
    "crates/hello/Cargo.toml",
    "crates/hello/src",
    "crates/runtime/Cargo.toml",
    "crates/runtime/src",
    "crates/shim/Cargo.toml",
    "crates/shim/src",
    "crates/seed/Cargo.toml",
    "crates/seed/src",
    "crates/sys/Cargo.toml",
    "crates/sys/src",
    "crates/shim/embedded/build.rs",
];

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.ancestors().nth(3).ok_or("the workspace is three folders above this one")?;
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", workspace.join(source).display());
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    let target = variable("TARGET")?;
    let built = out.join("nested");
    build(workspace, &built, &target)?;
    for program in PROGRAMS {
        let from = built.join(&target).join("small").join(program);
        let to = out.join(program);
        std::fs::copy(&from, &to).map_err(|error| format!("cannot copy {}: {error}", from.display()))?;
    }
    Ok(())
}

fn build(workspace: &Path, built: &Path, target: &str) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(workspace).args(["build", "--profile", "small", "--quiet", "--target", target]);
    cargo.arg("--target-dir").arg(built);
    for program in PROGRAMS {
        cargo.args(["--package", program, "--bin", program]);
    }
    // Clippy and the like wrap the compiler of the outer build: the nested one makes real programs.
    for wrapper in ["RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS", "CLIPPY_CONF_DIR", "CARGO_TARGET_DIR"] {
        cargo.env_remove(wrapper);
    }
    // What the outer cargo says about the package that it builds is not true for the nested ones.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["CARGO_PKG_", "CARGO_FEATURE_", "CARGO_CFG_", "CARGO_MANIFEST_", "DEP_"]
            .iter()
            .any(|p| name.starts_with(p))
        {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().map_err(|error| format!("cannot start the nested cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the nested build of the shim failed: {status}").into())
    }
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}"))
}
