//! Whole specifications.

use super::all;
use crate::settings::Settings;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret, Service};
use sampan_provider::{Health, Image, Port, Probe, Protocol, Setting, Specification, Volume};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn specification() -> Specification {
    let setting = |name: &str, value: Value| Setting { name: name.to_owned(), value };
    Specification {
        name: "web".to_owned(),
        image: Image {
            reference: "web:1".to_owned(),
            id: "sha256:1".to_owned(),
            located: "registry.example/shop/web@sha256:1".to_owned(),
            architecture: "arm64".to_owned(),
        },
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned()]),
        command: Some(vec!["echo $(hostname) $$ && serve".to_owned()]),
        environment: [("A", "b"), ("A", "c"), ("DB_PASSWORD", "hunter2"), ("PLAIN", "$(A) $B")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        user: "1000:50".to_owned(),
        working_directory: "/srv".to_owned(),
        ports: vec![
            Port { container: 80, published: Some(8080), protocol: Protocol::Tcp },
            Port { container: 80, published: Some(8081), protocol: Protocol::Tcp },
            Port { container: 53, published: Some(0), protocol: Protocol::Udp },
            Port { container: 9000, published: None, protocol: Protocol::Tcp },
        ],
        volumes: vec![
            Volume { name: "data".to_owned(), path: "/data".to_owned(), read_only: false },
            Volume { name: "data".to_owned(), path: "/again".to_owned(), read_only: true },
        ],
        nano_cpus: 250_000_000,
        memory: 64 << 20,
        labels: [("com.example.a".to_owned(), "b c".to_owned()), ("a b".to_owned(), "lost".to_owned())]
            .into(),
        health: Some(Health {
            probe: Probe::Http { port: 80, path: "/".to_owned() },
            interval: 5_000_000_000,
            timeout: 1_000_000_000,
            start_period: 0,
            retries: 4,
        }),
        stop_timeout: Some(25),
        replicas: 2,
        settings: vec![
            setting("HostConfig.CapDrop", json!(["ALL"])),
            setting("HostConfig.CapAdd", json!(["CAP_NET_BIND_SERVICE"])),
            setting("HostConfig.ReadonlyRootfs", json!(true)),
            setting("HostConfig.SecurityOpt", json!(["no-new-privileges"])),
            setting("HostConfig.Tmpfs", json!({"/tmp": "size=16m,mode=1777"})),
            setting("HostConfig.ShmSize", json!(1 << 20)),
            setting("HostConfig.Sysctls", json!({"net.ipv4.tcp_syncookies": "1"})),
            setting("HostConfig.ExtraHosts", json!(["db:10.0.0.1"])),
            setting("HostConfig.Dns", json!(["10.0.0.2"])),
            setting("HostConfig.DnsOptions", json!(["ndots:1"])),
            setting("HostConfig.GroupAdd", json!(["7", "audio"])),
            setting("HostConfig.MemoryReservation", json!(32 << 20)),
            setting("Config.Hostname", json!("web")),
            setting("Config.Tty", json!(true)),
        ],
        ..Specification::default()
    }
}

fn kind<'a>(all: &'a [Value], kind: &str) -> &'a Value {
    all.iter().find(|one| one["kind"] == kind).unwrap()
}

/// A value through Kubernetes' own types: what they do not know is gone.
fn known<T: Serialize + DeserializeOwned>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

#[test]
fn kubernetes_knows_every_field() {
    let all = all(&specification(), &Settings::default(), Some("web-pull"));
    assert_eq!(all.len(), 5);
    for one in &all {
        let read = match one["kind"].as_str().unwrap() {
            "Deployment" => known::<Deployment>(one),
            "Service" => known::<Service>(one),
            "Secret" => known::<Secret>(one),
            "PersistentVolumeClaim" => known::<PersistentVolumeClaim>(one),
            other => panic!("{other}"),
        };
        assert_eq!(&read, one);
        assert_eq!(one["metadata"]["labels"]["sampan.managed"], "1");
        assert_eq!(one["metadata"]["annotations"]["sampan.name"], "web");
    }
}

