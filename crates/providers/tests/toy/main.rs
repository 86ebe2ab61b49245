//! A provider that is made as docs/adding-a-provider.md says: one folder, and one line in a list. It passes the suite, and
//! uses nothing but what the document names.

mod shed;

use sampan_provider::{Connect, Health, Image, Probe, Specification, Target, suite};
use std::collections::BTreeMap;
use std::time::Duration;

/// The list with one more line.
const ALL: &[(&str, Connect)] = &[("shed", shed::connect)];

const SCRIPT: &str =
    "echo begun; echo value=$SUITE_VALUE; trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

fn shed(endpoint: &str) -> sampan_provider::Result<std::sync::Arc<dyn sampan_provider::Provider>> {
    let target = Target { endpoint: endpoint.to_owned(), provider: "shed".to_owned(), ..Target::default() };
    let (_, connect) = ALL.iter().find(|(kind, _)| *kind == target.provider).expect("its line");
    connect(&target, &BTreeMap::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toy_provider_of_one_folder_and_one_line_passes_the_suite() {
    let specification = Specification {
        name: "toy".to_owned(),
        image: Image { reference: "this machine".to_owned(), ..Image::default() },
        command: Some(["sh", "-c", SCRIPT].map(str::to_owned).into()),
        health: Some(Health {
            probe: Probe::Command(vec!["true".to_owned()]),
            interval: 0,
            timeout: 0,
            start_period: 0,
            retries: 0,
        }),
        ..Specification::default()
    };
    let shed = shed("folder").expect("an endpoint");
    let findings = suite::run(&*shed, &specification, Duration::from_secs(20)).await;
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn the_document_names_every_step_that_was_taken() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = folder.ancestors().nth(2).expect("the workspace");
    let document = std::fs::read_to_string(root.join("docs/adding-a-provider.md")).expect("the document");
    for step in [
        "crates/provider/src/provider.rs",
        "`connect`",
        "`Connect`",
        "crates/providers/src/lib.rs",
        "`capabilities`",
        "`losses`",
        "`Failure`",
        "sampan_provider::suite",
    ] {
        assert!(document.contains(step), "the document does not say {step}");
    }
    // What it names is there.
    for path in
        ["crates/provider/src/provider.rs", "crates/providers/src/lib.rs", "crates/provider/src/suite.rs"]
    {
        assert!(root.join(path).is_file(), "{path}");
    }
    // Step 2: an endpoint that cannot be right is refused before anybody is asked.
    let refused = shed("").err().expect("a refusal");
    assert!(matches!(refused, sampan_provider::Failure::Invalid { .. }), "{refused}");
}
