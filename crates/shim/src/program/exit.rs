//! The end: reaping, the last output, the exit record, and telling everybody.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use sampan_shim::log::LogWriter;
use sampan_shim::protocol::{EXIT_NAME, Event, Exit, Exited};
use sampan_shim::timestamp::Timestamp;
use sampan_sys::pidfd::try_wait;

use super::launch::{Phase, Running};
use super::{CONTAINER, Shim};

/// How long a daemon may take to record the end before the user hears of it anyway.
const RECORDING: Duration = Duration::from_secs(10);

impl Shim {
    /// A process of ours has ended.
    pub(crate) fn process_ended(&mut self, number: u32) {
        let ended = if number == CONTAINER { self.container_ended() } else { self.exec_ended(number) };
        if ended {
            let session = self.sessions.iter_mut().find(|session| session.number == number);
            if let Some(session) = session {
                session.process_ended(&mut self.buffer, &mut self.events);
            }
            self.finish_drained();
        }
    }

    fn container_ended(&mut self) -> bool {
        let running = match &mut self.phase {
            Phase::Running(running) | Phase::Held { running, .. } => running,
            _ => return false,
        };
        let Ok(Some(exit)) = try_wait(&running.pidfd) else { return false };
        running.pidfd.watch(None);
        self.exit = Some(Exit {
            code: exit.code(),
            at: Timestamp::now(),
            oom_killed: false,
            oom_kills: 0,
            lines_dropped: 0,
        });
        // Without a pid namespace of its own nothing ends the other processes of the container.
        if let (false, Some(cgroup)) = (running.own_pids, &running.cgroup) {
            let _ = cgroup.kill_all();
        }
        self.relays.clear();
        true
    }

    fn exec_ended(&mut self, number: u32) -> bool {
        let Some(process) = self.processes.iter_mut().find(|process| process.number == number) else {
            return false;
        };
        let Ok(Some(exit)) = try_wait(&process.pidfd) else { return false };
        process.code = Some(exit.code());
        process.pidfd.watch(None);
        true
    }

    /// Ends every session whose process has ended and whose output is complete.
    pub(crate) fn finish_drained(&mut self) {
        while let Some(session) = self.sessions.iter().find(|session| session.is_drained()) {
            match session.number {
                CONTAINER => self.finish_container(),
                number => self.finish_exec(number),
            }
        }
        self.forget_ended_sessions();
    }

    /// Sessions of ended execs whose clients are gone are forgotten.
    pub(crate) fn forget_ended_sessions(&mut self) {
        self.sessions.retain(|session| session.number == CONTAINER || !session.is_forgotten());
    }

    /// Nothing more can come from the container: the record first, then the news.
    fn finish_container(&mut self) {
        let running = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Running(running) | Phase::Held { running, .. } => Some(running),
            _ => None,
        };
        let Some(mut exit) = self.exit.clone() else { return };
        let cgroup = running.as_ref().and_then(|running| running.cgroup.as_ref());
        exit.oom_kills = cgroup.and_then(|cgroup| cgroup.oom_kills().ok()).unwrap_or(0);
        exit.oom_killed = exit.oom_kills > 0;
        let mut events = std::mem::take(&mut self.events);
        if let Some(session) = self.session(CONTAINER) {
            if let Some(log) = &mut session.log {
                log.finish();
            }
            exit.lines_dropped = session.log.as_ref().map_or(0, LogWriter::dropped);
        }
        self.exit = Some(exit.clone());
        self.write_record(&exit);
        clean_up(running);
        events.push(Event::Exited(Exited { exit }));
        if let Some(session) = self.session(CONTAINER) {
            session.finish(&mut events);
        }
        self.events = events;
        self.recording = Some(Instant::now() + RECORDING);
    }

    /// The user of a run stream hears of the end when a daemon has recorded it: a script may use the container's
    /// name again at once. Without a daemon, or with one that takes too long, there is nothing to wait for.
    pub(crate) fn end_run_streams(&mut self) {
        let (Some(exit), Some(limit)) = (&self.exit, self.recording) else { return };
        if !(self.shutdown || self.connections.is_empty() || limit <= Instant::now()) {
            return;
        }
        self.recording = None;
        let code = exit.code;
        let mut events = std::mem::take(&mut self.events);
        if let Some(session) = self.session(CONTAINER) {
            session.end_run_streams(code, &mut events);
        }
        self.events = events;
    }

    /// Writes the exit record whole or not at all. The directory is on a tmpfs: there is nothing to sync.
    fn write_record(&self, exit: &Exit) {
        let Some(directory) = &self.directory else { return };
        let temporary = directory.join(".exit.json");
        let written = serde_json::to_vec(exit).map_err(std::io::Error::from).and_then(|bytes| {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            options.open(&temporary)?.write_all(&bytes)?;
            std::fs::rename(&temporary, directory.join(EXIT_NAME))
        });
        if written.is_err() {
            // A daemon that is connected hears the event; one that is not finds no record and says so.
            let _ = std::fs::remove_file(&temporary);
        }
    }
}

/// Removes what the container leaves in the kernel.
fn clean_up(running: Option<Running>) {
    let Some(running) = running else { return };
    if let Some(cgroup) = &running.cgroup {
        // What cannot be removed now is found by the daemon's reconciliation.
        let _ = cgroup.remove();
    }
    if let Some(hooks) = &running.hooks {
        use sampan_runtime::hooks::{Stage, run};
        // Failing poststop hooks are passed over (OCI runtime.md, step 13).
        let _ = run(&hooks.poststop, Stage::Poststop, &hooks.state, 0);
    }
}
