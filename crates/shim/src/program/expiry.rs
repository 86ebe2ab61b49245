//! A container that may run only until a time, unless somebody says so again.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

use super::Shim;
use super::launch::Phase;

const KILL: i32 = 9;

/// Since the machine was started, with the time that it slept.
fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl Shim {
    /// The container ends after so long; `None` is never.
    pub(super) fn expire(&mut self, milliseconds: Option<u64>) {
        self.expires = milliseconds.map(|milliseconds| now() + Duration::from_millis(milliseconds));
    }

    /// Milliseconds until it ends.
    pub(super) fn until_expiry(&self) -> Option<u64> {
        let left = self.expires?.saturating_sub(now());
        Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).saturating_add(1))
    }

    /// Kills it when its time is over. The kernel ends everything else in its PID namespace (pid_namespaces(7)).
    pub(super) fn end_when_expired(&mut self) {
        if self.expires.is_none_or(|expires| now() < expires) {
            return;
        }
        self.expires = None;
        if let Phase::Running(running) = &self.phase {
            // One that has just ended needs no signal.
            let _ = sampan_sys::pidfd::send_signal(&running.pidfd, KILL);
        }
    }
}
