//! Sizes, durations and fractions as Docker's command line writes them.

use super::values::quote;

/// A size in bytes: a number, an optional unit (`b k m g t p`, any case, `ib` or `b` after it), base 1024.
/// (docker's go-units.)
pub(crate) fn parse_size(text: &str) -> Result<i64, String> {
    let invalid = || format!("invalid size: '{text}'");
    let end = text.rfind(|character: char| character.is_ascii_digit() || matches!(character, '.' | ' '));
    let end = end.ok_or_else(invalid)?;
    let (number, suffix) = match text.as_bytes()[end] {
        b' ' => (&text[..end], &text[end + 1..]),
        _ => text.split_at(end + 1),
    };
    let value: f64 = number
        .parse()
        .map_err(|_| format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(number)))?;
    if value < 0.0 || value.is_nan() {
        return Err(invalid());
    }
    let suffix = suffix.to_ascii_lowercase();
    let unit = suffix.chars().next();
    let power = match unit {
        None | Some('b') => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some('p') => 5,
        Some(_) => return Err(format!("invalid suffix: '{suffix}'")),
    };
    let tail = suffix.get(1..).unwrap_or_default();
    let tail_is_right = if unit == Some('b') { tail.is_empty() } else { matches!(tail, "" | "b" | "ib") };
    if !tail_is_right {
        return Err(format!("invalid suffix: '{suffix}'"));
    }
    // The product is cut like Go's conversion; sizes beyond i64 stop at its end.
    #[expect(clippy::cast_possible_truncation, reason = "the fraction of a byte is dropped")]
    Ok((value * 1024_f64.powi(power)) as i64)
}

/// Nanoseconds from Go's duration syntax: `1h30m`, `1.5s`, `300ms`, `-2us`.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.');
        let Some(digits) = digits else {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        };
        let number: f64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let letters =
            rest.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(rest.len());
        let factor = match &rest[..letters] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            unit => return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text))),
        };
        total += number * factor;
        rest = &rest[letters..];
    }
    if total > 9.2e18 {
        return Err(invalid());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked above; fractions of a nanosecond are dropped"
    )]
    let nanoseconds = total.round() as i64;
    Ok(if negative { -nanoseconds } else { nanoseconds })
}

/// Billionths of a CPU from a decimal number or a fraction (`1.5`, `1/2`).
pub(crate) fn parse_cpus(text: &str) -> Result<i64, String> {
    const BILLION: i128 = 1_000_000_000;
    let invalid = || format!("failed to parse {text} as a rational number");
    let (numerator, denominator) = match text.split_once('/') {
        Some((above, below)) => {
            (above.parse::<i128>().map_err(|_| invalid())?, below.parse::<i128>().map_err(|_| invalid())?)
        }
        None => decimal(text).ok_or_else(invalid)?,
    };
    if denominator <= 0 {
        return Err(invalid());
    }
    let scaled = numerator.checked_mul(BILLION).ok_or_else(invalid)?;
    if scaled % denominator != 0 {
        return Err(String::from("value is too precise"));
    }
    i64::try_from(scaled / denominator).map_err(|_| invalid())
}

/// A decimal number as a fraction.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, fraction].concat();
    if all.is_empty() || all.len() > 30 || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i128 = all.parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some((if negative { -value } else { value }, scale))
}

#[cfg(test)]
mod tests {
    use super::{parse_cpus, parse_duration, parse_size};

    #[test]
    fn sizes() {
        let right =
            [("1g", 1 << 30), ("1.5k", 1536), ("64MiB", 64 << 20), ("10 kb", 10 << 10), ("7", 7), ("3b", 3)];
        for (text, bytes) in right {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_size("x").unwrap_err(), "invalid size: 'x'");
        assert_eq!(parse_size("-1").unwrap_err(), "invalid size: '-1'");
        assert_eq!(parse_size("1x").unwrap_err(), "invalid suffix: 'x'");
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(parse_duration("-1.5s"), Ok(-1_500_000_000));
        assert_eq!(parse_duration("5").unwrap_err(), "time: missing unit in duration \"5\"");
        assert_eq!(parse_duration("5x").unwrap_err(), "time: unknown unit \"x\" in duration \"5x\"");
    }

    #[test]
    fn shares_of_a_cpu() {
        assert_eq!(parse_cpus("1.5"), Ok(1_500_000_000));
        assert_eq!(parse_cpus("1/2"), Ok(500_000_000));
        assert_eq!(parse_cpus("0.0000000001").unwrap_err(), "value is too precise");
        assert_eq!(parse_cpus("x").unwrap_err(), "failed to parse x as a rational number");
    }
}