#[test]
fn secrets_are_in_the_secret_only() {
    let all = all(&specification(), &Settings::default(), None);
    let secret = kind(&all, "Secret");
    assert_eq!(secret["data"], json!({"DB_PASSWORD": "aHVudGVyMg=="}));
    let deployment = kind(&all, "Deployment");
    assert!(!deployment.to_string().contains("hunter2"));
    let environment = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(
        *environment,
        json!([
            {"name": "A", "value": "c"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef":
                {"name": secret["metadata"]["name"], "key": "DB_PASSWORD"}}},
            {"name": "PLAIN", "value": "$$(A) $$B"},
        ])
    );
}

#[test]
fn a_label_makes_a_variable_a_secret() {
    let mut one = specification();
    one.labels.insert("sampan.secret".to_owned(), "PLAIN, OTHER".to_owned());
    let all = all(&one, &Settings::default(), None);
    assert_eq!(kind(&all, "Secret")["data"]["PLAIN"], "JChBKSAkQg==");
}

#[test]
fn a_pod_is_as_the_container_was() {
    let all = all(&specification(), &Settings::default(), None);
    let spec = &kind(&all, "Deployment")["spec"]["template"]["spec"];
    let container = &spec["containers"][0];
    assert_eq!(container["image"], "registry.example/shop/web@sha256:1");
    assert_eq!(container["args"], json!(["echo $$(hostname) $$$$ && serve"]));
    assert_eq!(container["resources"]["limits"], json!({"cpu": "250m", "memory": "67108864"}));
    assert_eq!(container["resources"]["requests"]["memory"], "33554432");
    assert_eq!(container["ports"].as_array().unwrap().len(), 3);
    assert_eq!(container["volumeMounts"].as_array().unwrap().len(), 4);
    assert_eq!(container["securityContext"]["capabilities"]["add"], json!(["NET_BIND_SERVICE"]));
    assert_eq!(container["securityContext"]["runAsUser"], 1000);
    assert_eq!(spec["securityContext"]["fsGroup"], 50);
    assert_eq!(spec["securityContext"]["supplementalGroups"], json!([7]));
    assert_eq!(spec["nodeSelector"]["kubernetes.io/arch"], "arm64");
    assert_eq!(spec["terminationGracePeriodSeconds"], 25);
    assert_eq!(spec["automountServiceAccountToken"], false);
    let annotations = &kind(&all, "Deployment")["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["sampan.fingerprint"], specification().fingerprint());
    assert_eq!((&annotations["com.example.a"], &annotations["a b"]), (&json!("b c"), &Value::Null));
}

#[test]
fn ports_are_a_service() {
    let spec = |expose, ports: Vec<Port>| {
        let all = all(
            &Specification { ports, ..specification() },
            &Settings { expose, ..Settings::default() },
            None,
        );
        all.iter().find(|one| one["kind"] == "Service").map(|one| one["spec"].clone())
    };
    let usual = spec("LoadBalancer", specification().ports).unwrap();
    assert_eq!(usual["type"], "LoadBalancer");
    let numbers: Vec<_> = usual["ports"].as_array().unwrap().iter().map(|one| &one["port"]).collect();
    assert_eq!(numbers, [8080, 8081, 53]);
    let exposed = vec![Port { container: 9000, published: None, protocol: Protocol::Tcp }];
    assert_eq!(spec("LoadBalancer", exposed).unwrap()["type"], "ClusterIP");
    let node = vec![Port { container: 80, published: Some(30_080), protocol: Protocol::Tcp }];
    assert_eq!(spec("NodePort", node).unwrap()["ports"][0]["nodePort"], 30_080);
    assert!(spec("LoadBalancer", Vec::new()).is_none());
}

#[test]
fn two_never_write_to_one_volume_of_one_node() {
    let strategy = |access_mode, specification: &Specification| {
        let settings = Settings { access_mode, ..Settings::default() };
        let all = all(specification, &settings, None);
        kind(&all, "Deployment")["spec"]["strategy"]["type"].clone()
    };
    assert_eq!(strategy("ReadWriteOnce", &specification()), "Recreate");
    assert_eq!(strategy("ReadWriteMany", &specification()), "RollingUpdate");
    let without = Specification { volumes: Vec::new(), ..specification() };
    assert_eq!(strategy("ReadWriteOnce", &without), "RollingUpdate");
}
