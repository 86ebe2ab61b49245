//! Times in filters and options: a Unix time, RFC 3339, or a duration back from now (`10m`, `1h30m`).

/// Nanoseconds since 1970; `None` when the text is none of these.
pub(crate) fn parse(text: &str, now: i64) -> Option<i64> {
    unix(text).or_else(|| duration(text).map(|back| now - back)).or_else(|| calendar(text))
}

/// `1700000000` or `1700000000.123456789`.
fn unix(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds: i64 = seconds.parse().ok()?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds: i64 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

/// A duration in Go's form, in nanoseconds.
pub fn duration(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let value: f64 = rest[..digits].parse().ok()?;
        let units =
            [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];
        let (unit, factor) = units.iter().find(|(unit, _)| {
            rest[digits..].starts_with(unit) && !(*unit == "m" && rest[digits..].starts_with("ms"))
        })?;
        total += value * factor;
        rest = &rest[digits + unit.len()..];
    }
    #[allow(clippy::cast_possible_truncation)]
    Some(total as i64)
}

/// A date and time, with or without a zone (local then); the time or parts of it may be missing.
fn calendar(text: &str) -> Option<i64> {
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return i64::try_from(timestamp.as_nanosecond()).ok();
    }
    let local = match text.parse::<jiff::civil::DateTime>() {
        Ok(time) => time,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    let zoned = local.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    i64::try_from(zoned.timestamp().as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_three_forms() {
        let now = 1_700_000_000_000_000_000;
        assert_eq!(parse("1600000000", now), Some(1_600_000_000_000_000_000));
        assert_eq!(parse("1600000000.5", now), Some(1_600_000_000_500_000_000));
        assert_eq!(parse("10m", now), Some(now - 600_000_000_000));
        assert_eq!(parse("1h30m", now), Some(now - 5_400_000_000_000));
        assert_eq!(parse("150ms", now), Some(now - 150_000_000));
        assert_eq!(parse("2023-11-14T22:13:20Z", 0), Some(now));
        assert_eq!(parse("yesterday", now), None);
        assert_eq!(parse("", now), None);
    }
}
