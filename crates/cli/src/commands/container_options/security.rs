//! `--security-opt`, capabilities and the modes of namespaces.

use serde_json::{Map, Value, json};

use crate::flags::{FlagSet, quote};

use super::key_values::system_text;

/// What `--security-opt` comes to: the options for the engine, and whether `systempaths=unconfined`,
/// which is the client's business, was among them.
pub(super) struct Security {
    pub(super) options: Vec<String>,
    pub(super) system_paths_unconfined: bool,
}

/// Checks the options and replaces the path of a seccomp profile by its content.
pub(super) fn parse(options: &[String]) -> Result<Security, String> {
    let mut security = Security { options: Vec::new(), system_paths_unconfined: false };
    for option in options {
        let (name, value) = option
            .split_once('=')
            .or_else(|| option.split_once(':').filter(|_| option != "no-new-privileges"))
            .unwrap_or((option, ""));
        if value.is_empty() && name != "no-new-privileges" {
            return Err(format!("Invalid --security-opt: {}", quote(option)));
        }
        if option == "systempaths=unconfined" {
            security.system_paths_unconfined = true;
        } else if name == "seccomp" && !matches!(value, "builtin" | "unconfined") {
            security.options.push(format!("seccomp={}", seccomp_profile(value)?));
        } else {
            security.options.push(option.clone());
        }
    }
    Ok(security)
}

fn seccomp_profile(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("opening seccomp profile ({path}) failed: open {path}: {}", system_text(&error))
    })?;
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map(|_| compact(&text))
        .map_err(|error| format!("compacting json for seccomp profile ({path}) failed: {error}"))
}

/// JSON without the blanks between its tokens.
fn compact(text: &str) -> String {
    let mut compacted = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in text.chars() {
        if in_string {
            compacted.push(character);
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
        } else if !character.is_ascii_whitespace() {
            in_string = character == '"';
            compacted.push(character);
        }
    }
    compacted
}

/// Capabilities in their canonical form, each once, sorted; `null` for none and `ALL` for all.
pub(super) fn capabilities(names: &[String]) -> Value {
    if names.is_empty() {
        return Value::Null;
    }
    let mut normal: Vec<String> = names
        .iter()
        .map(|name| {
            let upper = name.trim().to_uppercase();
            if upper == "ALL" || upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") }
        })
        .collect();
    if normal.iter().any(|name| name == "ALL") {
        return json!(["ALL"]);
    }
    normal.sort();
    normal.dedup();
    json!(normal)
}

/// Checks the modes that a client refuses by itself.
pub(super) fn check_modes(pid: &str, uts: &str, user: &str, cgroup: &str) -> Result<(), String> {
    let pid_is_right = match pid.split_once(':') {
        Some(("container", name)) => !name.is_empty(),
        Some(_) => false,
        None => matches!(pid, "" | "host"),
    };
    if !pid_is_right {
        return Err(String::from("--pid: invalid PID mode"));
    }
    if !matches!(uts, "" | "host") {
        return Err(String::from("--uts: invalid UTS mode"));
    }
    if !matches!(user, "" | "host") {
        return Err(String::from("--userns: invalid USER mode"));
    }
    if !matches!(cgroup, "" | "private" | "host") {
        return Err(String::from("--cgroupns: invalid CGROUP mode"));
    }
    Ok(())
}

/// `--restart`: `policy[:count]`.
///
/// # Errors
/// The count is no number, or there is no policy before it.
pub(crate) fn restart_policy(text: &str) -> Result<(String, i64), String> {
    let (name, count) = text.split_once(':').map_or((text, ""), |(name, count)| (name, count));
    if name.is_empty() && text.contains(':') {
        return Err(String::from("invalid restart policy format: no policy provided before colon"));
    }
    let count = match count {
        "" => 0,
        number => number.parse().map_err(|_| {
            String::from("invalid restart policy format: maximum retry count must be an integer")
        })?,
    };
    Ok((name.to_owned(), count))
}

/// The flags of privileges and namespaces.
#[derive(Default)]
pub(crate) struct Privileges {
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
    privileged: bool,
    options: Vec<String>,
    user_mode: String,
    cgroup_mode: String,
    ipc_mode: String,
    pid_mode: String,
    uts_mode: String,
}

impl Privileges {
    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.list(&mut self.cap_add, "cap-add", "", "Add Linux capabilities");
        flags.list(&mut self.cap_drop, "cap-drop", "", "Drop Linux capabilities");
        flags.bool(&mut self.privileged, "privileged", "", "Give extended privileges to this container");
        flags.list(&mut self.options, "security-opt", "", "Security Options");
        flags.string(&mut self.user_mode, "userns", "", "User namespace to use");
        flags.string(
            &mut self.cgroup_mode,
            "cgroupns",
            "",
            "Cgroup namespace to use (host|private)
'host':    Run the container in the Docker host's cgroup namespace
'private': Run the container in its own private cgroup namespace
'':        Use the cgroup namespace as configured by the
           default-cgroupns-mode option on the daemon (default)",
        );
        flags.string(&mut self.ipc_mode, "ipc", "", "IPC mode to use");
        flags.string(&mut self.pid_mode, "pid", "", "PID namespace to use");
        flags.string(&mut self.uts_mode, "uts", "", "UTS namespace to use");
    }

    /// Adds to the API's `HostConfig`.
    pub(super) fn fill(&self, host: &mut Map<String, Value>) -> Result<(), String> {
        check_modes(&self.pid_mode, &self.uts_mode, &self.user_mode, &self.cgroup_mode)?;
        let security = parse(&self.options)?;
        let mut set = |name: &str, value: Value| host.insert(name.to_owned(), value);
        set("CapAdd", capabilities(&self.cap_add));
        set("CapDrop", capabilities(&self.cap_drop));
        set("Privileged", json!(self.privileged));
        // An option that only the client understands leaves an empty list, not none.
        set("SecurityOpt", if self.options.is_empty() { Value::Null } else { json!(security.options) });
        set("UsernsMode", json!(self.user_mode));
        set("CgroupnsMode", json!(self.cgroup_mode));
        set("IpcMode", json!(self.ipc_mode));
        set("PidMode", json!(self.pid_mode));
        set("UTSMode", json!(self.uts_mode));
        set("Cgroup", json!(""));
        let paths = if security.system_paths_unconfined { json!([]) } else { Value::Null };
        set("MaskedPaths", paths.clone());
        set("ReadonlyPaths", paths);
        Ok(())
    }
}
