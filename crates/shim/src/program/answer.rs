//! Answering a daemon's requests.

use std::os::fd::OwnedFd;

use sampan_error::{Context, Error, Result};
use sampan_shim::log::LogWriter;
use sampan_shim::protocol::{
    Attach, ChangeSockets, CloseStdin, Descriptors, Exec, ExecStatus, Expire, Failure, Frame,
    GiveNameSockets, HoldNameSockets, Launch, Message, Packet, Park, Request, Resize, Role, SetLog,
    SetSockets, Shutdown, Signal, Start, State, Status, StatusRequest,
};

use super::launch::Phase;
use super::{CONTAINER, Shim};

impl Shim {
    /// Carries a request out and sends the reply.
    pub(crate) fn answer(&mut self, connection: u32, mut packet: Packet) {
        let descriptors = std::mem::take(&mut packet.descriptors);
        let Ok(frame) = packet.frame() else { return };
        let descriptors = Descriptors::new(&frame.descriptors, descriptors);
        let reply = match frame.kind.as_ref() {
            GiveNameSockets::NAME => self.give_name_sockets(&frame),
            _ => self.carry_out(&frame, descriptors).map(|message| (message, Vec::new())),
        };
        let failed = |error| {
            let message = Message::reply(frame.sequence, Err::<&(), _>(&Failure::from(&error))).ok()?;
            Some((message, Vec::new()))
        };
        if let Some((message, descriptors)) = reply.map_or_else(failed, Some) {
            self.tell(connection, message, descriptors);
        }
    }

    fn give_name_sockets(&self, frame: &Frame<'_>) -> Result<(Message, Vec<OwnedFd>)> {
        let copies = self.name_sockets.iter().map(OwnedFd::try_clone).collect::<Result<Vec<_>, _>>();
        let copies = copies.context("cannot copy the sockets of the name server")?;
        let message = Message::reply_with(
            frame.sequence,
            &vec![Role::NameSocket; copies.len()],
            Ok::<_, &Failure>(&()),
        );
        let message =
            message.map_err(|error| Error::internal("the reply cannot be written").caused_by(error))?;
        Ok((message, copies))
    }

    fn carry_out(&mut self, frame: &Frame<'_>, mut descriptors: Descriptors) -> Result<Message> {
        match frame.kind.as_ref() {
            Park::NAME => reply::<Park>(frame, |park| self.park(&park)),
            Launch::NAME => reply::<Launch>(frame, |launch| self.launch(launch, descriptors)),
            Start::NAME => reply::<Start>(frame, |_| self.start()),
            Attach::NAME => reply::<Attach>(frame, |attach| self.attach(&attach, &mut descriptors)),
            Exec::NAME => reply::<Exec>(frame, |exec| self.exec(exec, &mut descriptors)),
            Resize::NAME => reply::<Resize>(frame, |resize| self.resize(&resize)),
            Signal::NAME => reply::<Signal>(frame, |signal| self.signal(&signal)),
            CloseStdin::NAME => reply::<CloseStdin>(frame, |_| {
                self.container_session()?.close_input();
                Ok(())
            }),
            StatusRequest::NAME => reply::<StatusRequest>(frame, |_| Ok(self.status())),
            SetLog::NAME => reply::<SetLog>(frame, |request| self.set_log(request)),
            SetSockets::NAME => reply::<SetSockets>(frame, |sockets| {
                let reservations = descriptors.take_all(Role::Reservation);
                self.relays.replace(&sockets.relays, reservations, descriptors.take_all(Role::RelayListener))
            }),
            ChangeSockets::NAME => reply::<ChangeSockets>(frame, |change| {
                let reservations = descriptors.take_all(Role::Reservation);
                self.relays.change(&change, reservations, descriptors.take_all(Role::RelayListener))
            }),
            HoldNameSockets::NAME => reply::<HoldNameSockets>(frame, |_| {
                self.name_sockets = descriptors.take_all(Role::NameSocket);
                Ok(())
            }),
            Expire::NAME => reply::<Expire>(frame, |expire| {
                self.expire(expire.milliseconds);
                Ok(())
            }),
            Shutdown::NAME => reply::<Shutdown>(frame, |_| self.shut_down()),
            other => Err(Error::not_implemented(format!(
                "this container's shim is of an older version and cannot \"{other}\"; restart the container to renew it"
            ))),
        }
    }

    fn container_session(&mut self) -> Result<&mut super::Session> {
        self.session(CONTAINER).ok_or_else(|| Error::conflict("the container is not started yet"))
    }

