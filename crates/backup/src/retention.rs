//! Which snapshots stay.

use rustic_core::KeepOptions;
use serde::{Deserialize, Serialize};

/// How many of each kind stay; one that any rule wants stays. Nothing said keeps all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// The last ones.
    pub last: Option<u32>,
    /// The last one of each of so many hours.
    pub hourly: Option<u32>,
    /// The last one of each of so many days.
    pub daily: Option<u32>,
    /// The last one of each of so many weeks.
    pub weekly: Option<u32>,
    /// The last one of each of so many months.
    pub monthly: Option<u32>,
}

impl Retention {
    /// Whether anything is to go at all.
    #[must_use]
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }

    pub(crate) fn options(&self) -> KeepOptions {
        let count = |count: Option<u32>| count.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
        let mut options = KeepOptions::default();
        options.keep_last = count(self.last);
        options.keep_hourly = count(self.hourly);
        options.keep_daily = count(self.daily);
        options.keep_weekly = count(self.weekly);
        options.keep_monthly = count(self.monthly);
        options
    }
}
