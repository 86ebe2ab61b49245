//! From an OCI specification to a plan.

use std::path::PathBuf;

use crate::plan::RootMount;

/// What the specification does not say.
#[derive(Debug, Clone)]
pub struct CompileContext {
    /// The container's id.
    pub id: String,
    /// The bundle: relative paths of the specification start here.
    pub bundle: PathBuf,
    /// The parent directory of the container's cgroups when the specification names none, as in `docker`.
    pub cgroup_parent: String,
    /// The root file system.
    pub root: RootMount,
    /// The user in Docker's syntax, looked up inside the container; `None` takes the specification's numbers.
    pub user: Option<String>,
    /// Supplementary groups by name or number, with `user`.
    pub groups: Vec<String>,
    /// Whether HOME is set from the user's entry when the environment has none.
    pub set_home: bool,
    /// Whether a missing working directory is made, as Docker does.
    pub create_cwd: bool,
}
