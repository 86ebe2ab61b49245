//! When a container that ended is started again, and how soon: pure.

use super::ContainerRecord;
use super::exit::Ending;
use crate::spec::RestartKind;
use std::time::Duration;

/// The first pause before a restart; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A run of this length counts as a success: the pause begins anew.
const GOOD_RUN: i64 = 10_000_000_000;

/// The pause before the next start, or `None` when it stays down.
pub(crate) fn decide(record: &ContainerRecord, ending: &Ending) -> Option<Duration> {
    let policy = record.spec.host.restart;
    let again = match policy.kind {
        // Another place may have it by now.
        _ if record.leased => false,
        RestartKind::No => false,
        RestartKind::Always | RestartKind::UnlessStopped => !record.stopped_by_user,
        RestartKind::OnFailure => {
            !record.stopped_by_user
                && ending.code != 0
                && (policy.maximum_retries == 0 || record.restart_count < policy.maximum_retries)
        }
    };
    again.then(|| pause(record.restart_count, ending.at - record.state.started))
}

fn pause(restarts: u32, ran_for: i64) -> Duration {
    if ran_for >= GOOD_RUN {
        return FIRST_PAUSE;
    }
    FIRST_PAUSE.saturating_mul(1_u32.checked_shl(restarts).unwrap_or(u32::MAX)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RestartPolicy;

    fn decision(
        kind: RestartKind,
        maximum_retries: u32,
        count: u32,
        code: i32,
        by_user: bool,
    ) -> Option<Duration> {
        let mut record =
            ContainerRecord { restart_count: count, stopped_by_user: by_user, ..Default::default() };
        record.spec.host.restart = RestartPolicy { kind, maximum_retries };
        decide(&record, &Ending { code, at: 1, oom_killed: false })
    }

    #[test]
    fn policies_are_dockers() {
        assert_eq!(decision(RestartKind::No, 0, 0, 1, false), None);
        assert_eq!(decision(RestartKind::Always, 0, 0, 0, false), Some(Duration::from_millis(100)));
        assert_eq!(decision(RestartKind::Always, 0, 0, 0, true), None);
        assert_eq!(decision(RestartKind::OnFailure, 0, 3, 1, false), Some(Duration::from_millis(800)));
        assert_eq!(decision(RestartKind::OnFailure, 3, 3, 1, false), None);
        assert_eq!(decision(RestartKind::OnFailure, 0, 0, 0, false), None);
        assert_eq!(decision(RestartKind::UnlessStopped, 0, 40, 0, false), Some(LONGEST_PAUSE));
    }
}
