//! `docs/api.json`, which describes our own routes, against the routes and the bodies that there are.

use crate::testing::FakeEngine;
use crate::testing::Server;
use serde_json::Value;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../../../docs/api.json");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

#[test]
fn each_route_of_our_own_is_described_and_no_other() {
    let router = crate::routes::all::<FakeEngine>();
    let own = router.list().filter(|(_, path)| path.starts_with("/sampan/"));
    let served: BTreeSet<String> =
        own.map(|(method, path)| format!("{method} {}", path.replace("*}", "}"))).collect();
    let document = document();
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(operation["summary"].is_string(), "{path}");
            let named = operation["parameters"].as_array().into_iter().flatten();
            let named: BTreeSet<&str> =
                named.filter(|it| it["in"] == "path").filter_map(|it| it["name"].as_str()).collect();
            let placed: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
            assert_eq!(named, placed, "{path}");
        }
    }
    assert_eq!(served, described);
}

/// Every reference leads somewhere.
#[test]
fn references_are_whole() {
    fn look(value: &Value, document: &Value) {
        if let Some(reference) = value["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').expect("a local one");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        match value {
            Value::Object(map) => map.values().for_each(|value| look(value, document)),
            Value::Array(list) => list.iter().for_each(|value| look(value, document)),
            _ => {}
        }
    }
    let document = document();
    look(&document, &document);
}

/// What is described as the body of a request is what the code reads: a value of another type is refused in each field.
#[tokio::test]
async fn bodies_have_the_fields_that_are_described() {
    let (document, server) = (document(), Server::start());
    for (schema, path) in [
        ("Scale", "/sampan/containers/web/scale"),
        ("Update", "/sampan/containers/web/update"),
        ("NewJob", "/sampan/jobs"),
        ("Backup", "/sampan/containers/web/backup"),
        ("Restore", "/sampan/backups/0123/restore"),
        ("NewTarget", "/sampan/targets"),
        ("Push", "/sampan/containers/web/push"),
    ] {
        let fields = document["components"]["schemas"][schema]["properties"].as_object().expect(schema);
        for field in fields.keys() {
            let body = serde_json::json!({ field: [[]] });
            let answer = server.ask_json("POST", path, &body.to_string()).await;
            assert_eq!(answer.status, 400, "{schema}.{field}");
        }
        let nothing = serde_json::json!({"Container": "web", "Schedule": "5m", "Update": {}});
        assert_eq!(server.ask_json("POST", path, &nothing.to_string()).await.status, 200, "{schema}");
    }
}
