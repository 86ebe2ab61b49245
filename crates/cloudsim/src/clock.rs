//! Moments and names that nobody else has.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom, SystemRandom};

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A moment in milliseconds as the JSON protocols write it: seconds with a fraction.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// A moment in milliseconds as the XML protocols write it.
pub(crate) fn iso(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| String::new(), |moment| moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

/// `digits` random hexadecimal digits.
pub(crate) fn random(digits: usize) -> String {
    let mut bytes = vec![0; digits.div_ceil(2)];
    // The system's source of random bytes does not fail once it is seeded (getrandom(2)).
    let _ = SystemRandom::new().fill(&mut bytes);
    let mut text = hex::encode(bytes);
    text.truncate(digits);
    text
}
