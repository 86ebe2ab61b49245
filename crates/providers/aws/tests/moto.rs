//! Against moto, a stand-in for AWS that nobody here wrote. `tests/lab/moto.sh prepare` installs it.

mod referee;

use referee::{Moto, Recorder, specification, target};
use sampan_provider::{AutoscalePolicy, Failure, ImageRoute, LogRequest, Provider, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// AWS's own policies are there, and what is asked to run is said to run.
const REAL: &[(&str, &str)] =
    &[("MOTO_ECS_SERVICE_RUNNING", "2"), ("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")];

fn keys(id: &str, secret: &str) -> BTreeMap<String, String> {
    let pairs = [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn connect(endpoint: &str, environment: &BTreeMap<String, String>) -> Arc<dyn Provider> {
    sampan_provider_aws::connect(&target(endpoint), environment).unwrap()
}

/// Everything that a service goes through.
async fn whole_life(provider: &dyn Provider, moto: &Moto) {
    let identity = provider.identify().await.unwrap();
    assert!(!identity.account.is_empty() && identity.missing.is_empty(), "{identity:?}");
    assert!(provider.describe("web").await.unwrap_err().is_not_found());

    let ImageRoute::Registry(access) = provider.image_route("web", "sha256:1", &[]).await.unwrap() else {
        panic!("AWS takes images by a registry");
    };
    assert_eq!((access.repository.as_str(), access.user.as_str()), ("sampan/web", "AWS"));
    assert!(access.host.contains(".dkr.ecr.") && !access.password.is_empty());

    let wanted = specification("web", 2);
    let made = provider.deploy(&wanted).await.unwrap();
    assert_eq!((made.wanted, made.ready, made.state), (2, 2, State::Running), "{made:?}");
    assert_eq!(made.fingerprint, wanted.fingerprint());
    assert_eq!(made.image, wanted.image.reference);
    let ports: Vec<(u16, u16)> = made.addresses.iter().map(|one| (one.port, one.container_port)).collect();
    assert_eq!(ports, [(8080, 80)]);
    assert!(!made.addresses[0].host.is_empty());

    let again = provider.deploy(&wanted).await.unwrap();
    assert_eq!((again.revision, again.fingerprint), (made.revision, made.fingerprint.clone()));
    assert_eq!(provider.list().await.unwrap().len(), 1);
    assert!(provider.instances("web").await.unwrap().is_empty(), "moto starts no tasks");
    assert!(provider.usage("web").await.unwrap().is_empty(), "moto measures nothing");

    let mut newer = wanted.clone();
    newer.environment.push(("COLOUR".to_owned(), "green".to_owned()));
    newer.ports[0].published = Some(8081);
    let updated = provider.deploy(&newer).await.unwrap();
    assert!(updated.revision > made.revision);
    let ports: Vec<u16> = updated.addresses.iter().map(|one| one.port).collect();
    assert_eq!(ports, [8081], "the old port is closed");
    let back = provider.roll_back("web").await.unwrap();
    assert_eq!((back.revision, back.fingerprint), (made.revision, made.fingerprint));
    provider.deploy(&newer).await.unwrap();

    provider.scale("web", 3).await.unwrap();
    assert_eq!(provider.describe("web").await.unwrap().wanted, 3);
    let policy = AutoscalePolicy { least: 1, most: 4, cpu: Some(60.0), memory: Some(70.0), requests: None };
    provider.autoscale("web", &policy).await.unwrap();
    assert_eq!(provider.describe("web").await.unwrap().autoscale, Some((1, 4)));
    provider.autoscale("web", &AutoscalePolicy { memory: None, ..policy }).await.unwrap();

    provider.stop("web").await.unwrap();
    provider.stop("web").await.unwrap();
    let stopped = provider.describe("web").await.unwrap();
    assert_eq!((stopped.state, stopped.wanted, stopped.autoscale), (State::Stopped, 0, Some((1, 4))));
    provider.start("web").await.unwrap();
    let started = provider.describe("web").await.unwrap();
    assert_eq!((started.state, started.wanted), (State::Running, 3));
    provider.scale("web", 1).await.unwrap();
    assert_eq!(provider.describe("web").await.unwrap().autoscale, None);

    moto.put_logs("/sampan/web", "sampan/web/0123456789abcdef", &["one", "two", "three"]);
    let (lines, mut taken) = tokio::sync::mpsc::channel(16);
    let request = LogRequest { tail: Some(2), ..LogRequest::default() };
    provider.logs("web", &request, lines).await.unwrap();
    let mut texts = Vec::new();
    while let Some(line) = taken.recv().await {
        assert_eq!(line.instance, "0123456789ab");
        texts.push(line.text);
    }
    assert_eq!(texts, ["two", "three"]);

    let all = provider.resources().await.unwrap();
    for kind in [
        "ecr:repository",
        "ecs:service",
        "ecs:cluster",
        "ecs:task-definition",
        "logs:log-group",
        "elb:load-balancer",
        "elb:target-group",
        "ec2:security-group",
        "efs:access-point",
        "efs:file-system",
        "iam:role",
    ] {
        assert!(all.iter().any(|one| one.kind == kind), "no {kind} in {all:?}");
    }
    provider.remove("web", false).await.unwrap();
    let left: Vec<String> = provider.resources().await.unwrap().into_iter().map(|one| one.kind).collect();
    assert_eq!(left, ["ec2:security-group", "efs:access-point", "efs:file-system"], "volumes stay");
    provider.remove("web", true).await.unwrap();
    assert_eq!(provider.resources().await.unwrap(), []);
    assert!(provider.describe("web").await.unwrap_err().is_not_found());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_lives_at_moto() {
    let moto = Moto::start(REAL);
    whole_life(&*connect(&moto.endpoint, &keys("a", "b")), &moto).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_fits_the_models_of_aws() {
    let moto = Moto::start(REAL);
    let recorder = Recorder::start(&moto.endpoint).await;
    whole_life(&*connect(&recorder.endpoint, &keys("a", "b")), &moto).await;
    let (checked, wrong) = recorder.check();
    assert!(checked > 60, "only {checked} requests were recorded");
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_are_right() {
    // Three calls make a user; from then on each needs a signature.
    let moto = Moto::start(&[("INITIAL_NO_AUTH_ACTION_COUNT", "4")]);
    let (id, secret) = moto.make_user();
    let good = connect(&moto.endpoint, &keys(&id, &secret));
    assert!(good.identify().await.unwrap().principal.contains("sampan-test"));
    assert!(good.list().await.unwrap().is_empty());
    let bad = connect(&moto.endpoint, &keys(&id, "wrong"));
    assert!(matches!(bad.identify().await.unwrap_err(), Failure::Unauthenticated(_)));
}

#[tokio::test]
async fn without_credentials_it_says_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let environment = BTreeMap::from([
        ("HOME".to_owned(), nowhere("")),
        ("AWS_CONFIG_FILE".to_owned(), nowhere("config")),
        ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), nowhere("credentials")),
    ]);
    let provider = connect("http://127.0.0.1:1", &environment);
    let begun = Instant::now();
    let failure = provider.identify().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    assert!(
        matches!(failure, Failure::Unauthenticated(_)) && failure.to_string().contains("sampan cloudsim up")
    );
}
