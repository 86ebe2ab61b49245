//! `sampan run` before an engine that says it is Sampan: one request, one stream.

use std::path::Path;

use serde_json::{Value, json};

use super::server::{Answer, ID, Request, Server, frame};
use super::{Client, Outcome, words};

fn json_frame(kind: u8, value: &Value) -> Vec<u8> {
    frame(kind, value.to_string().as_bytes())
}

pub(crate) fn script(request: &Request, before: &[Request]) -> Answer {
    if request.path() == "/images/create" {
        return Answer::Plain(200, json!({"status": "Pulled"}).to_string() + "\r\n");
    }
    if request.path().ends_with("/wait") {
        return Answer::Plain(200, json!({"StatusCode": 9}).to_string());
    }
    if request.path().ends_with("/kill") || request.path().ends_with("/resize") {
        return Answer::Plain(204, String::new());
    }
    if request.target != "/sampan/run" || !request.upgrade {
        return Answer::Plain(500, json!({"message": "asked for something else"}).to_string());
    }
    let body: Value = serde_json::from_slice(&request.body).expect("the body is JSON");
    let created = json_frame(16, &json!({"Id": ID, "Warnings": ["Mind the gap."]}));
    let output = [created.clone(), frame(1, b"out\n"), frame(2, b"err\n")].concat();
    let exit = |status: i64| json_frame(17, &json!({"StatusCode": status}));
    let stream = |bytes: Vec<u8>, tail: Vec<u8>| {
        let listen = body["Attach"]["Stdin"] == true;
        Answer::Stream { bytes, listen, echo: listen, tail }
    };
    match body["Config"]["Image"].as_str().unwrap_or_default() {
        "absent" if !before.iter().any(|earlier| earlier.path() == "/images/create") => {
            Answer::Plain(404, json!({"message": "No such image: absent:latest"}).to_string())
        }
        "refused" => Answer::Plain(409, json!({"message": "Conflict. The name is in use"}).to_string()),
        "notfound" => stream(
            created,
            json_frame(
                17,
                &json!({"Error": {"Message": "exec: \"x\": executable file not found in $PATH", "Kind": "CommandNotFound"}}),
            ),
        ),
        "cut" => stream(output, Vec::new()),
        // Goes on until the client ends the connection, whatever is attached.
        "endless" => Answer::Stream { bytes: output, listen: true, echo: true, tail: exit(7) },
        "leaves" => stream(output, json_frame(18, &json!({}))),
        _ if body["Detach"] == true => stream(created, Vec::new()),
        _ => stream(output, exit(7)),
    }
}

fn run(line: &str, input: &str) -> (Outcome, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let server = Server::start(folder.path(), "Sampan/0.1.0 (linux)", script);
    let client = Client::new(folder.path(), "ours", Path::new(env!("CARGO_BIN_EXE_sampan")));
    let mut outcome = client.run(&server, &words(line), input);
    let requests = std::mem::take(&mut outcome.requests);
    (outcome, requests)
}

fn outcome(status: i32, stdout: &str, stderr: &str) -> Outcome {
    Outcome { status: Some(status), stdout: stdout.into(), stderr: stderr.into(), requests: Vec::new() }
}

#[test]
fn one_request_brings_everything() {
    let (found, requests) = run("run --name web -e A=1 image echo hi", "");
    assert_eq!(found, outcome(7, "out\n", "WARNING: Mind the gap.\nerr\n"));
    let [request] = requests.as_slice() else { panic!("more than one request: {requests:?}") };
    let body = request.strip_prefix("POST /sampan/run ").expect("the own route");
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    assert_eq!(body["Name"], "web");
    assert_eq!(body["Config"]["Env"], json!(["A=1"]));
    assert_eq!(body["Config"]["Cmd"], json!(["echo", "hi"]));
    assert_eq!(body["Config"]["HostConfig"]["AutoRemove"], false);
    assert_eq!(body["Attach"], json!({"Stdin": false, "Stdout": true, "Stderr": true}));
    assert_eq!((&body["Detach"], &body["Size"]), (&json!(false), &Value::Null));
}

#[test]
fn stdin_goes_up_and_its_end_too() {
    let (found, _) = run("run -i image cat", "typed");
    assert_eq!(found.stdout, "out\ntyped");
    assert_eq!(found.status, Some(7));
}

#[test]
fn in_the_background_only_the_id_is_printed() {
    let (found, requests) = run("run -d --cidfile id image", "");
    assert_eq!(found, outcome(0, &format!("{ID}\n[id file: {ID}]"), "WARNING: Mind the gap.\n"));
    assert_eq!(requests.len(), 1);
}

#[test]
fn failures_have_dockers_words_and_statuses() {
    let help = "\n\nRun 'docker run --help' for more information\n";
    let (found, _) = run("run refused", "");
    let text = format!("docker: Error response from daemon: Conflict. The name is in use{help}");
    assert_eq!(found, outcome(125, "", &text));
    let (found, _) = run("run notfound", "");
    let text = format!(
        "WARNING: Mind the gap.\ndocker: Error response from daemon: exec: \"x\": executable file not found in \
         $PATH{help}"
    );
    assert_eq!(found, outcome(127, "", &text));
}

#[test]
fn a_missing_image_is_pulled() {
    let (found, requests) = run("run absent", "");
    assert_eq!(found.status, Some(7));
    assert!(
        found.stderr.starts_with("Unable to find image 'absent:latest' locally\nPulled\n"),
        "{}",
        found.stderr
    );
    assert_eq!(requests.len(), 3);
}

#[test]
fn a_stream_that_is_cut_off_does_not_lose_the_exit_status() {
    let (found, _) = run("run cut", "");
    assert_eq!(found.status, Some(9));
}

#[test]
fn the_engine_may_see_the_detach_keys() {
    let (found, _) = run("run leaves", "");
    assert_eq!(found.status, Some(0));
}
