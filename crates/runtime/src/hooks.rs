//! Running hooks: programs that get the container's state on standard input (OCI config.md).

use std::ffi::CString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use sampan_sys::process::Spawn;

use crate::error::{During, Error, Result};
use crate::plan::{Hook, HookState, Seccomp};

/// At which point of the container's life a hook runs; decides the status it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On the host, while the container is being created.
    CreateRuntime,
    /// In the container's namespaces, while it is being created.
    CreateContainer,
    /// In the container, before its program.
    StartContainer,
    /// On the host, after its program has started.
    Poststart,
    /// On the host, after it is deleted.
    Poststop,
}

impl Stage {
    fn status(self) -> &'static str {
        match self {
            Self::CreateRuntime | Self::CreateContainer => "creating",
            Self::StartContainer => "created",
            Self::Poststart => "running",
            Self::Poststop => "stopped",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::CreateRuntime => "createRuntime",
            Self::CreateContainer => "createContainer",
            Self::StartContainer => "startContainer",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }
}

/// Runs the hooks in order. `pid` is the container's init on the host, 0 when there is none any more.
///
/// # Errors
/// The first hook that cannot be started, fails, or takes longer than its timeout; later ones do not run.
pub fn run(hooks: &[Hook], stage: Stage, state: &HookState, pid: i32) -> Result<()> {
    for (index, hook) in hooks.iter().enumerate() {
        run_one(hook, &state_json(state, stage.status(), pid)).map_err(|error| {
            Error::State(format!("{} hook {index} ({}): {error}", stage.name(), hook.path.display()))
        })?;
    }
    Ok(())
}

fn run_one(hook: &Hook, state: &str) -> Result<()> {
    let name = || hook.path.display().to_string();
    let program = std::fs::File::open(&hook.path).during(|| format!("open {}", name()))?;
    let (reader, writer) = std::io::pipe().during(|| "make a pipe")?;
    let path = CString::new(hook.path.as_os_str().as_bytes()).map_err(|_| nul())?;
    let mut arguments = strings(&hook.args)?;
    let environment = strings(&hook.env)?;
    let mut script = read_interpreter(&program);
    let (program, arguments) = match script.take() {
        None => {
            if arguments.is_empty() {
                arguments.push(path);
            }
            (program, arguments)
        }
        Some((interpreter, argument)) => {
            let file = std::fs::File::open(&interpreter).during(|| format!("open {interpreter}"))?;
            let mut all = vec![CString::new(interpreter).map_err(|_| nul())?];
            if let Some(argument) = argument {
                all.push(CString::new(argument).map_err(|_| nul())?);
            }
            all.push(path);
            all.extend(arguments.into_iter().skip(1));
            (file, all)
        }
    };
    let child = sampan_sys::process::spawn(&Spawn {
        program: program.as_fd(),
        arguments: &arguments,
        environment: &environment,
        descriptors: &[(reader.as_fd(), 0)],
        new_session: false,
    })
    .during(|| format!("start {}", name()))?;
    drop(reader);
    let mut writer = writer;
    // A hook need not read its state.
    let _ = writer.write_all(state.as_bytes());
    drop(writer);
    let limit = hook.timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
    if !sampan_sys::pidfd::wait_readable(&child.pidfd, limit).during(|| "wait for a hook")? {
        crate::launch::kill_and_reap(&child.pidfd);
        return Err(Error::State(format!("took longer than {} s", hook.timeout.unwrap_or(0))));
    }
    match sampan_sys::pidfd::wait(&child.pidfd).during(|| "wait for a hook")?.code() {
        0 => Ok(()),
        code => Err(Error::State(format!("exit status {code}"))),
    }
}

