//! The wall clock, in the unit of all records.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, or 0 on a machine whose clock stands before that.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
