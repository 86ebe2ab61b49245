//! When something is done: every so often, or at times that five fields describe (crontab(5), in UTC).

use sampan_error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// So many seconds after the last time's begin.
    Every {
        /// They.
        seconds: u64,
    },
    /// Minute, hour, day of month, month, day of week.
    Cron {
        /// The five fields.
        fields: String,
    },
}

impl Schedule {
    /// Reads `5m`, `1h30m`, or five fields.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self> {
        if text.split_whitespace().count() == 5 {
            let schedule = Self::Cron { fields: text.split_whitespace().collect::<Vec<_>>().join(" ") };
            cron(text)?;
            return Ok(schedule);
        }
        let nanoseconds =
            sampan_engine::duration(text.trim()).filter(|time| *time >= 1_000_000_000 && !text.contains('-'));
        let nanoseconds = nanoseconds.ok_or_else(|| {
            Error::invalid(format!(
                "{text:?} is no interval: 5m or 1h30m would be one (at least 1s), or five fields as in \"0 3 * * *\""
            ))
        })?;
        Ok(Self::Every { seconds: u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX) })
    }

    /// The first time after this one, nanoseconds since 1970.
    #[must_use]
    pub fn after(&self, time: i64) -> Option<i64> {
        match self {
            Self::Every { seconds } => {
                let step = i64::try_from(*seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
                Some(time.saturating_add(step))
            }
            Self::Cron { fields } => {
                let begin = jiff::Timestamp::from_nanosecond(i128::from(time)).ok()?;
                let next = cron(fields).ok()?.find_next(begin).ok()?;
                i64::try_from(next.timestamp().as_nanosecond()).ok()
            }
        }
    }
}

fn cron(fields: &str) -> Result<cronexpr::Crontab> {
    let text = format!("{fields} UTC");
    cronexpr::parse_crontab(&text)
        .map_err(|error| Error::invalid(format!("the schedule {fields:?} cannot be read: {error}")))
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cron { fields } => f.write_str(fields),
            Self::Every { seconds } => {
                let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                let parts = [(hours, "h"), (minutes, "m"), (seconds, "s")];
                let shown = parts.iter().filter(|(count, _)| *count > 0);
                let text: String = shown.map(|(count, unit)| format!("{count}{unit}")).collect();
                write!(f, "every {text}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_and_shown() {
        for (text, shown) in [
            ("5m", "every 5m"),
            ("1h30m", "every 1h30m"),
            ("90s", "every 1m30s"),
            ("0 3  * * *", "0 3 * * *"),
        ] {
            assert_eq!(Schedule::parse(text).expect(text).to_string(), shown);
        }
        for text in ["", "x", "0s", "-5m", "10ms", "61 3 * * *", "1 2 3 4"] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
        let noon = 1_767_268_800_000_000_000;
        assert_eq!(Schedule::parse("5m").expect("fine").after(noon), Some(noon + 300_000_000_000));
        let three = Schedule::parse("30 13 * * *").expect("fine").after(noon);
        assert_eq!(three, Some(noon + 90 * 60_000_000_000));
    }
}
