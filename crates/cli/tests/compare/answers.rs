//! What the engine answers: recorded from a real one and cut to what matters.

use super::server::Answer;

const DIGEST: &str = "04a43d72b98c45a9fbca9e72bcf3f3c507be3baa3e114eeed1eececc0371580e";

const PULLED: &str = "{\"status\":\"Pulling from library/busybox\",\"id\":\"latest\"}\r\n\
    {\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aaaa\"}\r\n\
    {\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":10},\"progress\":\"[==>  ]  5B/10B\",\"id\":\"aaaa\"}\r\n\
    {\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aaaa\"}\r\n\
    {\"status\":\"Digest: sha256:1234\"}\r\n{\"status\":\"Status: Downloaded newer image for busybox:latest\"}\r\n";

const PUSHED: &str = "{\"status\":\"The push refers to repository [docker.io/team/app]\"}\r\n\
    {\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"aaaa\"}\r\n\
    {\"progressDetail\":{},\"aux\":{\"Tag\":\"latest\",\"Digest\":\"sha256:1234\",\"Size\":5}}\r\n";

const DENIED: &str = "{\"errorDetail\":{\"message\":\"denied: no\"},\"error\":\"denied: no\"}\r\n";

/// The answer to a request.
pub(crate) fn answer(method: &str, path: &str) -> Answer {
    match (method, path) {
        ("GET", _) => read(path),
        ("POST" | "PUT", _) => write(path),
        ("DELETE", _) => remove(path),
        ("HEAD", _) => (404, String::new()),
        _ => missing("page not found"),
    }
}

fn found(body: &str) -> Answer {
    (200, body.to_string())
}

fn missing(message: &str) -> Answer {
    failed(404, message)
}

fn failed(status: u16, message: &str) -> Answer {
    (status, serde_json::json!({ "message": message }).to_string())
}

fn read(path: &str) -> Answer {
    match path {
        "/containers/json" => found(include_str!("answers/containers.json")),
        "/containers/web/json" => found(include_str!("answers/container-web.json")),
        "/containers/sick/json" => found(include_str!("answers/container-sick.json")),
        "/containers/web/stats" => found(include_str!("answers/stats.json")),
        "/containers/web/changes" => {
            found(r#"[{"Path":"/b","Kind":1},{"Path":"/a","Kind":0},{"Path":"/c","Kind":2}]"#)
        }
        "/containers/made/changes" => found("[]"),
        "/containers/web/top" => found(
            r#"{"Titles":["UID","PID","CMD"],"Processes":[["root","25101","httpd -f -h /srv"],["daemon","7","x\ty"]]}"#,
        ),
        "/images/json" => found(include_str!("answers/images.json")),
        "/images/busybox/json" => found(include_str!("answers/image-busybox.json")),
        "/images/debian/history" => found(include_str!("answers/history.json")),
        "/images/search" => found(
            r#"[{"star_count":5,"is_official":false,"name":"user/few","is_automated":false,"description":"short\nlines"},
                {"star_count":900,"is_official":true,"name":"many","is_automated":false,"description":"A description that is much longer than forty-five letters"}]"#,
        ),
        "/networks" => found(include_str!("answers/networks.json")),
        "/networks/shore" => found(include_str!("answers/network-shore.json")),
        "/volumes" => found(include_str!("answers/volumes.json")),
        "/volumes/data" => found(include_str!("answers/volume-data.json")),
        "/info" => found(include_str!("answers/info.json")),
        "/version" => found(include_str!("answers/version.json")),
        "/system/df" => found(include_str!("answers/disk-usage.json")),
        "/containers/broken/json" => failed(500, "the engine is on fire"),
        _ => missing_thing(path),
    }
}

fn missing_thing(path: &str) -> Answer {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["containers", name, ..] => missing(&format!("No such container: {name}")),
        ["images", name, ..] => missing(&format!("No such image: {name}:latest")),
        ["networks", name, ..] => missing(&format!("network {name} not found")),
        ["volumes", name, ..] => missing(&format!("get {name}: no such volume")),
        ["plugins", name, ..] => missing(&format!("plugin {name:?} not found")),
        _ => missing("page not found"),
    }
}

fn write(path: &str) -> Answer {
    match path {
        "/containers/prune" => found(r#"{"ContainersDeleted":["aaa","bbb"],"SpaceReclaimed":1234567}"#),
        "/images/prune" => found(
            r#"{"ImagesDeleted":[{"Untagged":"old:1"},{"Deleted":"sha256:aaaa"}],"SpaceReclaimed":2000}"#,
        ),
        "/networks/prune" => found(r#"{"NetworksDeleted":["lost"]}"#),
        "/volumes/prune" => found(r#"{"VolumesDeleted":null,"SpaceReclaimed":0}"#),
        "/build/prune" => found(r#"{"CachesDeleted":["cccc"],"SpaceReclaimed":10}"#),
        "/networks/create" => (201, format!(r#"{{"Id":"{DIGEST}","Warning":""}}"#)),
        "/volumes/create" => (201, include_str!("answers/volume-data.json").to_string()),
        "/networks/shore/connect" | "/networks/shore/disconnect" => found(""),
        "/containers/create" => (201, format!(r#"{{"Id":"{DIGEST}","Warnings":["Mind the gap."]}}"#)),
        "/containers/web/wait" => found(r#"{"StatusCode":3}"#),
        "/containers/web/update" => found(r#"{"Warnings":null}"#),
        "/containers/made/stop" | "/containers/made/start" => (304, String::new()),
        "/containers/made/kill" => failed(409, "cannot kill container: made: container is not running"),
        "/images/create" => found(PULLED),
        "/images/docker.io/team/app/push" => found(PUSHED),
        "/images/docker.io/library/denied/push" => found(DENIED),
        "/auth" => found(r#"{"Status":"Login Succeeded","IdentityToken":""}"#),
        "/commit" => (201, format!(r#"{{"Id":"sha256:{DIGEST}"}}"#)),
        "/images/busybox/tag" => (201, String::new()),
        _ if path.starts_with("/containers/web/") => (204, String::new()),
        _ => missing_thing(path),
    }
}

fn remove(path: &str) -> Answer {
    match path {
        "/networks/shore" | "/volumes/data" | "/containers/web" => (204, String::new()),
        "/networks/bridge" => failed(403, "bridge is a pre-defined network and cannot be removed"),
        "/volumes/busy" => failed(409, "remove busy: volume is in use - [2095b8a7]"),
        "/images/busybox" => found(r#"[{"Untagged":"busybox:latest"},{"Deleted":"sha256:62e2f0c7"}]"#),
        _ => missing_thing(path),
    }
}
