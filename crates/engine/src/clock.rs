//! The wall clock, in the unit of all records.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, or 0 on a machine whose clock stands before that.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A time in a few characters that sort by it and may stand in a name: `20261127T001500Z`.
pub(crate) fn compact(time: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time)).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}
