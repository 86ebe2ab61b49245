//! Images: lists, import, load, save, removal.

use crate::testing::Server;
use sampan_error::Kind;
use serde_json::json;

#[tokio::test]
async fn rule_10_a_failure_before_the_first_byte_has_its_own_status() {
    let server = Server::start();
    server.engine.fail("load_images", Kind::InvalidArgument, "the archive has no manifest.json");
    let reply = post(&server, "/images/load").await;
    assert_eq!((reply.status, reply.message().as_str()), (400, "the archive has no manifest.json"));
}

#[tokio::test]
async fn rule_10_a_failure_after_the_first_byte_is_the_last_object() {
    let server = Server::start();
    server.engine.with(|state| state.load_steps = 1);
    server.engine.fail("load_images", Kind::InvalidArgument, "unexpected end of the archive");
    let reply = post(&server, "/images/load").await;
    assert_eq!(reply.status, 200);
    let lines: Vec<&str> = reply.body.split("\r\n").collect();
    assert!(lines[0].contains("\"status\":\"Loading layer\""));
    assert_eq!(
        lines[1],
        r#"{"errorDetail":{"message":"unexpected end of the archive"},"error":"unexpected end of the archive"}"#
    );
}

async fn post(server: &Server, target: &str) -> crate::testing::Reply {
    let mut client = server.connect().await;
    client.send(&format!("POST {target} HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: 3\r\n\r\ntar")).await;
    client.reply(false).await
}

#[tokio::test]
async fn rule_10_progress_is_one_object_on_each_line() {
    let server = Server::start();
    server.engine.with(|state| state.load_steps = 2);
    let reply = post(&server, "/images/load").await;
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.body.matches("\r\n").count(), 3);
    assert!(reply.body.ends_with("{\"stream\":\"Loaded image: busybox:latest\\n\"}\r\n"));
    let quiet = post(&server, "/images/load?quiet=1").await;
    assert_eq!(quiet.body.matches("\r\n").count(), 1);
}

#[tokio::test]
async fn import_pull_and_push_reach_the_engine() {
    let server = Server::start();
    let reply = post(&server, "/images/create?fromSrc=-&repo=busybox&tag=v1").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "{\"status\":\"sha256:1\"}\r\n"));
    assert_eq!(server.ask("POST", "/images/create?fromImage=busybox&tag=latest").await.status, 200);
    assert_eq!(server.ask("POST", "/images/a/b/push?tag=v2").await.status, 200);
    let calls = [
        "import_image Some(\"busybox:v1\") tar",
        "pull_image busybox Some(\"latest\")",
        "push_image a/b Some(\"v2\")",
    ];
    assert_eq!(server.engine.calls(), calls);
    let found =
        server.ask("GET", "/images/search?term=red&limit=5&filters=%7B%22stars%22%3A%5B%223%22%5D%7D").await;
    assert_eq!((found.status, found.json()[0]["name"].as_str()), (200, Some("found")));
    assert_eq!(server.ask("GET", "/images/search?term=red&limit=many").await.status, 400);
    assert_eq!(
        server.ask("GET", "/distribution/a/b:1/json").await.json()["Descriptor"]["digest"],
        "sha256:1"
    );
    let login = "POST /auth HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"username\":\"u\"}";
    let mut client = server.connect().await;
    client.send(login).await;
    assert_eq!(client.reply(false).await.json()["IdentityToken"], "an identity");
    assert_eq!(server.ask("POST", "/build?version=2").await.status, 501);
}

#[tokio::test]
async fn rule_14_lists_are_never_null() {
    let server = Server::start();
    for target in ["/images/json", "/images/busybox/history"] {
        assert_eq!(server.ask("GET", target).await.json(), json!([]), "{target}");
    }
    let pruned = server.ask("POST", "/images/prune").await.json();
    assert_eq!(pruned, json!({"ImagesDeleted": [], "SpaceReclaimed": 0}));
    let usage = server.ask("GET", "/system/df").await.json();
    assert_eq!(
        usage,
        json!({"LayersSize": 0, "Images": [], "Containers": [], "Volumes": [], "BuildCache": []})
    );
    assert_eq!(server.ask("GET", "/system/df?type=nonsense").await.status, 400);
}

#[tokio::test]
async fn names_of_images_may_hold_slashes() {
    let server = Server::start();
    assert_eq!(server.ask("POST", "/images/host:5000/a/b:1/tag?repo=c&tag=2").await.status, 201);
    let removed = server.ask("DELETE", "/images/a/b?force=1&noprune=1").await.json();
    assert_eq!(removed, json!([{"Untagged": "a/b"}, {"Deleted": "sha256:1"}]));
    assert_eq!(server.ask("GET", "/images/a/b/get").await.body, "a tar");
    assert_eq!(server.ask("GET", "/images/get?names=a&names=b/c").await.body, "a tar");
    assert_eq!(server.ask("GET", "/images/a/b/json").await.status, 404);
    assert_eq!(
        server.engine.calls(),
        [
            "tag_image host:5000/a/b:1 c:2",
            "remove_image a/b force=true prune=false",
            "save_images a/b",
            "save_images a b/c"
        ]
    );
}
