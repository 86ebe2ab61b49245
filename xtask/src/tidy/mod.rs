//! What the repository promises about its own shape, checked. One file per kind of promise; each check
//! is a plain function from text or from `cargo metadata` to findings, so that its tests can make it fail.

mod arrows;
mod code_map;
mod graph;
mod names;
mod settings;
mod sources;
mod text;
mod tree;

use std::path::Path;

/// Runs every check over the repository at `root`. A finding is one line that starts with the place it
/// is about; an empty list means that all is well. `Err` says why the repository could not be read.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, String> {
    let graph = graph::Graph::of_workspace(root)?;
    let mut findings = arrows::check(&graph);
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md")).ok();
    findings.extend(code_map::check(&graph, map.as_deref()));
    let files = tree::files(root).map_err(|error| format!("{}: {error}", root.display()))?;
    findings.extend(settings::check(&files));
    for file in &files {
        findings.extend(names::check(&file.path));
        findings.extend(text::check(file));
        if file.path.ends_with(".rs") {
            findings.extend(sources::check(file));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let findings = check(&crate::repository()).expect("the repository can be read");
        assert!(findings.is_empty(), "cargo xtask tidy found:\n{}", findings.join("\n"));
    }
}
