//! Kubernetes' quantities: `250m` of a CPU, `1.5Gi` of memory.

/// A quantity as a number of its unit (CPUs, bytes); `None` when it is none. Its endings: `n`, `u`, `m`, `k`, `M`, `G`, `T`,
/// `P`, `E`, each of the last six with `i` for powers of 1024, and an exponent (`1e3`).
pub(crate) fn parse(text: &str) -> Option<f64> {
    // `E` is an ending, `1E3` an exponent: the number is the longest beginning that is one.
    let cut = (1..=text.len()).rev().filter(|end| text.is_char_boundary(*end)).find(|end| {
        let number = &text[..*end];
        number.ends_with(|c: char| c.is_ascii_digit() || c == '.') && number.parse::<f64>().is_ok()
    })?;
    let number: f64 = text[..cut].parse().ok()?;
    let scale = match &text[cut..] {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return None,
    };
    Some(number * scale)
}

/// So much of a CPU in thousandths, rounded up: Kubernetes takes no finer ones.
pub(crate) fn cpus(nano: u64) -> String {
    format!("{}m", nano.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::{cpus, parse};

    #[test]
    fn quantities_are_read() {
        for (text, number) in [
            ("0", 0.0),
            ("250m", 0.25),
            ("156340n", 0.000_156_34),
            ("1.5", 1.5),
            ("64Ki", 65_536.0),
            ("1.5Gi", 1_610_612_736.0),
            ("2E", 2e18),
            ("1e3", 1000.0),
            ("1E3", 1000.0),
            ("12k", 12_000.0),
        ] {
            let read = parse(text).unwrap();
            assert!((read - number).abs() <= number * 1e-12, "{text}: {read}");
        }
        for text in ["", "Ki", "1x", "one", "1 Gi", "1KiB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_cpus_are_rounded_up() {
        assert_eq!((cpus(500_000_000).as_str(), cpus(1).as_str()), ("500m", "1m"));
    }
}
