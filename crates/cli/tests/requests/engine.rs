//! What the recording engine answers to Docker's client and to ours.

use serde_json::json;

use super::server::{Answer, ID, Request, frame};

/// The answer to a request, given what was asked before.
pub(crate) fn script(request: &Request, before: &[Request]) -> Answer {
    let path = request.path();
    let plain = |status: u16, body: serde_json::Value| Answer::Plain(status, body.to_string());
    let body = String::from_utf8_lossy(&request.body);
    match (request.method.as_str(), path) {
        ("POST", "/containers/create") => {
            let pulled = before.iter().any(|earlier| earlier.path() == "/images/create");
            if body.contains("\"Image\":\"absent\"") && !pulled {
                return plain(404, json!({"message": "No such image: absent:latest"}));
            }
            if body.contains("\"Image\":\"refused\"") {
                return plain(400, json!({"message": "invalid this and that"}));
            }
            let id = match () {
                () if body.contains("\"Image\":\"fails\"") => format!("{:f<64}", "e"),
                () if body.contains("\"Image\":\"notfound\"") => format!("{:f<64}", "d"),
                () if body.contains("\"Image\":\"denied\"") => format!("{:f<64}", "c"),
                () => ID.to_owned(),
            };
            let warnings =
                if body.contains("\"Image\":\"warns\"") { json!(["Mind the gap."]) } else { json!([]) };
            plain(201, json!({"Id": id, "Warnings": warnings}))
        }
        ("POST", "/images/create") => Answer::Plain(
            200,
            [
                json!({"status": "Pulling from library/absent", "id": "latest"}),
                json!({"status": "Downloading", "progressDetail": {"current": 5, "total": 10}, "progress": "[=> ] 5B/10B", "id": "abc"}),
                json!({"status": "Pull complete", "progressDetail": {}, "id": "abc"}),
                json!({"status": "Digest: sha256:abc"}),
                json!({"status": "Status: Downloaded newer image for absent:latest"}),
            ]
            .map(|message| message.to_string() + "\r\n")
            .concat(),
        ),
        ("POST", _) if path.ends_with("/attach") => stream(request, request.target.contains("stdin=1")),
        ("POST", _) if path.starts_with("/exec/") && path.ends_with("/start") => {
            let attaches = |earlier: &Request| String::from_utf8_lossy(&earlier.body).contains("\"AttachStdin\":true");
            if request.upgrade { stream(request, before.iter().any(attaches)) } else { Answer::Plain(200, String::new()) }
        }
        ("POST", _) if path.ends_with("/exec") => plain(201, json!({"Id": "execid"})),
        ("GET", "/exec/execid/json") => plain(200, json!({"ExitCode": 5, "Running": false})),
        ("POST", _) if path.ends_with("/wait") => plain(200, json!({"StatusCode": 3})),
        ("POST", _) if path.ends_with("/start") => started(path),
        ("POST", _) if path.ends_with("/update") => plain(200, json!({"Warnings": ["Not quite."]})),
        ("POST", "/commit") => plain(201, json!({"Id": format!("sha256:{ID}")})),
        ("POST", "/images/load") => Answer::Plain(200, json!({"stream": "Loaded image: x\n"}).to_string() + "\r\n"),
        ("POST" | "DELETE", _) if path.contains("/missing") => {
            plain(404, json!({"message": "No such container: missing"}))
        }
        ("POST" | "DELETE", _) if path.contains("/broken") => plain(500, json!({"message": "it is on fire"})),
        ("DELETE", _) if path.starts_with("/images/") => {
            plain(200, json!([{"Untagged": "x:latest"}, {"Deleted": "sha256:abc"}]))
        }
        ("GET", _) if path.ends_with("/logs") => {
            let text = [frame(1, b"one\n"), frame(2, b"two\n"), frame(1, b"three\n")].concat();
            Answer::Plain(200, String::from_utf8_lossy(&text).into_owned())
        }
        ("GET", "/containers/missing/json") => plain(404, json!({"message": "No such container: missing"})),
        ("GET", _) if path.starts_with("/containers/") && path.ends_with("/json") => plain(
            200,
            json!({
                "Id": ID, "Name": "/web",
                "State": {"Running": !path.contains("stopped"), "Status": "running"},
                "Config": {"Tty": false, "OpenStdin": path.contains("open")},
                "HostConfig": {"AutoRemove": path.contains("passing")},
                "NetworkSettings": {"Ports": {
                    "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
                    "9/udp": null,
                    "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}],
                }},
            }),
        ),
        ("GET", _) if path.ends_with("/top") => {
            plain(200, json!({"Titles": ["PID", "CMD"], "Processes": [["1", "sleep 10"]]}))
        }
        ("GET", _) if path.ends_with("/changes") => plain(200, json!([{"Kind": 1, "Path": "/new"}])),
        ("GET", _) if path.ends_with("/export") => Answer::Plain(200, String::from("the files")),
        ("GET", "/images/get") => Answer::Plain(200, String::from("the images")),
        ("GET", "/events") => Answer::Plain(
            200,
            json!({"Type": "container", "Action": "start", "time": 1_700_000_000, "timeNano": 1_700_000_000_000_000_001_i64,
                   "Actor": {"ID": ID, "Attributes": {"name": "web", "image": "x"}}})
            .to_string()
                + "\n",
        ),
        _ => Answer::Plain(204, String::new()),
    }
}

fn stream(request: &Request, listen: bool) -> Answer {
    let echo = listen && request.target.contains("stdout=1");
    if ["/efff", "/dfff", "/cfff"].iter().any(|id| request.target.contains(id)) {
        // What never starts writes nothing.
        return Answer::Stream { bytes: Vec::new(), listen, echo: false, tail: Vec::new() };
    }
    let mut bytes = Vec::new();
    for (kind, parameter, text) in [(1, "stdout=1", b"out\n"), (2, "stderr=1", b"err\n")] {
        // Docker's client crashes on a stream that it did not ask for.
        if request.path().starts_with("/exec/") || request.target.contains(parameter) {
            bytes.extend(frame(kind, text));
        }
    }
    Answer::Stream { bytes, listen, echo, tail: Vec::new() }
}

fn started(path: &str) -> Answer {
    let failed = |message: &str| Answer::Plain(400, json!({ "message": message }).to_string());
    if path.contains("/efff") {
        return failed("failed to create task: something odd");
    }
    if path.contains("/dfff") {
        return failed("exec: \"nosuch\": executable file not found in $PATH: unknown");
    }
    if path.contains("/cfff") {
        return failed("exec: \"/etc\": permission denied: unknown");
    }
    if path.contains("/missing") {
        return Answer::Plain(404, json!({"message": "No such container: missing"}).to_string());
    }
    Answer::Plain(204, String::new())
}
