//! Sizes in the form people write them.

/// Bytes of `10`, `10b`, `10k`, `1.5m`, `2g`, `1t`, with an optional `b` or `ib` behind; powers of 1024.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(lower.len());
    let number: f64 = lower[..digits].parse().ok()?;
    let power = match lower[digits..].trim().trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let bytes = number * 1024_f64.powi(power);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (bytes.is_finite() && bytes >= 0.0).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(bytes("10"), Some(10));
        assert_eq!(bytes("10k"), Some(10_240));
        assert_eq!(bytes("1.5MB"), Some(1_572_864));
        assert_eq!(bytes("2GiB"), Some(2 << 30));
        assert_eq!(bytes("many"), None);
        assert_eq!(bytes(""), None);
    }
}
