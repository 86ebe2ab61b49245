//! An engine that is driven: its command line, and the machine that it runs on when it is ours to start.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sampan_tests::registry::Registry;
use sampan_tests::{Engine as Kind, Host, Options, sampan_binary, tar_of};

/// The image that every scenario runs.
pub(crate) const IMAGE: &str = "busybox";

/// An engine under measurement.
pub(crate) struct Engine {
    /// As the table calls it.
    pub(crate) name: String,
    client: Vec<String>,
    /// Absent for a command line of this machine, whose engine is not ours to start.
    pub(crate) host: Option<Host>,
    /// A registry on its machine, once a scenario needs one.
    pub(crate) registry: Mutex<Option<Registry>>,
}

impl Engine {
    /// Starts an engine by its name on the command line, and gives it the image.
    pub(crate) fn start(name: &str) -> Result<Engine, String> {
        let ours = || vec![sampan_binary().display().to_string()];
        let stock = || vec!["docker".to_owned()];
        let (client, kind) = match name {
            "docker" => (stock(), Some(Kind::Docker)),
            "sampan" => (ours(), Some(Kind::Sampan)),
            "sampan-by-docker" => (stock(), Some(Kind::Sampan)),
            _ => {
                let (_, command) = name.split_once('=').ok_or(format!("no such engine: {name}"))?;
                (command.split_whitespace().map(String::from).collect(), None)
            }
        };
        let host = kind.map(|engine| Host::with(Options { engine, ..Options::default() }));
        // The stock command line builds with buildx, as everyone's does.
        host.iter().for_each(sampan_tests::build::add_plugins);
        let label = name.split('=').next().unwrap_or(name).to_owned();
        let mut engine = Engine { name: label, client, host, registry: Mutex::default() };
        engine.import()?;
        engine.name = format!("{} {}", engine.name, engine.version()?);
        Ok(engine)
    }

    fn import(&self) -> Result<(), String> {
        let tar = tar_of(IMAGE).display().to_string();
        self.output(&["import", &tar, IMAGE]).map(drop)
    }

    /// Docker's version of an engine; of ours its own, since it answers the API with Docker's.
    fn version(&self) -> Result<String, String> {
        if self.host.as_ref().is_some_and(|host| host.engine() == Kind::Sampan) {
            return Ok(env!("CARGO_PKG_VERSION").into());
        }
        let text = self.output(&["version", "--format", "{{.Server.Version}}"])?;
        Ok(text.trim().split('+').next().unwrap_or_default().into())
    }

    /// A command of the engine's command line, not started. Nothing stands between it and its process.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.client[0]);
        command.args(&self.client[1..]).args(words).stdin(Stdio::null());
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", format!("unix://{}", host.socket().display()));
            command.env("DOCKER_CONFIG", host.folder().join("client"));
        }
        command
    }

    /// Runs a command and returns its output; the error says what it printed.
    pub(crate) fn output(&self, words: &[&str]) -> Result<String, String> {
        let output = self.command(words).output().map_err(|error| format!("{}: {error}", self.client[0]))?;
        self.check(words, &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs a command with its output thrown away and returns how long its whole process took.
    pub(crate) fn time(&self, words: &[&str]) -> Result<Duration, String> {
        let mut command = self.command(words);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let output = command.output().map_err(|error| format!("{}: {error}", self.client[0]))?;
        let taken = start.elapsed();
        self.check(words, &output)?;
        Ok(taken)
    }

    fn check(&self, words: &[&str], output: &Output) -> Result<(), String> {
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let log = self.host.as_ref().map(Host::log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(5).collect();
        let last = last.into_iter().rev().collect::<Vec<_>>().join("\n");
        let (name, status) = (&self.name, output.status);
        Err(format!("{name} {}: {status}: {}\nthe daemon's log:\n{last}", words.join(" "), said.trim()))
    }

    /// Removes every container.
    pub(crate) fn remove_all(&self) -> Result<(), String> {
        let ids = self.output(&["ps", "-aq"])?;
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if ids.is_empty() { Ok(()) } else { self.output(&[&["rm", "-f"], &ids[..]].concat()).map(drop) }
    }

    /// The socket, for engines that are ours to start.
    pub(crate) fn socket(&self) -> Option<PathBuf> {
        self.host.as_ref().map(Host::socket)
    }
}
