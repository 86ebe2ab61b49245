//! Headers, versions, errors, framing.

use crate::http::Version;
use crate::testing::Server;
use sampan_error::Kind;

#[tokio::test]
async fn rule_1_every_response_has_the_headers_that_clients_read() {
    let server = Server::start();
    for (method, target) in [
        ("GET", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", "/containers/json"),
        ("GET", "/containers/absent/json"),
        ("GET", "/nonsense"),
        ("POST", "/containers/web/start"),
        ("GET", "/v1.99/info"),
    ] {
        let reply = server.ask(method, target).await;
        assert_eq!(reply.header("Server"), Some("Docker/28.5.2 (linux)"), "{target}");
        assert_eq!(reply.header("Api-Version"), Some("1.51"), "{target}");
        assert_eq!(reply.header("Ostype"), Some("linux"), "{target}");
        assert!(reply.header("Sampan-Version").is_some(), "{target}");
    }
}

#[tokio::test]
async fn rule_1_ping() {
    let server = Server::start_without_engine();
    let reply = server.ask("GET", "/_ping").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "OK"));
    assert_eq!(reply.header("Content-Type"), Some("text/plain; charset=utf-8"));
    for reply in [reply, server.ask("HEAD", "/v1.24/_ping").await] {
        assert_eq!(reply.header("Cache-Control"), Some("no-cache, no-store, must-revalidate"));
        assert_eq!(reply.header("Pragma"), Some("no-cache"));
        assert!(reply.header("Builder-Version").is_some());
        assert_eq!(reply.header("Swarm"), Some("inactive"));
    }
    let head = server.ask("HEAD", "/_ping").await;
    assert_eq!((head.status, head.header("Content-Length")), (200, Some("0")));
}

#[tokio::test]
async fn rule_2_each_route_exists_with_and_without_a_version() {
    let server = Server::start();
    for target in ["/info", "/v1.24/info", "/v1.51/info", "/version", "/v1.30/version"] {
        assert_eq!(server.ask("GET", target).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn rule_2_an_unknown_route_and_a_wrong_method_are_the_same_404() {
    let server = Server::start();
    for (method, target) in
        [("GET", "/nonsense"), ("DELETE", "/info"), ("PATCH", "/containers/json"), ("GET", "/v1.40/nonsense")]
    {
        let reply = server.ask(method, target).await;
        assert_eq!((reply.status, reply.body.trim()), (404, r#"{"message":"page not found"}"#), "{target}");
    }
}

#[tokio::test]
async fn rule_2_versions_out_of_range_are_refused() {
    let server = Server::start();
    let reply = server.ask("GET", "/v1.99/info").await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.message(), "client version 1.99 is too new. Maximum supported API version is 1.51");
    let reply = server.ask("GET", "/v1.12/info").await;
    assert_eq!(reply.status, 400);
    // Clients of that age read plain text.
    assert!(reply.body.starts_with("client version 1.12 is too old. Minimum supported API version is 1.24"));
    assert_eq!(reply.header("Content-Type"), Some("text/plain; charset=utf-8"));
}

#[tokio::test]
async fn rule_3_errors_are_messages_and_304_has_no_body() {
    let server = Server::start();
    let reply = server.ask("GET", "/containers/absent/json").await;
    assert_eq!((reply.status, reply.message().as_str()), (404, "No such container: absent"));
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    server.engine.fail("start", Kind::NotModified, "already running");
    let reply = server.ask("POST", "/containers/web/start").await;
    assert_eq!((reply.status, reply.body.as_str()), (304, ""));
    assert_eq!(reply.header("Content-Length").unwrap_or("0"), "0");
    server.engine.fail("kill", Kind::Conflict, "container is not running");
    assert_eq!(server.ask("POST", "/containers/web/kill").await.status, 409);
    server.engine.fail("start", Kind::CommandNotFound, "exec: \"x\": executable file not found in $PATH");
    let reply = server.ask("POST", "/containers/web/start").await;
    assert_eq!(reply.status, 400);
    assert!(reply.message().contains("executable file not found"));
}

#[tokio::test]
async fn rule_11_a_body_is_json_and_says_so() {
    let server = Server::start();
    let mut client = server.connect().await;
    client
        .send("POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}")
        .await;
    let reply = client.reply(false).await;
    assert_eq!(reply.status, 400);
    assert!(reply.message().contains("must be 'application/json'"));
    let trailing = server.ask_json("POST", "/containers/create", "{} {}").await;
    assert_eq!((trailing.status, trailing.message().as_str()), (400, "unexpected content after JSON"));
    let broken = server.ask_json("POST", "/containers/create", "{\"Image\":").await;
    assert_eq!(broken.status, 400);
    // An empty body is fine where there may be none.
    assert_eq!(server.ask("POST", "/commit?container=web").await.status, 201);
}

#[tokio::test]
async fn report_8_a_connection_serves_one_request_after_the_other() {
    let server = Server::start();
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send("GET /containers/json HTTP/1.1\r\nHost: d\r\n\r\n").await;
        assert_eq!(client.reply(false).await.status, 200);
    }
    // Two at once are answered in their order.
    client.send("GET /_ping HTTP/1.1\r\n\r\nGET /containers/json HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.reply(false).await.body, "OK");
    assert!(client.reply(false).await.body.starts_with('['));
}

#[tokio::test]
async fn a_client_that_has_finished_sending_still_gets_its_answer() {
    let server = Server::start_without_engine();
    let mut client = server.connect().await;
    client.send("GET /info HTTP/1.0\r\n\r\n").await;
    client.finish_sending();
    tokio::task::yield_now().await;
    server.slot.fill(server.engine.clone());
    assert_eq!(client.reply(false).await.status, 200);
}

#[tokio::test]
async fn requests_wait_for_the_engine_and_ping_does_not() {
    let server = Server::start_without_engine();
    let mut waiting = server.connect().await;
    waiting.send("GET /containers/json HTTP/1.1\r\n\r\n").await;
    assert_eq!(server.ask("GET", "/_ping").await.status, 200);
    assert_eq!(server.ask("GET", "/version").await.json()["ApiVersion"], Version::NEWEST.to_string());
    server.slot.fill(server.engine.clone());
    assert_eq!(waiting.reply(false).await.status, 200);
}

#[tokio::test]
async fn a_web_page_may_not_drive_the_engine() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("POST /containers/web/start HTTP/1.1\r\nHost: d\r\nOrigin: http://evil\r\n\r\n").await;
    assert_eq!(client.reply(false).await.status, 403);
    assert!(server.engine.calls().is_empty());
}

#[tokio::test]
async fn report_36_version_and_info_name_the_engine() {
    let server = Server::start();
    let version = server.ask("GET", "/version").await.json();
    assert!(version["Platform"]["Name"].as_str().is_some_and(|name| name.starts_with("Sampan")));
    assert_eq!(version["Components"][0]["Name"], "Engine");
    assert_eq!(version["MinAPIVersion"], "1.24");
    let info = server.ask("GET", "/info").await.json();
    assert_eq!(info["ServerVersion"], "28.5.2");
    assert_eq!(info["Swarm"]["LocalNodeState"], "inactive");
    assert_eq!(server.ask("GET", "/plugins").await.json(), serde_json::json!([]));
    assert_eq!(server.ask("GET", "/swarm").await.status, 503);
}
