//! Sizes and durations for people, with the rounding and words of Docker's `go-units`.

const DECIMAL: [&str; 9] = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY: [&str; 9] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/// A size in powers of 1000 with four significant digits: `1.234MB`.
pub(crate) fn human_size(size: f64) -> String {
    human_size_with_precision(size, 4)
}

/// A size in powers of 1000 with this many significant digits.
pub(crate) fn human_size_with_precision(size: f64, precision: usize) -> String {
    scaled(size, 1000.0, &DECIMAL, precision)
}

/// A size in powers of 1024 with four significant digits: `1.5GiB`.
pub(crate) fn bytes_size(size: f64) -> String {
    scaled(size, 1024.0, &BINARY, 4)
}

fn scaled(mut size: f64, base: f64, names: &[&str; 9], precision: usize) -> String {
    let mut step = 0;
    while size >= base && step < names.len() - 1 {
        size /= base;
        step += 1;
    }
    format!("{}{}", significant(size, precision), names[step])
}

/// Go's `%.*g`: so many significant digits, trailing zeros dropped, an exponent when the number has
/// more digits before its point than that.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= i32::try_from(digits).unwrap_or(i32::MAX) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs());
    }
    let after_point = usize::try_from(i32::try_from(digits).unwrap_or(i32::MAX) - 1 - exponent).unwrap_or(0);
    trim_zeros(&format!("{value:.after_point$}")).into()
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A rough duration in words: `Less than a second`, `About a minute`, `3 weeks`. A negative one
/// (a clock behind the daemon's) counts as less than a second.
pub(crate) fn human_duration(nanoseconds: i128) -> String {
    let seconds = nanoseconds.max(0) / 1_000_000_000;
    let minutes = seconds / 60;
    // Go rounds the hours of a float to the nearest whole one.
    let hours = (nanoseconds.max(0) + 1_800_000_000_000) / 3_600_000_000_000;
    if seconds < 1 {
        "Less than a second".into()
    } else if seconds == 1 {
        "1 second".into()
    } else if seconds < 60 {
        format!("{seconds} seconds")
    } else if minutes == 1 {
        "About a minute".into()
    } else if minutes < 60 {
        format!("{minutes} minutes")
    } else if hours == 1 {
        "About an hour".into()
    } else if hours < 48 {
        format!("{hours} hours")
    } else if hours < 24 * 7 * 2 {
        format!("{} days", hours / 24)
    } else if hours < 24 * 30 * 2 {
        format!("{} weeks", hours / 24 / 7)
    } else if hours < 24 * 365 * 2 {
        format!("{} months", hours / 24 / 30)
    } else {
        format!("{} years", nanoseconds / 3_600_000_000_000 / 24 / 365)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (size, text) in [
            (0.0, "0B"),
            (1.0, "1B"),
            (999.0, "999B"),
            (1000.0, "1kB"),
            (1024.0, "1.024kB"),
            (1_000_000.0, "1MB"),
            (1_048_576.0, "1.049MB"),
            (2_000_000.0, "2MB"),
            (3.42e9, "3.42GB"),
            (5.372e12, "5.372TB"),
            (999_999.0, "1000kB"),
            (123_456_789.0, "123.5MB"),
            (1e30, "1e+06YB"),
        ] {
            assert_eq!(human_size(size), text, "{size}");
        }
        for (size, text) in [
            (0.0, "0B"),
            (12_345.0, "12.3kB"),
            (1_234_567.0, "1.23MB"),
            (999_600.0, "1e+03kB"),
            (77_800_000.0, "77.8MB"),
        ] {
            assert_eq!(human_size_with_precision(size, 3), text, "{size}");
        }
        for (size, text) in [
            (1024.0, "1KiB"),
            (1_048_576.0, "1MiB"),
            (1_572_864.0, "1.5MiB"),
            (25_277_992_960.0, "23.54GiB"),
            (1023.0, "1023B"),
            (1023.9 * 1024.0, "1024KiB"),
        ] {
            assert_eq!(bytes_size(size), text, "{size}");
        }
    }

    #[test]
    fn durations() {
        const SECOND: i128 = 1_000_000_000;
        const HOUR: i128 = 3600 * SECOND;
        const DAY: i128 = 24 * HOUR;
        for (duration, text) in [
            (-5 * SECOND, "Less than a second"),
            (450_000_000, "Less than a second"),
            (SECOND, "1 second"),
            (47 * SECOND, "47 seconds"),
            (60 * SECOND, "About a minute"),
            (119 * SECOND, "About a minute"),
            (120 * SECOND, "2 minutes"),
            (35 * 60 * SECOND + 40 * SECOND, "35 minutes"),
            (HOUR, "About an hour"),
            (HOUR + 29 * 60 * SECOND, "About an hour"),
            (HOUR + 30 * 60 * SECOND, "2 hours"),
            (47 * HOUR, "47 hours"),
            (48 * HOUR, "2 days"),
            (3 * DAY, "3 days"),
            (13 * DAY, "13 days"),
            (14 * DAY, "2 weeks"),
            (59 * DAY, "8 weeks"),
            (60 * DAY, "2 months"),
            (365 * DAY, "12 months"),
            (729 * DAY, "24 months"),
            (730 * DAY, "2 years"),
        ] {
            assert_eq!(human_duration(duration), text, "{duration}");
        }
    }
}
