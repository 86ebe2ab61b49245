//! `docker exec`: runs another program in a running container.

use std::io::IsTerminal;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::attachment::{self, Target};
use super::container_options::{check_environment, key_values};
use super::run::Attached;
use super::{Command, Positional, Specification};
use crate::client::{Body, Client, Query, object_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use crate::terminal::{self, Outcome, Signals, Streams};

#[derive(Default)]
pub(crate) struct Args {
    detach: bool,
    detach_keys: String,
    env: Vec<String>,
    env_files: Vec<String>,
    interactive: bool,
    privileged: bool,
    tty: bool,
    user: String,
    working_directory: String,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "ExitCode", default)]
    exit_code: Option<i64>,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER COMMAND [ARG...]",
        summary: "Execute a command in a running container",
        aliases: "container exec, exec",
        positional: Positional::AtLeast(2),
        interspersed: false,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(
            &mut self.detach_keys,
            "detach-keys",
            "",
            "Override the key sequence for detaching a container",
        );
        flags.bool(&mut self.interactive, "interactive", "i", "Keep STDIN open even if not attached");
        flags.bool(&mut self.tty, "tty", "t", "Allocate a pseudo-TTY");
        flags.bool(&mut self.detach, "detach", "d", "Detached mode: run command in the background");
        flags.string(&mut self.user, "user", "u", "Username or UID (format: \"<name|uid>[:<group|gid>]\")");
        flags.bool(&mut self.privileged, "privileged", "", "Give extended privileges to the command");
        flags.checked_list(&mut self.env, "env", "e", "Set environment variables", check_environment);
        flags.list(&mut self.env_files, "env-file", "", "Read in a file of environment variables");
        flags.string(&mut self.working_directory, "workdir", "w", "Working directory inside the container");
    }

    fn run(mut self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if self.detach_keys.is_empty() {
            session.config().text("detachKeys").clone_into(&mut self.detach_keys);
        }
        let client = session.client()?;
        let (name, command) = (&parsed.arguments[0], &parsed.arguments[1..]);
        let body = self.body(command)?;
        if !client.is_own_engine() {
            // Other engines keep an exec that is never started: learn first whether the container exists.
            client.get(&object_path("container", name, "json")?, &Query::new())?.discard()?;
        }
        if !self.detach {
            terminal::check_tty(self.interactive, self.tty)?;
        }
        let path = object_path("container", name, "exec")?;
        let created: Created = client.post_json(&path, &Query::new(), &body)?.json()?;
        if created.id.is_empty() {
            return Err("exec ID empty".into());
        }
        if self.detach {
            let start = self.start_body();
            client.post_json(&format!("/exec/{}/start", created.id), &Query::new(), &start)?.discard()?;
            return Ok(ExitStatus::SUCCESS);
        }
        self.attached(client, created.id)
    }
}

impl Args {
    fn size(&self) -> Value {
        match (self.tty, terminal::size()) {
            (false, _) => Value::Null,
            (true, (rows, columns)) => json!([rows, columns]),
        }
    }

    /// The API's `ExecConfig`.
    fn body(&self, command: &[String]) -> Result<Value> {
        let mut environment = Vec::new();
        for file in &self.env_files {
            environment.extend(key_values::read_file(file, true)?);
        }
        environment.extend_from_slice(&self.env);
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("User", json!(self.user));
        set("Privileged", json!(self.privileged));
        set("Tty", json!(self.tty));
        if self.tty {
            set("ConsoleSize", self.size());
        }
        set("AttachStdin", json!(!self.detach && self.interactive));
        set("AttachStderr", json!(!self.detach));
        set("AttachStdout", json!(!self.detach));
        set("Detach", json!(self.detach));
        set("DetachKeys", json!(self.detach_keys));
        set("Env", if environment.is_empty() { Value::Null } else { json!(environment) });
        set("WorkingDir", json!(self.working_directory));
        set("Cmd", json!(command));
        Ok(body.into())
    }

    fn start_body(&self) -> Value {
        let mut body = json!({"Detach": self.detach, "Tty": self.tty});
        if self.tty {
            body["ConsoleSize"] = self.size();
        }
        body
    }

    fn attached(&self, client: &Client, id: String) -> Result<ExitStatus> {
        let body = Body::json(&self.start_body())?;
        let hijacked = client.hijack(&format!("/exec/{id}/start"), &Query::new(), body)?;
        let attached = Attached { stdin: self.interactive, stdout: true, stderr: true };
        let target = Target::Exec(id.clone());
        let tty = self.tty;
        if tty && std::io::stdin().is_terminal() && !client.is_own_engine() {
            // Our own engine took the size with the start.
            let _ = attachment::resize(client, &target);
        }
        let signals = if tty { Some(Signals::catch(false)?) } else { None };
        let mut sink = attached.sink(tty);
        let outcome = Streams {
            hijacked,
            stdin: attached.stdin,
            output: true,
            tty,
            framed: false,
            detach_keys: self.detach_keys.clone(),
            sink: &mut *sink,
            signals,
            on_signal: &mut |arrived| attachment::deliver(client, &target, tty, arrived),
            exit: None,
        }
        .run()?;
        if outcome == Outcome::Detached {
            return Err("read escape sequence".into());
        }
        match client.get(&format!("/exec/{id}/json"), &Query::new()) {
            Ok(response) => {
                let inspected: Inspected = response.json()?;
                Ok(ExitStatus::of_program(inspected.exit_code.unwrap_or(0)))
            }
            // The engine went away meanwhile: nobody knows how the program ended.
            Err(Failure::CannotConnect { .. } | Failure::Connection(_)) => Ok(ExitStatus::of_program(-1)),
            Err(failure) => Err(failure),
        }
    }
}