    fn attach(&mut self, attach: &Attach, descriptors: &mut Descriptors) -> Result<()> {
        let client = descriptors
            .take(Role::Client)
            .ok_or_else(|| Error::invalid("an attach needs a client's connection"))?;
        if matches!(self.phase, Phase::Ended) {
            return Err(Error::conflict("the container has ended"));
        }
        let Some(session) = self.sessions.iter_mut().find(|session| session.number == CONTAINER) else {
            return Err(Error::conflict("the container is not started yet"));
        };
        session.attach(client, attach, &mut self.events).context("cannot attach")
    }

    fn resize(&mut self, resize: &Resize) -> Result<()> {
        let number = match &resize.exec {
            Some(id) => self.exec_number(id)?,
            None => CONTAINER,
        };
        let session =
            self.session(number).ok_or_else(|| Error::conflict("the container is not started yet"))?;
        let terminal = session.terminal().ok_or_else(|| Error::conflict("it has no terminal"))?;
        sampan_sys::terminal::set_size(terminal, resize.size.rows, resize.size.columns)
            .context("cannot change the size of the terminal")
    }

    fn signal(&mut self, signal: &Signal) -> Result<()> {
        let ended = || Error::conflict("the process has ended");
        let result = match &signal.exec {
            Some(id) => {
                let number = self.exec_number(id)?;
                let process =
                    self.processes.iter().find(|process| process.number == number).ok_or_else(ended)?;
                sampan_sys::pidfd::send_signal(&process.pidfd, signal.signal)
            }
            None => match &self.phase {
                Phase::Running(running) => sampan_sys::pidfd::send_signal(&running.pidfd, signal.signal),
                Phase::Held { ready, .. } => sampan_sys::pidfd::send_signal(&ready.pidfd, signal.signal),
                _ => return Err(Error::conflict("the container is not running")),
            },
        };
        result.map_err(|error| match error.raw_os_error() {
            Some(3) => ended(),
            Some(22) => Error::invalid(format!("{} is not a signal's number", signal.signal)),
            _ => Error::internal("cannot send the signal").caused_by(error),
        })
    }

    fn set_log(&mut self, request: SetLog) -> Result<()> {
        let path = request.log.path.clone();
        let log = LogWriter::open(request.log)
            .context(format_args!("cannot open the container's log {}", path.display()))?;
        let session = self.container_session()?;
        if let Some(old) = &mut session.log {
            old.finish();
        }
        session.log = Some(log);
        Ok(())
    }

    fn shut_down(&mut self) -> Result<()> {
        match self.phase {
            Phase::Running(_) | Phase::Held { .. } => Err(Error::conflict("the container is running")),
            Phase::Ended => {
                self.shutdown = true;
                Ok(())
            }
            Phase::Fresh | Phase::Parked { .. } => {
                self.discard_parked();
                self.phase = Phase::Ended;
                self.shutdown = true;
                Ok(())
            }
        }
    }

    fn status(&self) -> Status {
        let running = self.processes.iter().map(|process| ExecStatus {
            id: process.id.clone(),
            pid: process.pid,
            code: process.code,
        });
        let (state, pid) = match &self.phase {
            Phase::Fresh => (State::Fresh, 0),
            Phase::Parked { init, .. } => (State::Parked, init.pid),
            Phase::Held { ready, .. } => (State::Created, ready.pid),
            Phase::Running(running) => (State::Running, running.pid),
            Phase::Ended => (State::Exited, 0),
        };
        let log = self.sessions.first().and_then(|session| session.log.as_ref());
        Status {
            container: self.container.clone(),
            state,
            pid,
            started_at: self.started_at,
            exit: self.exit.clone(),
            execs: self.ended.iter().cloned().chain(running).collect(),
            clients: u32::try_from(self.sessions.iter().map(super::Session::attached).sum::<usize>())
                .unwrap_or(0),
            lines_dropped: log.map_or(0, LogWriter::dropped),
            sockets: self.relays.sockets(),
        }
    }
}

/// Parses a request, carries it out and makes the reply.
fn reply<R: Request>(frame: &Frame<'_>, work: impl FnOnce(R) -> Result<R::Reply>) -> Result<Message> {
    let request = frame.parse::<R>().map_err(|error| {
        Error::invalid(format!("the request \"{}\" cannot be understood", R::NAME)).caused_by(error)
    })?;
    let value = work(request)?;
    Message::reply(frame.sequence, Ok::<_, &Failure>(&value))
        .map_err(|error| Error::internal("the reply cannot be written").caused_by(error))
}
