//! The life of a service.

use crate::double::Double;
use crate::specification;
use sampan_provider::{AutoscalePolicy, Failure, ImageRoute, LogRequest, Provider, State, Volume, suite};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

async fn until_running(provider: &dyn Provider, name: &str) {
    let look = async {
        while provider.describe(name).await.unwrap().state != State::Running {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), look).await.expect("it runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_behaves_as_far_as_its_double_does() {
    let double = Double::start().await;
    let provider = double.provider(&[("registry", "registry.example/shop")]);
    let findings = suite::run(&*provider, &specification("sound"), Duration::from_secs(20)).await;
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_not_called_as_objects_are_behaves() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let findings = suite::run(&*provider, &specification("My_Web.1"), Duration::from_secs(20)).await;
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_what_is_missing_is_told() {
    let double = Double::start().await;
    let identity = double.provider(&[]).identify().await.unwrap();
    assert_eq!((identity.principal.as_str(), identity.account.as_str()), ("tester", "double/default"));
    assert_eq!(identity.missing.len(), 1, "{:?}", identity.missing);
    assert!(identity.missing[0].contains("registry=HOST/PREFIX"));
    let elsewhere = double.provider(&[("namespace", "other"), ("registry", "registry.example")]);
    let missing = elsewhere.identify().await.unwrap().missing;
    assert!(missing[0].contains("kubectl create namespace other"), "{missing:?}");
    assert_eq!(missing.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_come_through_the_registry_with_its_login() {
    let double = Double::start().await;
    let provider = double.provider(&[("registry", "registry.example/shop")]);
    let ImageRoute::Registry(access) = provider.image_route("web", "sha256:1", &[]).await.unwrap() else {
        panic!()
    };
    assert_eq!((access.host.as_str(), access.repository.as_str()), ("registry.example", "shop/web"));
    provider.deploy(&specification("web")).await.unwrap();
    let secret = double.store.get("secrets", "web-pull").unwrap();
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let deployment = double.store.get("deployments", "web").unwrap();
    assert_eq!(deployment["spec"]["template"]["spec"]["imagePullSecrets"], json!([{"name": "web-pull"}]));
    assert!(!deployment.to_string().contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_scales_by_load_and_stops_without_forgetting() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let policy = AutoscalePolicy { least: 2, most: 4, ..AutoscalePolicy::default() };
    provider.deploy(&specification("web")).await.unwrap();
    let refused = provider.autoscale("web", &policy).await.unwrap_err();
    assert!(refused.to_string().contains("--cpus"), "{refused}");
    let mut specification = specification("web");
    specification.nano_cpus = 100_000_000;
    provider.deploy(&specification).await.unwrap();
    provider.autoscale("web", &policy).await.unwrap();
    assert_eq!(provider.describe("web").await.unwrap().autoscale, Some((2, 4)));
    // A deployment leaves the number to the autoscaler.
    provider.deploy(&specification).await.unwrap();
    assert_eq!(provider.describe("web").await.unwrap().wanted, 2);
    provider.stop("web").await.unwrap();
    assert_eq!(
        double.store.get("deployments", "web").unwrap()["metadata"]["annotations"]["sampan.stopped"],
        "2"
    );
    provider.start("web").await.unwrap();
    assert_eq!(provider.describe("web").await.unwrap().wanted, 2);
    provider.scale("web", 3).await.unwrap();
    let fixed = provider.describe("web").await.unwrap();
    assert_eq!((fixed.wanted, fixed.autoscale), (3, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deployment_leaves_out_is_removed() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let mut specification = specification("web");
    specification.environment.push(("OLD".to_owned(), "1".to_owned()));
    provider.deploy(&specification).await.unwrap();
    until_running(&*provider, "web").await;
    specification.environment.pop();
    specification.ports.clear();
    provider.deploy(&specification).await.unwrap();
    until_running(&*provider, "web").await;
    let container = |double: &Double| {
        double.store.get("deployments", "web").unwrap()["spec"]["template"]["spec"]["containers"][0].clone()
    };
    assert_eq!(double.store.get("services", "web"), None);
    assert!(!container(&double).to_string().contains("OLD"));
    assert_eq!(container(&double)["ports"], json!(null));
    // What came back with a revision goes with the next deployment, too.
    provider.roll_back("web").await.unwrap();
    assert!(container(&double).to_string().contains("OLD"));
    provider.deploy(&specification).await.unwrap();
    assert!(!container(&double).to_string().contains("OLD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_stay_unless_asked_and_what_is_not_ours_is_not_touched() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let mut specification = specification("web");
    specification.volumes =
        vec![Volume { name: "data".to_owned(), path: "/data".to_owned(), read_only: false }];
    provider.deploy(&specification).await.unwrap();
    provider.remove("web", false).await.unwrap();
    let kinds: Vec<String> = provider.resources().await.unwrap().into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["PersistentVolumeClaim"]);
    provider.deploy(&specification).await.unwrap();
    provider.remove("web", true).await.unwrap();
    assert_eq!(provider.resources().await.unwrap(), []);
    let foreign = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": { "replicas": 0, "template": { "metadata": {}, "spec": { "containers": [ {} ] } } } });
    double.store.put_foreign("deployments", foreign.clone());
    assert!(matches!(provider.deploy(&specification).await, Err(Failure::AlreadyExists(_))));
    assert!(matches!(provider.stop("web").await, Err(Failure::NotFound(_))));
    provider.remove("web", true).await.unwrap();
    assert_eq!(double.store.get("deployments", "web").unwrap()["spec"], foreign["spec"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_followed_into_new_pods() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let mut specification = specification("web");
    specification.environment.push((suite::VARIABLE.to_owned(), "first".to_owned()));
    provider.deploy(&specification).await.unwrap();
    until_running(&*provider, "web").await;
    let (sender, mut lines) = tokio::sync::mpsc::channel(16);
    let other = double.provider(&[]);
    let following = tokio::spawn(async move {
        other.logs("web", &LogRequest { follow: true, ..LogRequest::default() }, sender).await
    });
    let mut next = async |wanted: &str| {
        let look = async { while lines.recv().await.expect("it goes on").text != wanted {} };
        timeout(Duration::from_secs(20), look).await.expect(wanted);
    };
    next("value=first").await;
    specification.environment.pop();
    specification.environment.push((suite::VARIABLE.to_owned(), "second".to_owned()));
    provider.deploy(&specification).await.unwrap();
    next("value=second").await;
    drop(lines);
    timeout(Duration::from_secs(20), following).await.expect("it ends with its reader").unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_measures_it_is_said() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    provider.deploy(&specification("web")).await.unwrap();
    until_running(&*provider, "web").await;
    let usage = provider.usage("web").await.unwrap();
    assert_eq!((usage.len(), usage[0].memory), (1, Some(3264 << 10)));
    *double.store.measures.lock().unwrap() = false;
    let refused = provider.usage("web").await.unwrap_err();
    assert!(refused.to_string().contains("metrics-server"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_kept_as_long_as_a_revision_has_them() {
    let double = Double::start().await;
    let provider = double.provider(&[]);
    let mut specification = specification("web");
    let mut fingerprints = Vec::new();
    for value in ["one", "two", "three"] {
        specification.environment = vec![("DB_PASSWORD".to_owned(), value.to_owned())];
        provider.deploy(&specification).await.unwrap();
        until_running(&*provider, "web").await;
        fingerprints.push(specification.fingerprint());
    }
    let is_there =
        |number: usize| double.store.get("secrets", &format!("web-env-{}", fingerprints[number])).is_some();
    assert!((0..3).all(is_there));
    double.store.remove_foreign("replicasets", |set| {
        set["spec"]["template"]["metadata"]["annotations"]["sampan.fingerprint"] == fingerprints[0].as_str()
    });
    provider.deploy(&specification).await.unwrap();
    assert_eq!((is_there(0), is_there(1), is_there(2)), (false, true, true));
}
