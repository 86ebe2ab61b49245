//! Containers: create, list, change, remove.

use crate::testing::{Server, container};
use sampan_engine::containers::Status;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_creation_is_converted_and_answered() {
    let server = Server::start();
    let body = r#"{"image":"busybox","CMD":["echo","hi"],"Labels":{"A":"b"},"HostConfig":{"memory":8000000,"NetworkMode":"default"}}"#;
    let reply = server.ask_json("POST", "/v1.44/containers/create?name=web1", body).await;
    assert_eq!((reply.status, reply.json()["Warnings"].clone()), (201, json!([])));
    let (name, spec) = server.engine.with(|state| state.created.remove(0));
    assert_eq!(name.as_deref(), Some("web1"));
    assert_eq!((spec.image.as_str(), spec.host.resources.memory), ("busybox", 8_000_000));
    assert_eq!(spec.process.cmd, Some(vec!["echo".into(), "hi".into()]));
}

#[tokio::test]
async fn report_14_a_missing_image_is_404_with_the_words_that_make_clients_pull() {
    let server = Server::start();
    server.engine.fail("create", sampan_error::Kind::NotFound, "No such image: nope:latest");
    let reply = server.ask_json("POST", "/containers/create", r#"{"Image":"nope"}"#).await;
    assert_eq!((reply.status, reply.message().as_str()), (404, "No such image: nope:latest"));
}

#[tokio::test]
async fn report_15_stop_and_kill() {
    let server = Server::start();
    assert_eq!(server.ask("POST", "/containers/web/stop?t=-1&signal=INT").await.status, 204);
    assert_eq!(server.ask("POST", "/v1.41/containers/web/stop?signal=INT").await.status, 204);
    assert_eq!(server.ask("POST", "/containers/web/kill?signal=HUP").await.status, 204);
    assert_eq!(
        server.engine.calls(),
        ["stop web Some(-1) Some(\"INT\")", "stop web None None", "kill web Some(\"HUP\")"]
    );
    assert_eq!(server.ask("POST", "/containers/web/stop?t=soon").await.status, 400);
}

#[tokio::test]
async fn report_19_to_23_a_row_of_the_list() {
    let server = Server::start();
    let rows = server.ask("GET", "/containers/json?limit=0").await.json();
    assert_eq!(server.engine.calls(), ["list false None {}"]);
    let row = &rows[0];
    assert_eq!(row["Names"], json!(["/web"]));
    assert_eq!(row["Ports"], json!([]));
    assert_eq!(row["NetworkSettings"]["Networks"], json!({}));
    assert_eq!(row["State"], "running");
    assert!(row["ImageID"].as_str().is_some_and(|id| id.starts_with("sha256:")));
    assert_eq!(row["Created"], 1_700_000_000);
    assert_eq!(row["HostConfig"]["NetworkMode"], "bridge");
}

#[tokio::test]
async fn report_16_a_container_that_is_removed_meanwhile_does_not_spoil_the_list() {
    let server = Server::start();
    let mut second = container("db");
    second.id = "d".repeat(64);
    server.engine.with(|state| state.containers.push(Arc::new(second)));
    server.engine.fail("sizes", sampan_error::Kind::NotFound, "No such container");
    let rows = server.ask("GET", "/containers/json?size=1").await.json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    assert_eq!(rows[0]["SizeRootFs"], 2);
}

#[tokio::test]
async fn report_24_both_forms_of_filters_reach_the_engine() {
    let server = Server::start();
    for form in ["%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D", "%7B%22label%22%3A%5B%22a%3Db%22%5D%7D"] {
        assert_eq!(server.ask("GET", &format!("/containers/json?all=1&filters={form}")).await.status, 200);
    }
    let expected = "list true None {\"label\": [\"a=b\"]}";
    assert_eq!(server.engine.calls(), [expected, expected]);
    assert_eq!(server.ask("GET", "/containers/json?filters=%7B").await.status, 400);
}

#[tokio::test]
async fn inspect_shows_what_clients_look_for() {
    let server = Server::start();
    let shown = server.ask("GET", "/containers/web/json").await.json();
    assert_eq!(shown["Name"], "/web");
    assert_eq!(shown["Created"], "2023-11-14T22:13:20Z");
    assert_eq!(shown["State"]["Status"], "running");
    assert_eq!(shown["State"]["FinishedAt"], "0001-01-01T00:00:00Z");
    assert!(shown["State"].get("Health").is_none());
    assert!(shown["Config"].get("Healthcheck").is_none());
    assert_eq!(shown["HostConfig"]["RestartPolicy"], json!({"Name": "no", "MaximumRetryCount": 0}));
    assert_eq!(shown["HostConfig"]["ShmSize"], 64 * 1024 * 1024);
    assert_eq!(shown["HostConfig"]["PortBindings"], json!({}));
    assert_eq!(shown["Mounts"], json!([]));
    for (status, running) in [(Status::Restarting, true), (Status::Exited, false), (Status::Paused, true)] {
        let mut record = container("web");
        record.state.status = status;
        server.engine.with(|state| state.containers[0] = Arc::new(record));
        let shown = server.ask("GET", "/containers/web/json").await.json();
        assert_eq!(
            (&shown["State"]["Status"], &shown["State"]["Running"]),
            (&json!(status.as_str()), &json!(running))
        );
    }
}

#[tokio::test]
async fn what_creation_was_told_can_be_told_again_by_inspect() {
    let server = Server::start();
    let host = json!({
        "Binds": ["/a:/b:ro", "vol:/c"], "CapAdd": ["CAP_NET_ADMIN"], "PidMode": "host", "Init": true,
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "Runtime": "sampan",
        "Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 4096}}],
        "Ulimits": [{"Name": "nofile", "Hard": 20, "Soft": 10}], "Tmpfs": {"/run": "size=1m"},
        "NetworkMode": "bridge", "IpcMode": "private", "CgroupnsMode": "private", "ShmSize": 1048576
    });
    let body = json!({"Image": "i", "HostConfig": host}).to_string();
    assert_eq!(server.ask_json("POST", "/containers/create", &body).await.status, 201);
    server.engine.with(|state| {
        let mut record = container("again");
        record.spec = state.created[0].1.clone();
        state.containers = vec![Arc::new(record)];
    });
    let shown = server.ask("GET", "/containers/again/json").await.json();
    for (name, value) in host.as_object().expect("an object") {
        assert_eq!(&shown["HostConfig"][name], value, "{name}");
    }
}

#[tokio::test]
async fn the_small_routes() {
    let server = Server::start();
    assert_eq!(server.ask("POST", "/containers/web/rename?name=other").await.status, 204);
    assert_eq!(server.ask("POST", "/containers/web/rename").await.status, 400);
    assert_eq!(server.ask("POST", "/containers/web/resize?h=24&w=80").await.status, 200);
    assert_eq!(server.ask("POST", "/containers/web/resize?h=-1&w=80").await.status, 400);
    assert_eq!(server.ask("DELETE", "/containers/web?force=1&v=0").await.status, 204);
    let updated = server.ask_json("POST", "/containers/web/update", r#"{"Memory":9000000}"#).await;
    assert_eq!(updated.json(), json!({"Warnings": ["a warning"]}));
    assert_eq!(
        server.ask("GET", "/containers/web/changes").await.json(),
        json!([{"Path": "/new", "Kind": 1}])
    );
    assert_eq!(server.ask("GET", "/containers/web/top").await.json()["Titles"], json!(["PID"]));
    let pruned = server.ask("POST", "/containers/prune").await.json();
    assert_eq!(pruned, json!({"ContainersDeleted": [], "SpaceReclaimed": 0}));
    assert_eq!(server.ask("GET", "/containers/web/export").await.body, "a tar");
    let refused =
        server.ask_json("POST", "/containers/web/update", r#"{"Ulimits":[{"Name":"nofile"}]}"#).await;
    assert!(refused.message().contains("Ulimits"));
    assert!(server.engine.calls().contains(&"resize web 24 80".to_owned()));
    assert!(server.engine.calls().contains(&"top -ef".to_owned()));
}

#[tokio::test]
async fn commit_takes_its_words_from_the_query() {
    let server = Server::start();
    let reply = server.ask("POST", "/commit?container=web&repo=img&tag=v1&pause=0").await;
    assert_eq!((reply.status, reply.json()), (201, json!({"Id": "sha256:1"})));
    let reply = server.ask_json("POST", "/commit?container=web", r#"{"Cmd":["x"]}"#).await;
    assert_eq!(reply.status, 201);
    assert_eq!(
        server.engine.calls(),
        ["commit web Some(\"img:v1\") pause=false", "commit web None pause=true"]
    );
}

#[tokio::test]
async fn rule_15_archives() {
    use base64::Engine as _;
    let server = Server::start();
    for method in ["HEAD", "GET"] {
        let reply = server.ask(method, "/containers/web/archive?path=%2Fetc%2Fhosts").await;
        assert_eq!(reply.status, 200);
        let stat = reply.header("X-Docker-Container-Path-Stat").expect("the header");
        let stat = base64::prelude::BASE64_STANDARD.decode(stat).expect("base64");
        let stat: serde_json::Value = serde_json::from_slice(&stat).expect("json");
        assert_eq!(
            stat,
            json!({"name": "hosts", "size": 3, "mode": 420, "mtime": "0001-01-01T00:00:00Z", "linkTarget": ""})
        );
    }
    assert_eq!(server.ask("GET", "/containers/web/archive").await.status, 400);
    let mut client = server.connect().await;
    client
        .send("PUT /containers/web/archive?path=/tmp&noOverwriteDirNonDir=true HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        .await;
    let reply = client.reply(false).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert_eq!(server.engine.calls().last().map(String::as_str), Some("archive_put /tmp true false abc"));
    server.engine.fail(
        "archive_put",
        sampan_error::Kind::NotFound,
        "Could not find the file /tmp in container web",
    );
    client
        .send("PUT /containers/web/archive?path=/tmp HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\n\r\nx")
        .await;
    assert_eq!(client.reply(false).await.status, 404);
}

#[tokio::test]
async fn networks_and_volumes() {
    let server = Server::start();
    let networks = server.ask("GET", "/networks").await.json();
    assert_eq!(networks.as_array().map(Vec::len), Some(3));
    assert_eq!((&networks[2]["Name"], &networks[2]["Driver"]), (&json!("none"), &json!("null")));
    assert_eq!(server.ask("GET", "/networks/bri").await.status, 404);
    assert_eq!(server.ask("GET", "/networks/aaaa").await.json()["Name"], "bridge");
    assert_eq!(server.ask("DELETE", "/networks/back").await.status, 204);
    // As the stock client sends it: null where nothing is.
    let body = r#"{"Name":"back","Driver":"bridge","IPAM":{"Driver":"default","Options":{},"Config":[{"Subnet":
        "10.1.0.0/16","AuxiliaryAddresses":null}]},"ConfigFrom":null,"Options":null,"Labels":{"a":"b"}}"#;
    let made = server.ask_json("POST", "/networks/create", body).await;
    assert_eq!((made.status, made.json()["Id"].as_str().map(str::len)), (201, Some(64)));
    let wrong = body.replace("10.1.0.0/16", "10.1.0.0/99");
    assert_eq!(
        server.ask_json("POST", "/networks/create", &wrong).await.message(),
        "invalid subnet 10.1.0.0/99"
    );
    let swarm = body.replace("\"Driver\":\"bridge\"", "\"Ingress\":true");
    assert_eq!(server.ask_json("POST", "/networks/create", &swarm).await.status, 501);
    let volumes = server.ask("GET", "/volumes").await.json();
    assert_eq!(volumes, json!({"Volumes": [], "Warnings": []}));
    let made = server.ask_json("POST", "/volumes/create", r#"{"Labels":{"a":"b"}}"#).await;
    assert_eq!((made.status, made.json()["Name"].as_str().map(str::len)), (201, Some(64)));
    assert_eq!(server.ask("DELETE", "/volumes/x").await.status, 404);
    assert_eq!(server.ask("DELETE", "/volumes/x?force=1").await.status, 204);
    assert_eq!(
        server.ask("POST", "/volumes/prune").await.json(),
        json!({"VolumesDeleted": [], "SpaceReclaimed": 0})
    );
    server.ask("POST", "/v1.41/volumes/prune").await;
    server.ask("POST", "/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D").await;
    let calls = server.engine.calls();
    let prunes: Vec<&str> = calls.iter().filter_map(|call| call.strip_prefix("prune_volumes ")).collect();
    assert_eq!(prunes, ["all=false", "all=true", "all=true"]);
}
