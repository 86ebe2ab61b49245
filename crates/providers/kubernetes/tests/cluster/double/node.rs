//! Runs the programs of pods as processes of this machine.

use super::store::{Inside, Store};
use base64::Engine as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Sends a signal to a process that was started here.
pub(super) fn signal(process: u32, signal: &str) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status();
}

/// Starts the program of a pod, and keeps what it prints.
pub(super) fn start(store: &Arc<Store>, pod: &Value) {
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    let container = &pod["spec"]["containers"][0];
    let environment = environment(&store.lock(), container);
    let words = |field: &str| {
        let all = container[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.map(|word| expand(word, &environment)).collect::<Vec<_>>()
    };
    let whole = [words("command"), words("args")].concat();
    let Some((program, rest)) = whole.split_first() else { return };
    let mut command = Command::new(program);
    command.args(rest).env_clear().env("PATH", "/usr/bin:/bin").envs(&environment);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    store.lock().processes.insert(name.clone(), child.id());
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let store = Arc::clone(store);
    std::thread::spawn(move || {
        use std::io::BufRead as _;
        for line in output.lines().map_while(Result::ok) {
            let line = format!("{} {line}", jiff::Timestamp::now());
            store.lock().lines.entry(name.clone()).or_default().push(line);
            store.tell();
        }
        let _ = child.wait();
    });
}

fn environment(inside: &Inside, container: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for one in container["env"].as_array().into_iter().flatten() {
        let reference = &one["valueFrom"]["secretKeyRef"];
        let value = match reference["name"].as_str() {
            Some(secret) => {
                let secret = inside.objects.get(&("secrets".to_owned(), secret.to_owned())).unwrap();
                let data = secret["data"][reference["key"].as_str().unwrap()].as_str().unwrap();
                String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap()
            }
            None => expand(one["value"].as_str().unwrap_or_default(), &all),
        };
        all.insert(one["name"].as_str().unwrap().to_owned(), value);
    }
    all
}

/// `$(NAME)` is a variable's value, `$$` is one `$`.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        made.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            made.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            made.push_str(environment.get(name).map_or(&format!("$({name})"), |value| value));
            rest = after;
        } else {
            made.push('$');
        }
    }
    made + rest
}
