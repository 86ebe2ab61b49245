//! Arrows point down: which package may use which. The layers are those of ARCHITECTURE.md.

use super::graph::Graph;

/// Every package and its layer. A package may use those of its own layer or below.
const LAYERS: [(&str, u8); 37] = [
    ("sampan-backup", 3),
    ("sampan-dockerfile", 0),
    ("sampan-error", 0),
    ("sampan-sys", 1),
    ("sampan-git", 1),
    ("sampan-seed", 1),
    ("sampan-hello", 1),
    ("sampan-host-names", 1),
    ("sampan-ignore", 1),
    ("sampan-state", 2),
    ("sampan-shim-embedded", 2),
    ("sampan-dns", 3),
    ("sampan-engine-client", 3),
    ("sampan-image", 3),
    ("sampan-network", 3),
    ("sampan-provider", 3),
    ("sampan-registry", 3),
    ("sampan-registry-server", 3),
    ("sampan-session", 3),
    ("sampan-relay", 3),
    ("sampan-runtime", 3),
    ("sampan-shim", 3),
    ("sampan-storage", 3),
    ("sampan-build", 4),
    ("sampan-buildkit", 4),
    ("sampan-engine", 4),
    ("sampan-fleet", 4),
    ("sampan-api", 5),
    ("sampan-providers", 5),
    ("sampan-cloudsim", 5),
    ("sampan-daemon", 6),
    ("sampan-cli", 7),
    ("sampan-tests", 8),
    ("sampan-benches", 8),
    ("sampan-conformance", 8),
    ("sampan-conformance-probe", 1),
    ("xtask", 8),
];

/// The command line talks to the socket: of our own packages it may use only these.
const CLI_MAY_USE: [&str; 9] = [
    "sampan-daemon",
    "sampan-dockerfile",
    "sampan-error",
    "sampan-git",
    "sampan-host-names",
    "sampan-ignore",
    "sampan-session",
    "sampan-sys",
    "sampan-shim-embedded",
];

/// Tools that stand outside: they drive programs and may use nothing that the product is made of,
/// except what reads and speaks its errors.
const OUTSIDE: [&str; 3] = ["sampan-tests", "sampan-benches", "xtask"];
const OUTSIDE_MAY_USE: [&str; 2] = ["sampan-error", "sampan-tests"];

/// Packages that must stay synchronous.
const SYNCHRONOUS: [&str; 7] = [
    "sampan-image",
    "sampan-network",
    "sampan-runtime",
    "sampan-shim",
    "sampan-state",
    "sampan-storage",
    "sampan-sys",
];

/// Packages that must not know that the API is spoken over HTTP.
const WITHOUT_HTTP: [&str; 7] = [
    "sampan-engine",
    "sampan-network",
    "sampan-runtime",
    "sampan-shim",
    "sampan-state",
    "sampan-storage",
    "sampan-sys",
];
const HTTP: [&str; 4] = ["axum", "http", "hyper", "tower"];

fn layer(package: &str) -> Option<u8> {
    let provider = package.starts_with("sampan-provider-").then_some(5);
    LAYERS.iter().find(|(name, _)| *name == package).map(|(_, layer)| *layer).or(provider)
}

/// Looks at every arrow between packages of the workspace, and at what the quiet ones reach.
pub(crate) fn check(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, package) in &graph.packages {
        let folder = &package.folder;
        let Some(own) = layer(name) else {
            findings.push(format!("{folder}: {name} has no layer: give it one in xtask/src/tidy/arrows.rs"));
            continue;
        };
        for used in package.direct.iter().filter(|used| graph.packages.contains_key(*used)) {
            if layer(used).is_some_and(|used| used > own) {
                findings.push(format!("{folder}: {name} → {used} points up"));
            }
            if name == "sampan-cli" && !CLI_MAY_USE.contains(&used.as_str()) {
                findings
                    .push(format!("{folder}: the command line uses {used}: it may only talk to the socket"));
            }
            if OUTSIDE.contains(&name.as_str()) && !OUTSIDE_MAY_USE.contains(&used.as_str()) {
                findings
                    .push(format!("{folder}: {name} uses {used}: it must drive the programs from outside"));
            }
        }
        if SYNCHRONOUS.contains(&name.as_str()) && package.reached.contains("tokio") {
            findings.push(format!("{folder}: {name} reaches tokio: it must stay synchronous"));
        }
        if WITHOUT_HTTP.contains(&name.as_str()) {
            for found in HTTP.iter().filter(|http| package.direct.contains(**http)) {
                findings.push(format!("{folder}: {name} uses {found}: HTTP belongs into crates/api"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::graph::Package;
    use super::*;

    /// A graph of packages and the names they use directly, which they then also reach.
    fn graph(packages: &[(&str, &[&str])]) -> Graph {
        let package = |uses: &[&str]| {
            let used: std::collections::BTreeSet<String> =
                uses.iter().map(|name| String::from(*name)).collect();
            Package { folder: "here".into(), direct: used.clone(), reached: used }
        };
        Graph { packages: packages.iter().map(|(name, uses)| ((*name).into(), package(uses))).collect() }
    }

    #[test]
    fn arrows_that_point_down_or_aside_are_fine() {
        let fine = graph(&[
            ("sampan-cli", &["sampan-daemon", "sampan-error"]),
            ("sampan-daemon", &["sampan-engine", "tokio"]),
            ("sampan-engine", &["sampan-runtime", "tokio"]),
            ("sampan-runtime", &["sampan-error"]),
            ("sampan-shim", &["sampan-runtime"]),
            ("sampan-error", &[]),
        ]);
        assert_eq!(check(&fine), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        assert_eq!(check(&graph(&[("sampan-runtime", &["sampan-engine"]), ("sampan-engine", &[])])).len(), 1);
    }

    #[test]
    fn a_package_without_a_layer_is_found() {
        assert_eq!(check(&graph(&[("sampan-surprise", &[])])).len(), 1);
        assert_eq!(check(&graph(&[("sampan-provider-aws", &[])])).len(), 0);
    }

    #[test]
    fn the_command_line_must_not_reach_into_the_engine() {
        assert_eq!(check(&graph(&[("sampan-cli", &["sampan-engine"]), ("sampan-engine", &[])])).len(), 1);
    }

    #[test]
    fn tests_must_drive_programs_from_outside() {
        assert_eq!(check(&graph(&[("sampan-tests", &["sampan-engine"]), ("sampan-engine", &[])])).len(), 1);
    }

    #[test]
    fn an_asynchronous_runtime_is_found_where_it_must_not_be() {
        for name in SYNCHRONOUS {
            assert_eq!(check(&graph(&[(name, &["tokio"])])).len(), 1, "{name}");
        }
    }

    #[test]
    fn http_below_the_api_is_found() {
        assert_eq!(check(&graph(&[("sampan-engine", &["hyper"])])).len(), 1);
    }
}
