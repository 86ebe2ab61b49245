//! The provider against a double of an API server: the suite that all providers pass, faults, and clients that nobody here
//! wrote, which look at the double and at what is sent. No real API server was met.

mod double;
mod faults;
mod life;
mod referees;

use sampan_provider::{Health, Image, Port, Probe, Protocol, Specification};

const SCRIPT: &str =
    "echo begun; echo value=$SUITE_VALUE; trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";

/// A service whose program is there on every machine.
pub(crate) fn specification(name: &str) -> Specification {
    Specification {
        name: name.to_owned(),
        image: Image {
            reference: "busybox:latest".to_owned(),
            architecture: "amd64".to_owned(),
            ..Image::default()
        },
        command: Some(["sh", "-c", SCRIPT].map(str::to_owned).into()),
        environment: vec![("DB_PASSWORD".to_owned(), "hunter2".to_owned())],
        ports: vec![Port { container: 80, published: Some(8080), protocol: Protocol::Tcp }],
        health: Some(Health {
            probe: Probe::Command(vec!["true".to_owned()]),
            interval: 1_000_000_000,
            timeout: 0,
            start_period: 0,
            retries: 0,
        }),
        replicas: 1,
        ..Specification::default()
    }
}
