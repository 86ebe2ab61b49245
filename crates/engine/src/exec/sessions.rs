//! All exec sessions in memory. They live as long as their container runs, and a little longer for those who
//! ask for the exit code.

use crate::containers::ExecState;
use crate::error::Error;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long the exit code of an ended session can be asked for.
const KEPT: Duration = Duration::from_secs(300);

/// The sessions by id.
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<String, Session>>,
    ends: watch::Sender<u64>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { by_id: Mutex::default(), ends: watch::Sender::new(0) }
    }
}

struct Session {
    state: ExecState,
    claimed: bool,
    ended: Option<Instant>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session; drops those that ended long ago.
    pub(crate) fn insert(&self, state: ExecState) {
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.ended.is_none_or(|ended| ended.elapsed() < KEPT));
        sessions.insert(state.id.clone(), Session { state, claimed: false, ended: None });
    }

    /// The session with this id or unique beginning of an id.
    pub(crate) fn get(&self, id: &str) -> Result<ExecState, Error> {
        self.lock().get(id).map(|session| session.state.clone()).ok_or_else(|| Error::NoSuchExec(id.into()))
    }

    /// Takes the right to start a session; it is given once.
    pub(crate) fn claim(&self, id: &str) -> Result<ExecState, Error> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id).ok_or_else(|| Error::NoSuchExec(id.into()))?;
        if std::mem::replace(&mut session.claimed, true) {
            return Err(Error::ExecAlreadyRun(id.into()));
        }
        session.state.running = true;
        Ok(session.state.clone())
    }

    /// Notes the process of a started session.
    pub(crate) fn started(&self, id: &str, pid: u32) {
        if let Some(session) = self.lock().get_mut(id) {
            session.state.pid = pid;
        }
    }

    /// Notes the end; false when it was known already or nobody knows the session.
    pub(crate) fn finish(&self, id: &str, code: i32) -> bool {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(id).filter(|session| session.ended.is_none()) else {
            return false;
        };
        session.state.running = false;
        session.state.exit_code = Some(code);
        session.ended = Some(Instant::now());
        drop(sessions);
        self.ends.send_modify(|count| *count += 1);
        true
    }

    /// Changes each time a session ends.
    pub(crate) fn ends(&self) -> watch::Receiver<u64> {
        self.ends.subscribe()
    }

    /// Ends all sessions of a container whose program ended.
    pub(crate) fn container_ended(&self, container: &str) {
        for session in self.lock().values_mut().filter(|session| session.state.container_id == container) {
            if session.claimed && session.ended.is_none() {
                session.state.running = false;
                session.state.exit_code = Some(137);
                session.ended = Some(Instant::now());
            }
        }
        self.ends.send_modify(|count| *count += 1);
    }

    /// Drops all sessions of a container.
    pub(crate) fn forget_container(&self, container: &str) {
        self.lock().retain(|_, session| session.state.container_id != container);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_runs_once_and_keeps_its_exit_code() {
        let sessions = Sessions::default();
        sessions.insert(ExecState { id: "one".into(), container_id: "c".into(), ..Default::default() });
        assert!(sessions.claim("one").is_ok());
        assert!(matches!(sessions.claim("one"), Err(Error::ExecAlreadyRun(_))));
        assert!(sessions.finish("one", 3));
        assert!(!sessions.finish("one", 4));
        assert_eq!(sessions.get("one").expect("known").exit_code, Some(3));
        sessions.forget_container("c");
        assert!(sessions.get("one").is_err());
    }
}
