//! Points in time as `--since` and `--until` take them: a span back from now, a date, or Unix seconds.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::flags::{parse_duration, quote};

/// The form that the API takes: Unix seconds, possibly with nine digits after a dot.
///
/// # Errors
/// None of the three forms.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    if text != "0"
        && let Ok(nanoseconds) = parse_duration(text)
    {
        let back = SignedDuration::from_nanos(nanoseconds);
        let point = Timestamp::now().checked_sub(back).map_err(|error| error.to_string())?;
        return Ok(point.as_second().to_string());
    }
    let has_zone = text.contains(['z', 'Z', '+']) || text.matches('-').count() == 3;
    let point = if has_zone { zoned(text) } else { local(text) };
    if let Some(point) = point {
        return Ok(format!("{}.{:09}", point.as_second(), point.subsec_nanosecond()));
    }
    if text.contains('-') {
        return Err(format!("parsing time {}: not a date such as 2013-01-02T13:23:37Z", quote(text)));
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if seconds.parse::<i64>().is_err() || fraction.parse::<i64>().is_err() {
        return Err(format!("failed to parse value as time or duration: {}", quote(text)));
    }
    Ok(text.to_owned())
}

/// A date, an hour, a minute or more, in the zone of this machine.
fn local(text: &str) -> Option<Timestamp> {
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    civil(text)?.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

/// The same with `Z` or an offset behind it.
fn zoned(text: &str) -> Option<Timestamp> {
    let (rest, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(rest) => (rest, 0),
        None => {
            let sign = text.rfind(['+', '-'])?;
            let (hours, minutes) = text[sign + 1..].split_once(':')?;
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            (&text[..sign], if text[sign..].starts_with('-') { -seconds } else { seconds })
        }
    };
    let zone = TimeZone::fixed(jiff::tz::Offset::from_seconds(offset).ok()?);
    civil(rest)?.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

fn civil(text: &str) -> Option<DateTime> {
    match text.split_once('T') {
        None => text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)),
        Some((date, time)) => {
            let padded = match time.matches(':').count() {
                0 => format!("{date}T{time}:00:00"),
                1 => format!("{date}T{time}:00"),
                _ => text.to_owned(),
            };
            padded.parse().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_three_forms() {
        assert_eq!(parse("2013-01-02T13:23:37Z").unwrap(), "1357133017.000000000");
        assert_eq!(parse("2013-01-02T13:23:37.5+01:00").unwrap(), "1357129417.500000000");
        assert_eq!(parse("2013-01-02T13:23Z").unwrap(), "1357132980.000000000");
        assert_eq!(parse("1357133017.5").unwrap(), "1357133017.5");
        assert_eq!(parse("0").unwrap(), "0");
        assert!(parse("42m").unwrap().parse::<i64>().is_ok());
        assert_eq!(parse("nonsense").unwrap_err(), "failed to parse value as time or duration: \"nonsense\"");
        assert!(parse("2013-13-02").is_err());
    }
}