/// The interpreter that a script names in its first line, with its one argument.
fn read_interpreter(program: &std::fs::File) -> Option<(String, Option<String>)> {
    use std::os::unix::fs::FileExt;
    let mut head = [0_u8; 256];
    let length = program.read_at(&mut head, 0).ok()?;
    let text = head[..length].strip_prefix(b"#!")?;
    let line = String::from_utf8_lossy(text.split(|byte| *byte == b'\n').next()?).into_owned();
    let line = line.trim();
    match line.split_once([' ', '\t']) {
        None => Some((line.to_owned(), None)),
        Some((interpreter, argument)) => Some((interpreter.to_owned(), Some(argument.trim().to_owned()))),
    }
}

fn strings(list: &[String]) -> Result<Vec<CString>> {
    list.iter().map(|text| CString::new(text.as_str()).map_err(|_| nul())).collect()
}

fn nul() -> Error {
    Error::Invalid("a hook's path, arguments and environment must not hold a zero byte".into())
}

/// The state document of the specification (runtime.md, "State").
pub fn state_json(state: &HookState, status: &str, pid: i32) -> String {
    let mut text = String::from("{\"ociVersion\":");
    quote(&mut text, &state.oci_version);
    text.push_str(",\"id\":");
    quote(&mut text, &state.id);
    text.push_str(",\"status\":");
    quote(&mut text, status);
    if pid > 0 {
        let _ = write!(text, ",\"pid\":{pid}");
    }
    text.push_str(",\"bundle\":");
    quote(&mut text, &state.bundle.to_string_lossy());
    if !state.annotations.is_empty() {
        text.push_str(",\"annotations\":{");
        for (index, (name, value)) in state.annotations.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            quote(&mut text, name);
            text.push(':');
            quote(&mut text, value);
        }
        text.push('}');
    }
    text.push('}');
    text
}

/// A JSON string (RFC 8259 section 7).
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Connects to the seccomp agent and hands it the listener with the container's state
/// (config-linux.md, "The Container Process State").
pub(crate) fn hand_over_listener(
    seccomp: &Seccomp,
    listener: &OwnedFd,
    state: &HookState,
    pid: i32,
) -> Result<()> {
    let Some(agent) = &seccomp.listener else { return Ok(()) };
    let name = || format!("hand the seccomp listener to {}", agent.path.display());
    let socket = std::os::unix::net::UnixStream::connect(&agent.path).during(name)?;
    let mut text = String::from("{\"ociVersion\":");
    quote(&mut text, &state.oci_version);
    let _ = write!(text, ",\"fds\":[\"seccompFd\"],\"pid\":{pid},\"metadata\":");
    quote(&mut text, &agent.metadata);
    let _ = write!(text, ",\"state\":{}}}", state_json(state, "creating", pid));
    sampan_sys::socket::send_with_descriptors(socket.as_fd(), text.as_bytes(), &[listener.as_fd()])
        .during(name)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_json_whatever_the_names_are() {
        let state = HookState {
            oci_version: "1.2.0".into(),
            id: "a\"b".into(),
            bundle: "/b\n".into(),
            annotations: vec![("k".into(), "v\\".into())],
        };
        let text = state_json(&state, "creating", 7);
        assert_eq!(
            text,
            "{\"ociVersion\":\"1.2.0\",\"id\":\"a\\\"b\",\"status\":\"creating\",\"pid\":7,\
             \"bundle\":\"/b\\u000a\",\"annotations\":{\"k\":\"v\\\\\"}}"
        );
    }

    #[test]
    fn a_hook_that_is_slow_or_fails_is_an_error() {
        let hook = |args: &[&str], timeout| Hook {
            path: "/bin/busybox".into(),
            args: args.iter().map(ToString::to_string).collect(),
            env: Vec::new(),
            timeout,
        };
        let state = HookState::default();
        run(&[hook(&["busybox", "true"], None)], Stage::Poststart, &state, 1).unwrap();
        assert!(run(&[hook(&["busybox", "false"], None)], Stage::Poststart, &state, 1).is_err());
        let error = run(&[hook(&["busybox", "sleep", "100"], Some(1))], Stage::Poststart, &state, 1);
        assert!(error.unwrap_err().to_string().contains("took longer than 1 s"));
    }
}
