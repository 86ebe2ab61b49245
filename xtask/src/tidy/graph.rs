//! The dependency graph of the workspace, as `cargo metadata` tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// A package of this workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    /// Its folder, relative to the repository's root.
    pub(crate) folder: String,
    /// Names of the packages that it names itself, workspace members and others, of every kind.
    pub(crate) direct: BTreeSet<String>,
    /// Names of all packages that end up in its programs, however deep. Development-only ones are not.
    pub(crate) reached: BTreeSet<String>,
}

/// Every package of the workspace by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// By package name.
    pub(crate) packages: BTreeMap<String, Package>,
}

impl Graph {
    /// Asks cargo about the workspace at `root`.
    pub(crate) fn of_workspace(root: &Path) -> Result<Graph, String> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--filter-platform", &platform])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
        Self::read(&value, root).ok_or_else(|| "cargo metadata: a shape that is not understood".into())
    }

    fn read(metadata: &Value, root: &Path) -> Option<Graph> {
        let root = root.canonicalize().ok()?;
        let edges = edges(metadata)?;
        let names = names(metadata)?;
        let members: BTreeSet<&str> =
            metadata["workspace_members"].as_array()?.iter().filter_map(Value::as_str).collect();
        let mut graph = Graph::default();
        for package in metadata["packages"].as_array()? {
            let id = package["id"].as_str()?;
            if !members.contains(id) {
                continue;
            }
            let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
            let folder = folder.strip_prefix(&root).unwrap_or(folder).to_string_lossy().into_owned();
            let direct = package["dependencies"].as_array()?.iter();
            let direct =
                direct.filter_map(|dependency| dependency["name"].as_str().map(String::from)).collect();
            let reached =
                reached(id, &edges).into_iter().filter_map(|id| names.get(id).map(|name| (*name).into()));
            let reached = reached.collect();
            graph.packages.insert(package["name"].as_str()?.into(), Package { folder, direct, reached });
        }
        Some(graph)
    }
}

fn names(metadata: &Value) -> Option<BTreeMap<&str, &str>> {
    let packages = metadata["packages"].as_array()?.iter();
    packages.map(|package| Some((package["id"].as_str()?, package["name"].as_str()?))).collect()
}

/// From each package to those it uses at run time or while building.
fn edges(metadata: &Value) -> Option<BTreeMap<&str, Vec<&str>>> {
    let mut edges = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array()? {
        let mut targets = Vec::new();
        for dependency in node["deps"].as_array()? {
            let kinds = dependency["dep_kinds"].as_array()?;
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                targets.push(dependency["pkg"].as_str()?);
            }
        }
        edges.insert(node["id"].as_str()?, targets);
    }
    Some(edges)
}

fn reached<'graph>(from: &str, edges: &BTreeMap<&'graph str, Vec<&'graph str>>) -> BTreeSet<&'graph str> {
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<&str> = edges.get(from).cloned().unwrap_or_default();
    while let Some(next) = waiting.pop() {
        if seen.insert(next) {
            waiting.extend(edges.get(next).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graph_of_this_workspace_knows_this_package() {
        let graph = Graph::of_workspace(&crate::repository()).expect("cargo answers");
        let package = graph.packages.get("xtask").expect("this package");
        assert_eq!(package.folder, "xtask");
        assert!(package.direct.contains("tempfile"), "development dependencies count as direct");
        assert!(package.reached.contains("serde_json") && package.reached.contains("memchr"));
        assert!(!package.reached.contains("tempfile"), "development dependencies are not in the program");
    }

    #[test]
    fn a_folder_without_a_workspace_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Graph::of_workspace(folder.path()).is_err());
    }
}
