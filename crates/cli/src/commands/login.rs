//! `docker login`: proves who one is to a registry, and keeps the proof.

use std::io::{BufRead, IsTerminal, Read};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::Value as Json;

use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::config::credentials::{Credentials, DOCKER_REGISTRY, Keychain, host_name};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    password: String,
    password_stdin: bool,
    username: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [SERVER]",
        summary: "Authenticate to a registry",
        aliases: "",
        positional: Positional::AtMost(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str =
        "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.username, "username", "u", "Username");
        flags.string(&mut self.password, "password", "p", "Password or Personal Access Token (PAT)");
        flags.bool(
            &mut self.password_stdin,
            "password-stdin",
            "",
            "Take the Password or Personal Access Token (PAT) from stdin",
        );
    }

    fn run(mut self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        self.check(&parsed)?;
        let server = match parsed.arguments.first().map(String::as_str) {
            None | Some("" | "docker.io") => DOCKER_REGISTRY.to_string(),
            Some(server) => host_name(server).to_string(),
        };
        let keychain = Keychain::new(session);
        let mut known = Credentials { server: server.clone(), ..Credentials::default() };
        if self.username.is_empty() && self.password.is_empty() {
            known = keychain.get(&server).unwrap_or(known);
            known.server.clone_from(&server);
            known.identity_token.clear();
            if !known.username.is_empty()
                && !known.password.is_empty()
                && let Some(message) = with_stored(session, &keychain, known.clone())?
            {
                return say(&message);
            }
        }
        let credentials = self.ask(&known.username, &server)?;
        let answer = authenticate(session, &credentials)?;
        keep(&keychain, credentials, &answer)?;
        say(answer.text("Status"))
    }
}

impl Args {
    fn check(&mut self, parsed: &Parsed) -> Result<()> {
        if parsed.changed("password-stdin") {
            if parsed.changed("password") {
                return Err("conflicting options: cannot specify both --password and --password-stdin".into());
            }
            if !parsed.changed("username") {
                return Err("the --password-stdin option requires --username to be set".into());
            }
        }
        if parsed.changed("username") && self.username.is_empty() {
            return Err("username is empty".into());
        }
        if parsed.changed("password") && self.password.is_empty() {
            return Err("password is empty".into());
        }
        if !self.password.is_empty() {
            eprintln!("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
        }
        if self.password_stdin {
            std::io::stdin().lock().read_to_string(&mut self.password)?;
            let password = self.password.strip_suffix('\n').unwrap_or(&self.password);
            self.password = password.strip_suffix('\r').unwrap_or(password).to_string();
        }
        Ok(())
    }

    /// What the flags do not say is asked for; a name that is known already is offered.
    fn ask(self, known: &str, server: &str) -> Result<Credentials> {
        if (self.username.is_empty() || self.password.is_empty()) && !std::io::stdin().is_terminal() {
            return Err("Error: Cannot perform an interactive login from a non TTY device".into());
        }
        let mut username = self.username.trim().to_string();
        if username.is_empty() {
            print(&if known.is_empty() { "Username: ".into() } else { format!("Username ({known}): ") })?;
            username = read_line()?;
            if username.is_empty() {
                known.clone_into(&mut username);
            }
            if username.is_empty() {
                return Err("Error: Non-null Username Required".into());
            }
        }
        let mut password = self.password.trim().to_string();
        if password.is_empty() {
            print("Password: ")?;
            password = without_echo(read_line)?;
            print("\n")?;
            if password.is_empty() {
                return Err("Error: Password Required".into());
            }
        }
        Ok(Credentials { username, password, server: server.into(), ..Credentials::default() })
    }
}

/// Tries the credentials that are kept. Nothing when the registry does not take them.
fn with_stored(session: &Session, keychain: &Keychain<'_>, known: Credentials) -> Result<Option<String>> {
    eprintln!("Authenticating with existing credentials... [Username: {}]", known.username);
    let name = session.name();
    eprintln!(
        "\n Info -> To login with a different account, run '{name} logout' followed by '{name} login'\n\n"
    );
    match authenticate(session, &known) {
        Ok(answer) => {
            keep(keychain, known, &answer)?;
            Ok(Some(answer.text("Status").to_string()))
        }
        Err(failure) => {
            if failure.http_status() == Some(401) {
                eprintln!("Stored credentials invalid or expired");
            } else {
                eprintln!("Login did not succeed, error: {failure}");
            }
            Ok(None)
        }
    }
}

fn authenticate(session: &Session, credentials: &Credentials) -> Result<Json> {
    session.client()?.post_json("/auth", &Query::new(), &credentials.json())?.json()
}

/// Keeps what the registry gave: a token replaces the password.
fn keep(keychain: &Keychain<'_>, mut credentials: Credentials, answer: &Json) -> Result<()> {
    let token = answer.text("IdentityToken");
    if !token.is_empty() {
        credentials.password.clear();
        credentials.identity_token = token.into();
    }
    keychain
        .store(&credentials)
        .map_err(|failure| Failure::message(format!("Error saving credentials: {failure}")))
}

fn say(message: &str) -> Result<ExitStatus> {
    if !message.is_empty() {
        print(&format!("{message}\n"))?;
    }
    Ok(ExitStatus::SUCCESS)
}

fn read_line() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_string())
}

/// Reads with the terminal's echo off, and turns it on again.
fn without_echo(read: impl FnOnce() -> Result<String>) -> Result<String> {
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin).map_err(std::io::Error::from)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &silent).map_err(std::io::Error::from)?;
    let text = read();
    tcsetattr(&stdin, OptionalActions::Now, &before).map_err(std::io::Error::from)?;
    text
}
