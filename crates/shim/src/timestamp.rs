//! Points in time as the log files and the exit record write them: RFC 3339 in UTC with nanoseconds.
//!
//! Written by hand because it is on the path of every line of container output.

use std::time::{SystemTime, UNIX_EPOCH};

const NANOSECONDS: i64 = 1_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z. Good from 1677 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The present moment by the wall clock.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Appends `2026-11-21T04:05:06.5Z`: the fraction without trailing zeros, as Go's `time.RFC3339Nano`
    /// writes it and as Docker's json-file log has it.
    pub fn write_trimmed(self, out: &mut Vec<u8>) {
        let start = out.len();
        self.write_fixed(out);
        out.pop();
        while out.len() > start && out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            out.pop();
        }
        out.push(b'Z');
    }

    /// Appends `2026-11-21T04:05:06.500000000Z`: always nine digits of fraction, as `docker logs -t` prints.
    pub fn write_fixed(self, out: &mut Vec<u8>) {
        let seconds = self.0.div_euclid(NANOSECONDS);
        let nanoseconds = self.0.rem_euclid(NANOSECONDS);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        digits(out, year, 4);
        out.push(b'-');
        digits(out, month, 2);
        out.push(b'-');
        digits(out, day, 2);
        out.push(b'T');
        digits(out, of_day / 3600, 2);
        out.push(b':');
        digits(out, of_day / 60 % 60, 2);
        out.push(b':');
        digits(out, of_day % 60, 2);
        out.push(b'.');
        digits(out, nanoseconds, 9);
        out.push(b'Z');
    }

    /// Reads RFC 3339 with any number of fraction digits and `Z` or a numeric offset.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let number = |from: usize, to: usize| -> Option<i64> {
            text.get(from..to)?.iter().try_fold(0_i64, |value, digit| {
                digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
            })
        };
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if separators.iter().any(|(at, byte)| text.get(*at) != Some(byte)) {
            return None;
        }
        let days = days_from_civil(number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let mut seconds = days * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
        let mut at = 19;
        let mut nanoseconds = 0;
        if text.get(at) == Some(&b'.') {
            at += 1;
            let mut unit = NANOSECONDS / 10;
            while let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit()) {
                nanoseconds += i64::from(digit - b'0') * unit;
                unit /= 10;
                at += 1;
            }
        }
        match text.get(at)? {
            b'Z' | b'z' => {}
            sign @ (b'+' | b'-') => {
                let offset = number(at + 1, at + 3)? * 3600 + number(at + 4, at + 6)? * 60;
                seconds -= if *sign == b'+' { offset } else { -offset };
            }
            _ => return None,
        }
        seconds.checked_mul(NANOSECONDS)?.checked_add(nanoseconds).map(Self)
    }
}

/// Appends `value` with exactly `width` digits.
fn digits(out: &mut Vec<u8>, value: i64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = value;
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + u8::try_from(rest.rem_euclid(10)).unwrap_or(0);
        rest /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar: eras of 400
/// years begin on 1 March of year 0, so that the leap day is the last of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(nanoseconds: i64) -> String {
        let mut out = Vec::new();
        Timestamp(nanoseconds).write_trimmed(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn written_as_go_writes_it() {
        assert_eq!(trimmed(0), "1970-01-01T00:00:00Z");
        assert_eq!(trimmed(951_782_399_500_000_000), "2000-02-28T23:59:59.5Z");
        assert_eq!(trimmed(951_868_799_000_000_001), "2000-02-29T23:59:59.000000001Z");
        assert_eq!(trimmed(1_795_233_906_123_456_000), "2026-11-21T04:05:06.123456Z");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for day in (-20_000..80_000).step_by(37) {
            let time = Timestamp(day * 86_400 * NANOSECONDS + 12_345_678_901_234);
            let mut out = Vec::new();
            time.write_trimmed(&mut out);
            assert_eq!(Timestamp::parse(&out), Some(time), "{}", String::from_utf8_lossy(&out));
            out.clear();
            time.write_fixed(&mut out);
            assert_eq!(out.len(), 30);
            assert_eq!(Timestamp::parse(&out), Some(time));
        }
        assert_eq!(Timestamp::parse(b"2026-11-21T05:05:06+01:00"), Timestamp::parse(b"2026-11-21T04:05:06Z"));
        assert_eq!(Timestamp::parse(b"2026-11-21 05:05:06Z"), None);
        assert_eq!(Timestamp::parse(b"2026-11-21T05:05:06"), None);
    }
}
