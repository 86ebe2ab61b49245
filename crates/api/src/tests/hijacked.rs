//! Connections that leave HTTP behind: attach, exec, logs that follow, run.

use crate::testing::{Client, Server};
use sampan_error::Kind;

const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

async fn ends_with(mut client: Client, expected: &str) {
    let rest = String::from_utf8(client.rest().await).expect("text");
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn rule_4_attach_with_an_upgrade() {
    let server = Server::start();
    let mut client = server.connect().await;
    client
        .send("POST /v1.51/containers/web/attach?stdin=1&stream=1&detachKeys=ctrl-a HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        .await;
    assert_eq!(client.head().await, UPGRADED);
    client.send("input").await;
    client.finish_sending();
    ends_with(client, "inputbye").await;
    assert_eq!(server.engine.calls(), ["attach web stdin=true keys=Some(\"ctrl-a\")"]);
}

#[tokio::test]
async fn rule_4_attach_without_an_upgrade_is_a_raw_200() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("POST /containers/web/attach?stream=1 HTTP/1.1\r\nHost: d\r\n\r\n").await;
    assert_eq!(
        client.head().await,
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
    );
    client.finish_sending();
    ends_with(client, "bye").await;
}

#[tokio::test]
async fn rule_4_the_content_type_depends_on_version_and_terminal() {
    let server = Server::start();
    let head = async |version: &str| {
        let mut client = server.connect().await;
        client
            .send(&format!("POST /{version}/containers/web/attach HTTP/1.1\r\nUpgrade: any\r\nConnection: upgrade\r\n\r\n"))
            .await;
        client.head().await
    };
    assert!(head("v1.42").await.contains("multiplexed-stream"));
    assert!(head("v1.41").await.contains("raw-stream"));
    server.engine.with(|state| {
        let mut record = (*state.containers[0]).clone();
        record.spec.process.tty = true;
        state.containers[0] = std::sync::Arc::new(record);
    });
    assert!(head("v1.51").await.contains("raw-stream"));
}

#[tokio::test]
async fn rule_5_output_goes_on_after_the_client_has_closed_its_half() {
    let server = Server::start();
    let mut client = server.connect().await;
    // Input and its end come with the request, before anything was answered.
    client
        .send("POST /containers/web/attach?stdin=1 HTTP/1.1\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\nall of it")
        .await;
    client.finish_sending();
    assert_eq!(client.head().await, UPGRADED);
    ends_with(client, "all of itbye").await;
}

#[tokio::test]
async fn rule_5_attach_failures_before_the_first_byte_are_http() {
    let server = Server::start();
    let reply = server.ask("POST", "/containers/absent/attach").await;
    assert_eq!(reply.status, 404);
    server.engine.fail("attach", Kind::Conflict, "Container web is paused");
    let mut client = server.connect().await;
    client.send("POST /containers/web/attach HTTP/1.1\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n").await;
    let reply = client.reply(false).await;
    assert_eq!((reply.status, reply.message().as_str()), (409, "Container web is paused"));
    assert_eq!(reply.header("Api-Version"), Some("1.51"));
    assert!(client.rest().await.is_empty());
}

async fn exec(server: &Server) -> String {
    let reply = server.ask_json("POST", "/containers/web/exec", r#"{"Cmd":["sh"],"AttachStdin":true}"#).await;
    assert_eq!(reply.status, 201);
    reply.json()["Id"].as_str().expect("an id").to_owned()
}

fn start_request(id: &str, body: &str) -> String {
    format!(
        "POST /exec/{id}/start HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn report_5_and_6_the_body_is_read_and_what_follows_it_is_input() {
    let server = Server::start();
    let id = exec(&server).await;
    let mut client = server.connect().await;
    let request = start_request(&id, r#"{"Detach":false,"Tty":false}"#);
    client.send(&format!("{request}echo hi\n")).await;
    assert_eq!(client.head().await, UPGRADED);
    client.send("exit\n").await;
    client.finish_sending();
    ends_with(client, "echo hi\nexit\nbye").await;
}

#[tokio::test]
async fn rule_5_exec_failures_are_written_into_the_stream() {
    let server = Server::start();
    let id = exec(&server).await;
    server.engine.fail("exec_start", Kind::Conflict, "container web is not running");
    let mut client = server.connect().await;
    client.send(&start_request(&id, "{}")).await;
    assert_eq!(client.head().await, UPGRADED);
    let rest = client.rest().await;
    let text = "container web is not running\r\n";
    assert_eq!(&rest[..8], &[1, 0, 0, 0, 0, 0, 0, u8::try_from(text.len()).expect("short")]);
    assert_eq!(&rest[8..], text.as_bytes());
}

#[tokio::test]
async fn exec_without_a_client_is_ordinary() {
    let server = Server::start();
    let id = exec(&server).await;
    let reply = server.ask_json("POST", &format!("/exec/{id}/start"), r#"{"Detach":true}"#).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert_eq!(server.ask_json("POST", "/exec/absent/start", "{}").await.status, 404);
    let shown = server.ask("GET", &format!("/exec/{id}/json")).await.json();
    assert_eq!(shown["ProcessConfig"]["entrypoint"], "sh");
    assert_eq!(shown["ExitCode"], serde_json::Value::Null);
    assert_eq!(server.ask("POST", &format!("/exec/{id}/resize?h=1&w=2")).await.status, 200);
    assert_eq!(server.ask_json("POST", "/containers/web/exec", r#"{"Cmd":[]}"#).await.status, 400);
    server.engine.with(|state| state.execs.get_mut(&id).expect("the session").exit_code = Some(0));
    assert_eq!(server.ask_json("POST", &format!("/exec/{id}/start"), "{}").await.status, 409);
}

#[tokio::test]
async fn a_connection_is_taken_over_after_ordinary_requests() {
    let server = Server::start();
    let mut client = server.connect().await;
    for _ in 0..2 {
        client.send("GET /containers/web/json HTTP/1.1\r\nHost: d\r\n\r\n").await;
        assert_eq!(client.reply(false).await.status, 200);
    }
    client
        .send("POST /containers/web/attach HTTP/1.1\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\nmore")
        .await;
    assert_eq!(client.head().await, UPGRADED);
    client.finish_sending();
    ends_with(client, "morebye").await;
}

#[tokio::test]
async fn rule_6_logs() {
    let server = Server::start();
    let reply = server.ask("GET", "/containers/web/logs?stdout=1&tail=5&since=1.5").await;
    assert_eq!(reply.header("Content-Type"), Some("application/vnd.docker.multiplexed-stream"));
    assert_eq!(reply.body.as_bytes(), b"\x01\0\0\0\0\0\0\x02hi");
    let old = server.ask("GET", "/v1.41/containers/web/logs?stderr=1&tail=all").await;
    assert_eq!(old.header("Content-Type"), Some("application/vnd.docker.raw-stream"));
    assert_eq!(server.engine.calls(), ["logs 1500000000 0 Some(5)", "logs 0 0 None"]);
    let refused = server.ask("GET", "/containers/web/logs").await;
    assert_eq!(refused.message(), "Bad parameters: you must choose at least one stream");
    assert_eq!(server.ask("GET", "/containers/web/logs?stdout=1&since=x").await.status, 400);
}

#[tokio::test]
async fn rule_6_logs_that_follow_get_their_head_at_once_and_end_with_the_connection() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("GET /containers/web/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(head.contains("\r\nConnection: close\r\n"));
    assert!(!head.to_lowercase().contains("content-length") && !head.to_lowercase().contains("chunked"));
    assert!(head.contains("api-version: 1.51"));
    client.finish_sending();
    ends_with(client, "bye").await;
}

#[tokio::test]
async fn run_is_one_request() {
    let server = Server::start();
    let body = r#"{"Name":"one","Config":{"Image":"busybox","cmd":"true"},"Attach":{"Stdin":true,"Stdout":true},"Size":[24,80]}"#;
    let mut client = server.connect().await;
    client
        .send(&format!(
            "POST /v1.51/sampan/run HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}in",
            body.len()
        ))
        .await;
    assert_eq!(
        client.head().await,
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.sampan.run\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    );
    client.finish_sending();
    ends_with(client, "inbye").await;
    assert_eq!(server.engine.calls(), ["run busybox Some(\"one\") Some((24, 80))"]);
    server.engine.fail("run", Kind::NotFound, "No such image: busybox:latest");
    let reply = server.ask_json("POST", "/sampan/run", body).await;
    assert_eq!((reply.status, reply.message().as_str()), (404, "No such image: busybox:latest"));
}
