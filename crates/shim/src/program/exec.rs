//! Adding processes to the running container.

use sampan_error::{Context, Error, Kind, Result};
use sampan_runtime::{ContainerHandle, ExecPlan, exec_in};
use sampan_shim::protocol::{Descriptors, Event, Exec, ExecExited, ExecStarted, ExecStatus, Launched, Role};
use sampan_shim::timestamp::Timestamp;

use super::launch::{Ends, Phase};
use super::poll::{Token, Watched};
use super::session::{AtEnd, Session, Streams};
use super::{Shim, watch_reading};

/// How many ended execs are remembered for a daemon that asks later.
const REMEMBERED: usize = 64;

/// An added process.
pub(crate) struct Process {
    /// The number of its session.
    pub(crate) number: u32,
    /// The exec's id.
    pub(crate) id: String,
    pub(crate) pid: i32,
    pub(crate) pidfd: Watched,
    /// Its status, when it has ended and its output is still being read.
    pub(crate) code: Option<i32>,
}

impl Shim {
    /// Runs a process in the container, with its client attached from the first byte on.
    pub(crate) fn exec(&mut self, exec: Exec, descriptors: &mut Descriptors) -> Result<Launched> {
        let Exec { id, process, tty, attach } = exec;
        if self.processes.iter().any(|running| running.id == id) {
            return Err(Error::new(Kind::AlreadyExists, format!("exec {id} runs already")));
        }
        let client = descriptors.take(Role::Client);
        let number = self.number();
        let Phase::Running(running) = &self.phase else {
            return Err(Error::conflict("the container is not running"));
        };
        let ends = match (&attach, tty) {
            (_, true) => Ends::default(),
            (Some(attach), false) => Ends::with([attach.stdin, attach.stdout, attach.stderr])?,
            (None, false) => Ends::with([false; 3])?,
        };
        let handle = ContainerHandle {
            id: &running.id,
            init: std::os::fd::AsFd::as_fd(&running.pidfd),
            namespaces: running.namespaces,
            cgroup: running.cgroup.as_ref(),
        };
        let plan = ExecPlan { process: &process, stdio: ends.far(), extra: Vec::new() };
        let mut session = Session::new(number, Some(id.clone()), AtEnd::CloseInput, &self.poll);
        let started = exec_in(handle, &plan).map_err(Error::from);
        if let Ok(started) = &started
            && let Some(master) = &started.console
        {
            let master = master.try_clone().context("cannot take the terminal")?;
            session.connect(Streams::Terminal(master)).context("cannot take the terminal")?;
        } else if started.is_ok() {
            session.connect(ends.into_near()).context("cannot take the standard streams")?;
        }
        if let (Some(attach), Some(client)) = (&attach, client) {
            session.attach(client, attach, &mut self.events).context("cannot attach")?;
        }
        sampan_sys::heap::trim();
        match started {
            Ok(started) => {
                self.sessions.push(session);
                let pidfd = watch_reading(started.pidfd, &self.poll, Token::Process(number));
                self.processes.push(Process { number, id: id.clone(), pid: started.pid, pidfd, code: None });
                self.events.push(Event::ExecStarted(ExecStarted { id, pid: started.pid }));
                Ok(Launched { pid: started.pid, started_at: Some(Timestamp::now()) })
            }
            Err(error) => {
                self.exec_failed(session, id, &error);
                Err(error)
            }
        }
    }

    /// The client has got the head of a good answer: the sentence goes into the stream, as Docker does it.
    fn exec_failed(&mut self, mut session: Session, id: String, error: &Error) {
        session.say(&format!(
            "OCI runtime exec failed: exec failed: unable to start container process: {}: unknown\r\n",
            error.message()
        ));
        session.finish(&mut self.events);
        session.end_run_streams(127, &mut self.events);
        if !session.is_forgotten() {
            self.sessions.push(session);
        }
        let code = if error.kind() == Kind::CommandNotFound { 127 } else { 126 };
        self.remember(ExecStatus { id, pid: 0, code: Some(code) });
    }

    fn remember(&mut self, status: ExecStatus) {
        if self.ended.len() >= REMEMBERED {
            self.ended.remove(0);
        }
        self.ended.push(status);
    }

    /// The session's number of an exec that has not ended.
    pub(crate) fn exec_number(&self, id: &str) -> Result<u32> {
        let found = self.processes.iter().find(|process| process.id == id);
        found
            .map(|process| process.number)
            .ok_or_else(|| Error::not_found(format!("No such exec instance: {id}")))
    }

    /// All output of an added process has been read.
    pub(crate) fn finish_exec(&mut self, number: u32) {
        let Some(index) = self.processes.iter().position(|process| process.number == number) else { return };
        let process = self.processes.remove(index);
        let code = process.code.unwrap_or(0);
        self.remember(ExecStatus { id: process.id.clone(), pid: process.pid, code: Some(code) });
        self.events.push(Event::ExecExited(ExecExited { id: process.id, code }));
        let mut events = std::mem::take(&mut self.events);
        if let Some(session) = self.session(number) {
            session.finish(&mut events);
            session.end_run_streams(code, &mut events);
        }
        self.events = events;
    }
}
