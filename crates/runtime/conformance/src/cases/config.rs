//! config.md: version, root, host name, annotations, extensibility.

use serde_json::json;

use super::{case, facts, refused};
use crate::bundle::{ask, drop_field, without_namespace};
use crate::case::{Case, Check, Mutation, equal, require};

const VERSION: &str = "config.md: Specification version";
const ROOT: &str = "config.md: Root";
const HOST_NAME: &str = "config.md: Hostname";
const ANNOTATIONS: &str = "config.md: Annotations";
const EXTENSIBILITY: &str = "config.md: Extensibility";
const VALID: &str = "config.md: Valid values";

#[expect(clippy::too_many_lines, reason = "a list, one entry after the other")]
pub(super) fn cases() -> Vec<Case> {
    vec![
        refused(
            "version-not-semantic",
            VERSION,
            "refuse an ociVersion that is no semantic version",
            |spec| spec["ociVersion"] = json!("latest"),
            |spec| spec["ociVersion"] = json!("1.0.2"),
        )
        .deviates(&[("runc version 1.1", "it does not look at the version")]),
        facts(
            "root-path",
            ROOT,
            "make the directory at root.path the container's root",
            |spec| ask(spec, &["read=/secret"]),
            |report| equal("/secret", &report["read=/secret"], &json!("secret")),
            |spec| spec["root"]["path"] = json!("/"),
        ),
        refused(
            "root-path-missing",
            ROOT,
            "refuse a root.path where no directory is",
            |spec| spec["root"]["path"] = json!("nowhere"),
            |spec| spec["root"]["path"] = json!("rootfs"),
        ),
        facts(
            "root-readonly",
            ROOT,
            "make the root read-only when root.readonly is true",
            |spec| {
                spec["root"]["readonly"] = json!(true);
                ask(spec, &["create=/new"]);
            },
            |report| equal("creating a file", &report["create=/new"], &json!(30)),
            |spec| spec["root"]["readonly"] = json!(false),
        ),
        facts(
            "root-writable",
            ROOT,
            "leave the root writable when root.readonly is false",
            |spec| ask(spec, &["create=/new"]),
            |report| equal("creating a file", &report["create=/new"], &json!("ok")),
            |spec| spec["root"]["readonly"] = json!(true),
        ),
        facts(
            "hostname",
            HOST_NAME,
            "set the host name",
            |spec| spec["hostname"] = json!("given"),
            |report| equal("the host name", &report["host name"], &json!("given")),
            |spec| drop_field(spec, "", "hostname"),
        ),
        facts(
            "domainname",
            HOST_NAME,
            "set the domain name",
            |spec| spec["domainname"] = json!("given.example"),
            |report| equal("the domain name", &report["domain name"], &json!("given.example")),
            |spec| drop_field(spec, "", "domainname"),
        )
        .deviates(&[("runc version 1.1", "the field is newer than this runc")]),
        refused(
            "hostname-without-namespace",
            HOST_NAME,
            "refuse a host name without a UTS namespace of the container's own",
            |spec| without_namespace(spec, "uts"),
            |spec| drop_field(spec, "", "hostname"),
        ),
        case(
            "annotations-in-state",
            ANNOTATIONS,
            "show the annotations in the state",
            Check::Trial(|trial| {
                let mut spec = trial.spec();
                spec["annotations"] = json!({ "example.key": "value" });
                trial.create(&spec)?;
                equal("the annotation", &trial.state()?["annotations"]["example.key"], &json!("value"))
            }),
            Mutation::Edit(|spec| drop_field(spec, "", "annotations")),
        ),
        facts(
            "annotations-unknown",
            ANNOTATIONS,
            "take annotations that it does not know",
            |spec| spec["annotations"] = json!({ "example.unknown": "" }),
            |report| require(report["pid"].is_u64(), || "the container did not run".into()),
            |spec| spec["annotations"] = json!([]),
        ),
        facts(
            "unknown-properties",
            EXTENSIBILITY,
            "ignore properties that it does not know",
            |spec| {
                spec["example"] = json!({ "a": 1 });
                spec["process"]["example"] = json!("x");
                spec["linux"]["example"] = json!([1]);
            },
            |report| require(report["pid"].is_u64(), || "the container did not run".into()),
            |spec| spec["process"]["args"] = json!(17),
        ),
        refused(
            "invalid-value",
            VALID,
            "refuse a value of a wrong type",
            |spec| spec["process"]["user"]["uid"] = json!("root"),
            |spec| spec["process"]["user"]["uid"] = json!(0),
        ),
        case(
            "bundle-without-config",
            "bundle.md: Container format",
            "refuse a bundle without config.json",
            Check::Trial(|trial| {
                let bundle = trial.bundle.path.display().to_string();
                trial.must_fail(&["create", "--bundle", &bundle, &trial.id])?;
                trial.must_fail(&["state", &trial.id])
            }),
            Mutation::Succeed("create"),
        ),
    ]
}
