//! The suite of `sampan_provider::suite` on real places, and on places with a fault of which it has to find each.
//! Needs root, `unshare` and the `sampan` program.

mod faulty;
mod machine;

use faulty::{Fault, Faulty};
use machine::{Engine, Machine};
use sampan_provider::{Health, Image, ImageRoute, Probe, Provider, Specification, Target, suite};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const SCRIPT: &str =
    "echo begun; echo value=$SUITE_VALUE; trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";
/// How long this place may take for one thing.
const PATIENCE: Duration = Duration::from_secs(20);

fn specification(name: &str, image: &str) -> Specification {
    Specification {
        name: name.to_owned(),
        image: Image { reference: "busybox".to_owned(), id: image.to_owned(), ..Image::default() },
        command: Some(["sh", "-c", SCRIPT].map(str::to_owned).into()),
        health: Some(Health {
            probe: Probe::Command(vec!["true".to_owned()]),
            interval: 300_000_000,
            timeout: 0,
            start_period: 0,
            retries: 0,
        }),
        ..Specification::default()
    }
}

fn docker(machine: &Machine) -> Arc<dyn Provider> {
    let target = Target {
        name: "edge".to_owned(),
        provider: "docker".to_owned(),
        endpoint: machine.endpoint(),
        ..Target::default()
    };
    let (_, connect) = sampan_providers::ALL.iter().find(|(kind, _)| *kind == "docker").unwrap();
    connect(&target, &BTreeMap::new()).unwrap()
}

#[test]
fn a_docker_engine_behaves_and_each_faulty_place_is_found() {
    machine::inside(
        "a_docker_engine_behaves_and_each_faulty_place_is_found",
        Engine::Sampan,
        |machine| async move {
            let image = machine.import();
            let sound = docker(&machine);
            let findings = suite::run(&*sound, &specification("sound", &image), PATIENCE).await;
            assert!(findings.is_empty(), "{findings:?}");
            let mut runs = tokio::task::JoinSet::new();
            for fault in Fault::ALL {
                let place = Faulty::new(docker(&machine), *fault);
                let specification = specification(&format!("faulty-{}", fault.name()), &image);
                runs.spawn(async move {
                    let findings = suite::run(&place, &specification, Duration::from_secs(10)).await;
                    let rules: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
                    assert!(rules.contains(&fault.rule()), "{fault:?} was not found: {findings:?}");
                });
            }
            while let Some(run) = runs.join_next().await {
                run.unwrap();
            }
        },
    );
}

#[test]
fn aws_behaves_as_far_as_its_simulation_does() {
    machine::inside("aws_behaves_as_far_as_its_simulation_does", Engine::Sampan, |machine| async move {
        machine.import();
        let settings = sampan_cloudsim::Settings {
            address: ([127, 0, 0, 1], 0).into(),
            state: machine.folder().join("cloudsim"),
            engine: machine.folder().join("engine.sock"),
            balancer_network: [77, 1],
        };
        let simulation = sampan_cloudsim::Simulation::start(settings).await.unwrap();
        let target = Target {
            name: "aws-us-east-1".to_owned(),
            provider: "aws".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: simulation.endpoint(),
            ..Target::default()
        };
        let (id, secret) = simulation.access_key();
        let keys =
            [("AWS_ACCESS_KEY_ID".to_owned(), id), ("AWS_SECRET_ACCESS_KEY".to_owned(), secret)].into();
        let (_, connect) = sampan_providers::ALL.iter().find(|(kind, _)| *kind == "aws").unwrap();
        let aws = connect(&target, &keys).unwrap();
        let route = aws.image_route("sound", "sha256:0", &[]).await.unwrap();
        let ImageRoute::Registry(access) = route else { panic!("AWS has a registry") };
        let mut specification = specification("sound", "sha256:0");
        specification.image.located = machine.push(&access);
        specification.image.architecture = "amd64".to_owned();
        let findings = suite::run(&*aws, &specification, Duration::from_secs(60)).await;
        assert!(findings.is_empty(), "{findings:?}");
        simulation.destroy().await;
    });
}

#[test]
fn a_real_dockerd_behaves() {
    machine::inside("a_real_dockerd_behaves", Engine::Docker, |machine| async move {
        let image = machine.import();
        let findings = suite::run(&*docker(&machine), &specification("sound", &image), PATIENCE).await;
        assert!(findings.is_empty(), "{findings:?}");
    });
}
