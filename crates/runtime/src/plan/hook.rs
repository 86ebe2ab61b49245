//! Hooks: programs that run at certain points of a container's life (OCI config.md, "POSIX-platform Hooks").

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All hooks of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hooks {
    /// What each hook reads on standard input.
    pub state: HookState,
    /// On the host, after the namespaces are made (deprecated name of the next).
    pub prestart: Vec<Hook>,
    /// On the host, before pivot_root.
    pub create_runtime: Vec<Hook>,
    /// In the container's namespaces, before pivot_root, found on the host.
    pub create_container: Vec<Hook>,
    /// In the container, before its program.
    pub start_container: Vec<Hook>,
    /// On the host, after the program has started.
    pub poststart: Vec<Hook>,
    /// On the host, after the container is deleted.
    pub poststop: Vec<Hook>,
}

/// The parts of the state that do not change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HookState {
    /// The version of the specification.
    pub oci_version: String,
    /// The container's id.
    pub id: String,
    /// The bundle directory.
    pub bundle: PathBuf,
    /// The container's annotations.
    pub annotations: Vec<(String, String)>,
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The program, absolute.
    pub path: PathBuf,
    /// Its arguments with its name first; empty means the path alone.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<String>,
    /// Seconds after which it is killed and counts as failed.
    pub timeout: Option<u32>,
}
