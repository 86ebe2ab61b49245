//! Replies that go on: wait, events, stats.

use crate::testing::Server;
use sampan_engine::events::Event;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn rule_7_wait_answers_its_head_before_the_exit() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("POST /containers/web/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"));
    server.engine.exit.notify_one();
    // No `Error`, not even an empty one.
    assert_eq!(client.chunk().await, "{\"StatusCode\":7}\n");
    assert_eq!(client.chunk().await, "");
    assert_eq!(server.engine.calls(), ["wait web NextExit"]);
    assert_eq!(server.ask("POST", "/containers/absent/wait").await.status, 404);
    let refused = server.ask("POST", "/containers/web/wait?condition=soon").await;
    assert_eq!((refused.status, refused.message().as_str()), (400, "invalid condition: \"soon\""));
}

#[tokio::test]
async fn rule_7_before_1_30_wait_answers_at_the_exit_only() {
    let server = Server::start();
    server.engine.exit.notify_one();
    let reply = server.ask("POST", "/v1.29/containers/web/wait?condition=removed").await;
    assert_eq!(reply.body, "{\"StatusCode\":7}\n");
    assert!(reply.header("Content-Length").is_some());
    assert_eq!(server.engine.calls(), ["wait web NotRunning"]);
}

fn event(sequence: u64, time: i64, kind: &str, action: &str) -> Arc<Event> {
    Arc::new(Event {
        sequence,
        time,
        kind: kind.into(),
        action: action.into(),
        actor: "abc".into(),
        attributes: [("image".to_owned(), "busybox".to_owned()), ("name".to_owned(), "web".to_owned())]
            .into(),
    })
}

#[tokio::test]
async fn rule_8_events_answer_their_head_before_the_first_event() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("GET /events HTTP/1.1\r\nHost: d\r\n\r\n").await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: application/json\r\n"));
    server.engine.live_events.send(event(1, 1_500_000_000, "container", "die")).expect("sent");
    let line = client.chunk().await;
    assert!(line.ends_with('\n'));
    let message: Value = serde_json::from_str(&line).expect("json");
    assert_eq!(
        message,
        json!({
            "status": "die", "id": "abc", "from": "busybox", "Type": "container", "Action": "die",
            "Actor": {"ID": "abc", "Attributes": {"image": "busybox", "name": "web"}},
            "scope": "local", "time": 1, "timeNano": 1_500_000_000_i64
        })
    );
}

#[tokio::test]
async fn rule_8_past_events_end_and_creations_of_images_are_hidden_from_old_clients() {
    let server = Server::start();
    let past = [
        event(1, 1_000_000_000, "image", "create"),
        event(2, 2_000_000_000, "network", "connect"),
        event(3, 9_000_000_000, "container", "start"),
    ];
    server.engine.with(|state| state.past_events = past.to_vec());
    let lines = |body: &str| {
        body.lines().map(|line| serde_json::from_str(line).expect("json")).collect::<Vec<Value>>()
    };
    let all = lines(&server.ask("GET", "/events?since=0&until=5").await.body);
    assert_eq!(all.len(), 2);
    assert!(all[1].get("status").is_none());
    let old = lines(&server.ask("GET", "/v1.45/events?since=0&until=5").await.body);
    assert_eq!((old.len(), &old[0]["Type"]), (1, &json!("network")));
    let filtered = "/events?since=0&until=5&filters=%7B%22event%22%3A%5B%22connect%22%5D%7D";
    assert_eq!(lines(&server.ask("GET", filtered).await.body).len(), 1);
    let refused = server.ask("GET", "/events?since=10&until=5").await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("cannot be after"));
}

#[tokio::test]
async fn an_event_that_was_past_and_is_live_comes_once() {
    let server = Server::start();
    server.engine.with(|state| state.past_events = vec![event(4, 1, "container", "start")]);
    let mut client = server.connect().await;
    client.send("GET /events?since=0 HTTP/1.1\r\nHost: d\r\n\r\n").await;
    client.head().await;
    assert!(client.chunk().await.contains("\"start\""));
    for event in [event(4, 1, "container", "start"), event(5, 2, "container", "die")] {
        server.engine.live_events.send(event).expect("sent");
    }
    assert!(client.chunk().await.contains("\"die\""));
}

#[tokio::test]
async fn report_10_a_client_that_leaves_ends_its_stream() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("GET /events HTTP/1.1\r\nHost: d\r\n\r\n").await;
    client.head().await;
    assert_eq!(server.engine.live_events.receiver_count(), 1);
    drop(client);
    while server.engine.live_events.receiver_count() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rule_9_statistics_of_one_moment_take_two_samples() {
    let server = Server::start();
    let reply = server.ask("GET", "/containers/web/stats?stream=false").await.json();
    assert_eq!(server.engine.with(|state| state.samples), 2);
    assert_eq!(reply["precpu_stats"]["system_cpu_usage"], 9);
    assert_eq!(reply["preread"], "1970-01-01T00:00:01Z");
    let reply = server.ask("GET", "/containers/web/stats?stream=0&one-shot=1").await.json();
    assert_eq!(server.engine.with(|state| state.samples), 3);
    assert_eq!(reply["preread"], "0001-01-01T00:00:00Z");
    // Before 1.41 there was no such word.
    server.ask("GET", "/v1.40/containers/web/stats?stream=0&one-shot=1").await;
    assert_eq!(server.engine.with(|state| state.samples), 5);
}

#[tokio::test(start_paused = true)]
async fn statistics_stream_line_by_line() {
    let server = Server::start();
    let mut client = server.connect().await;
    client.send("GET /containers/web/stats HTTP/1.1\r\nHost: d\r\n\r\n").await;
    client.head().await;
    let first: Value = serde_json::from_str(&client.chunk().await).expect("json");
    let second: Value = serde_json::from_str(&client.chunk().await).expect("json");
    assert_eq!(first["preread"], "0001-01-01T00:00:00Z");
    assert_eq!(second["preread"], first["read"]);
}
