//! One program of a service, with what it says. It ends with its value.

use sampan_provider::{Failure, Instance, LogLine, Result, Specification, Usage};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of a page of memory on this architecture (proc(5), `statm`).
const PAGE: u64 = 4096;

pub(super) struct Process {
    name: String,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Process {
    pub(super) fn start(name: String, specification: &Specification) -> Result<Self> {
        let words = specification.command.clone().unwrap_or_default();
        let [program, arguments @ ..] = words.as_slice() else {
            return Err(Failure::invalid("command", "a shed has no images, so a command is needed"));
        };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(specification.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::RolloutFailed(format!("{program} cannot be started: {error}")))?;
        let said = Arc::<Mutex<Vec<String>>>::default();
        if let Some(output) = child.stdout.take() {
            let said = Arc::clone(&said);
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                    said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        Ok(Self { name, child, said })
    }

    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn instance(&mut self) -> Instance {
        let ready = self.is_running();
        let state = if ready { "running" } else { "ended" };
        Instance {
            id: self.child.id().to_string(),
            name: self.name.clone(),
            state: state.to_owned(),
            ready,
            ..Instance::default()
        }
    }

    pub(super) fn lines(&self) -> Vec<LogLine> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let line =
            |text: &String| LogLine { instance: self.name.clone(), text: text.clone(), ..LogLine::default() };
        said.iter().map(line).collect()
    }

    pub(super) fn usage(&self) -> Usage {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap_or_default();
        let resident = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
        Usage { name: self.name.clone(), memory: resident.map(|pages| pages * PAGE), ..Usage::default() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
