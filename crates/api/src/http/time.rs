//! Times as Docker writes and reads them.

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// RFC 3339 in UTC with nanoseconds, zeros at the end left out, as Go's `RFC3339Nano`.
/// Zero is Go's zero time, the year 1.
pub(crate) fn rfc3339(nanoseconds: i64) -> String {
    if nanoseconds == 0 {
        return "0001-01-01T00:00:00Z".into();
    }
    let (seconds, fraction) = (nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND));
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let of_day = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction > 0 {
        let digits = format!(".{fraction:09}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Year, month and day of a count of days since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A Unix time with an optional fraction (`1700000000.000000001`) in nanoseconds; the form of `since` and
/// `until` on the wire. `None` when it is not one.
pub(crate) fn unix(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds: i64 = seconds.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    seconds.checked_mul(SECOND)?.checked_add(nanoseconds)
}

/// Now, nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A span as people say it: `About an hour`, `3 weeks`. The steps are those of Docker's list.
pub(crate) fn spoken(nanoseconds: i64) -> String {
    let seconds = nanoseconds / SECOND;
    let minutes = seconds / 60;
    // Rounded to the nearest hour, as Docker does.
    let hours = (nanoseconds + 1800 * SECOND) / (3600 * SECOND);
    match () {
        () if seconds < 1 => "Less than a second".into(),
        () if seconds == 1 => "1 second".into(),
        () if seconds < 60 => format!("{seconds} seconds"),
        () if minutes == 1 => "About a minute".into(),
        () if minutes < 60 => format!("{minutes} minutes"),
        () if hours == 1 => "About an hour".into(),
        () if hours < 48 => format!("{hours} hours"),
        () if hours < 24 * 7 * 2 => format!("{} days", hours / 24),
        () if hours < 24 * 30 * 2 => format!("{} weeks", hours / 24 / 7),
        () if hours < 24 * 365 * 2 => format!("{} months", hours / 24 / 30),
        () => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_does() {
        assert_eq!(rfc3339(0), "0001-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000 * SECOND), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(1_709_164_800 * SECOND + 120_000_000), "2024-02-29T00:00:00.12Z");
    }

    #[test]
    fn unix_times_have_a_fraction() {
        assert_eq!(unix("1700000000"), Some(1_700_000_000 * SECOND));
        assert_eq!(unix("1700000000.5"), Some(1_700_000_000 * SECOND + 500_000_000));
        assert_eq!(unix("1.000000001"), Some(SECOND + 1));
        assert_eq!(unix("yesterday"), None);
        assert_eq!(unix("-1"), Some(-SECOND));
    }

    #[test]
    fn spans_are_spoken_as_docker_does() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (59, "59 seconds"),
            (61, "About a minute"),
            (59 * 60, "59 minutes"),
            (3600, "About an hour"),
            (47 * 3600, "47 hours"),
            (3 * 86_400, "3 days"),
            (21 * 86_400, "3 weeks"),
            (90 * 86_400, "3 months"),
            (800 * 86_400, "2 years"),
        ] {
            assert_eq!(spoken(seconds * SECOND), text);
        }
    }
}
