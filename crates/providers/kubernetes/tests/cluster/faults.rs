//! What a server does when it does not do what it was asked.

use crate::double::{Double, Fault};
use crate::specification;
use sampan_provider::Failure;

fn fault(to: &'static str, status: u16, retry_after: Option<&'static str>, body: &'static str) -> Fault {
    Fault { to, status, retry_after, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_asked_again() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let html = "<html><body>nginx hunter2</body></html>";
    double.store.faults.lock().unwrap().extend([
        fault(
            "PATCH /apis/apps",
            409,
            None,
            r#"{"kind":"Status","reason":"Conflict","message":"the object has been modified"}"#,
        ),
        fault("PATCH /apis/apps", 429, Some("0"), ""),
        fault("PATCH /apis/apps", 500, None, html),
        fault("GET /api/v1/namespaces/default/services", 503, None, html),
    ]);
    provider.deploy(&specification("web")).await.unwrap();
    assert!(double.store.faults.lock().unwrap().is_empty());
    let asked = double.store.requests.lock().unwrap().clone();
    let applied = asked.iter().filter(|one| one.starts_with("PATCH /apis/apps")).count();
    assert_eq!(applied, 4, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_asked_for_is_kept() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    double.store.faults.lock().unwrap().push(fault("GET /version", 429, Some("1"), ""));
    let begun = std::time::Instant::now();
    provider.identify().await.unwrap();
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_pass_is_said_at_once() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let denied = r#"{"kind":"Status","reason":"Forbidden","message":"deployments.apps \"web\" is forbidden: User \"me\" cannot get"}"#;
    for _ in 0..5 {
        double.store.faults.lock().unwrap().push(fault("GET /apis/apps", 500, None, "<html>hunter2</html>"));
    }
    let failed = provider.describe("web").await.unwrap_err();
    assert_eq!(failed.to_string(), "the cluster says: HTTP status 500");
    double.store.faults.lock().unwrap().push(fault("GET /apis/apps", 403, None, denied));
    let failed = provider.describe("web").await.unwrap_err();
    assert!(matches!(&failed, Failure::Denied(text) if text.contains("forbidden")), "{failed}");
    double.store.faults.lock().unwrap().push(fault(
        "PATCH /api/v1/namespaces/default/secrets",
        422,
        None,
        r#"{"reason":"Invalid","message":"data: Invalid value: \"hunter2\""}"#,
    ));
    let failed = provider.deploy(&specification("web")).await.unwrap_err();
    assert!(matches!(failed, Failure::Invalid { .. }) && !failed.to_string().contains("hunter2"), "{failed}");
    // What was broken off is finished by the next time.
    provider.deploy(&specification("web")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ended_is_read_again() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    provider.deploy(&specification("web")).await.unwrap();
    *double.store.token.lock().unwrap() = "the-next-token".to_owned();
    let failed = provider.describe("web").await.unwrap_err();
    assert!(matches!(&failed, Failure::Unauthenticated(text) if text.contains("log in")), "{failed}");
    assert!(!failed.to_string().contains("token-of"));
    double.write_kubeconfig("the-next-token");
    provider.describe("web").await.unwrap();
}
