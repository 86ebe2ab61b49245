//! Points in time as Go prints them, in the zone of the user's machine.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The zone of `TZ` or `/etc/localtime`; UTC where neither says anything.
fn zone() -> TimeZone {
    TimeZone::try_system().unwrap_or(TimeZone::UTC)
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now() -> i128 {
    Timestamp::now().as_nanosecond()
}

fn from_seconds(seconds: i64) -> Zoned {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone())
}

/// Go's `time.Time.String()` of a Unix time: `2026-11-21 04:00:00 +0000 UTC`.
pub(crate) fn go_string(seconds: i64) -> String {
    from_seconds(seconds).strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string()
}

/// RFC 3339 in the local zone, with `Z` for UTC, as Go's `time.RFC3339`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let zoned = from_seconds(seconds);
    let base = zoned.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    base + &offset(&zoned)
}

fn offset(zoned: &Zoned) -> String {
    if zoned.offset().is_zero() { "Z".into() } else { zoned.strftime("%:z").to_string() }
}

/// RFC 3339 with nine digits after the second, in the local zone, as events and logs show it.
pub(crate) fn rfc3339_nano_fixed(nanoseconds: i128) -> String {
    let stamp = Timestamp::from_nanosecond(nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let zoned = stamp.to_zoned(zone());
    let base = zoned.strftime("%Y-%m-%dT%H:%M:%S.%9f").to_string();
    base + &zoned.strftime("%:z").to_string().replace("+00:00", "Z")
}

/// Reads RFC 3339 into nanoseconds since 1970; nothing when it is something else or Go's zero time.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i128> {
    if text.starts_with("0001-01-01T00:00:00Z") {
        return None;
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_nanosecond)
}

/// Go's `time.Duration.String()` of nanoseconds: `1m30s`, `1.5ms`, `0s`.
pub(crate) fn go_duration(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let size = nanoseconds.unsigned_abs();
    let decimal = |unit: u64| {
        let fraction = format!("{:0width$}", size % unit, width = unit.ilog10() as usize);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() { (size / unit).to_string() } else { format!("{}.{fraction}", size / unit) }
    };
    match size {
        0 => return "0s".into(),
        1..1_000 => return format!("{sign}{size}ns"),
        1_000..1_000_000 => return format!("{sign}{}µs", decimal(1_000)),
        1_000_000..1_000_000_000 => return format!("{sign}{}ms", decimal(1_000_000)),
        _ => {}
    }
    let seconds = decimal(1_000_000_000);
    let (whole, fraction) = seconds.split_once('.').unwrap_or((&seconds, ""));
    let whole: u64 = whole.parse().unwrap_or_default();
    let dot = if fraction.is_empty() { "" } else { "." };
    let last = format!("{}{dot}{fraction}s", whole % 60);
    match (whole / 3600, whole / 60 % 60) {
        (0, 0) => format!("{sign}{last}"),
        (0, minutes) => format!("{sign}{minutes}m{last}"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{last}"),
    }
}

/// RFC 3339 as Go's `time.ANSIC`, in the text's own zone: `Tue Sep 15 11:02:57 2026`. Anything else
/// stays as it is.
pub(crate) fn ansi_c(text: &str) -> String {
    let Ok(stamp) = text.parse::<Timestamp>() else { return text.into() };
    let clock = text.split_once('T').map_or("", |(_, clock)| clock);
    let offset =
        clock.find(['+', '-']).and_then(|at| parse_offset(&clock[at..])).unwrap_or(jiff::tz::Offset::UTC);
    stamp.to_zoned(offset.to_time_zone()).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

fn parse_offset(text: &str) -> Option<jiff::tz::Offset> {
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    jiff::tz::Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

/// How long ago a Unix time was, in Docker's words.
pub(crate) fn since(seconds: i64) -> String {
    super::units::human_duration(now() - i128::from(seconds) * 1_000_000_000)
}

/// Go's `time.Time.String()` of an RFC 3339 text, which keeps the text's own zone.
pub(crate) fn go_string_of(text: &str) -> String {
    let (date, rest) = text.split_once('T').unwrap_or((text, ""));
    let zone_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let clock = match clock.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
        }
        None => clock.to_string(),
    };
    let zone = match zone {
        "Z" => "+0000 UTC".to_string(),
        other => {
            let plain = other.replace(':', "");
            format!("{plain} {plain}")
        }
    };
    format!("{date} {clock} {zone}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_parsed_times_like_go() {
        for (text, expected) in [
            ("2024-01-02T03:04:05Z", "2024-01-02 03:04:05 +0000 UTC"),
            ("2024-01-02T03:04:05.120Z", "2024-01-02 03:04:05.12 +0000 UTC"),
            ("2024-01-02T03:04:05.000+02:00", "2024-01-02 03:04:05 +0200 +0200"),
        ] {
            assert_eq!(go_string_of(text), expected);
        }
        assert_eq!(ansi_c("2026-09-05T11:02:57.000000000+02:00"), "Sat Sep  5 11:02:57 2026");
        assert_eq!(ansi_c("unknown"), "unknown");
        for (nanoseconds, expected) in [
            (0, "0s"),
            (15, "15ns"),
            (1_500, "1.5µs"),
            (20_000_000, "20ms"),
            (90_000_000_000, "1m30s"),
            (-3_600_000_000_000, "-1h0m0s"),
            (1_500_000_000, "1.5s"),
        ] {
            assert_eq!(go_duration(nanoseconds), expected);
        }
        assert_eq!(parse_rfc3339("0001-01-01T00:00:00Z"), None);
        assert_eq!(parse_rfc3339("1970-01-01T00:00:01.5Z"), Some(1_500_000_000));
    }
}
