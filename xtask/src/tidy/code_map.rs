//! ARCHITECTURE.md names every package of the workspace by its folder.

use super::graph::Graph;

/// Looks for each package's folder, in backticks, in the text of ARCHITECTURE.md (`None` when there is none).
pub(crate) fn check(graph: &Graph, text: Option<&str>) -> Vec<String> {
    let Some(text) = text else {
        return vec!["ARCHITECTURE.md: is missing".into()];
    };
    let missing = graph.packages.values().map(|package| package.folder.trim_end_matches('/'));
    let missing = missing
        .filter(|folder| !text.contains(&format!("`{folder}`")) && !text.contains(&format!("`{folder}/`")));
    missing.map(|folder| format!("ARCHITECTURE.md: its code map lacks `{folder}`")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::Package;
    use super::*;

    #[test]
    fn a_package_that_the_map_lacks_is_found() {
        let mut graph = Graph::default();
        for folder in ["crates/engine", "xtask"] {
            graph.packages.insert(folder.into(), Package { folder: folder.into(), ..Package::default() });
        }
        assert_eq!(check(&graph, Some("- `crates/engine`: nouns\n- `xtask/`: checks")), Vec::<String>::new());
        assert_eq!(check(&graph, Some("- `crates/engine`: nouns")).len(), 1);
        assert_eq!(check(&graph, None).len(), 1);
    }
}
