//! The order in which people expect names: numbers inside them count as numbers.

use std::cmp::Ordering;

/// Compares as Docker sorts lists: runs of digits by value, the rest letter by letter; of equal
/// numbers the one with fewer leading zeros comes first.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if left[i].is_ascii_digit() && right[j].is_ascii_digit() {
            let (zeros_left, zeros_right) = (skip_zeros(left, &mut i), skip_zeros(right, &mut j));
            let (from_left, from_right) = (i, j);
            skip_digits(left, &mut i);
            skip_digits(right, &mut j);
            let order = (i - from_left)
                .cmp(&(j - from_right))
                .then_with(|| left[from_left..i].cmp(&right[from_right..j]))
                .then_with(|| zeros_left.cmp(&zeros_right));
            if order.is_ne() {
                return order;
            }
        } else {
            if left[i] != right[j] {
                return left[i].cmp(&right[j]);
            }
            i += 1;
            j += 1;
        }
    }
    left.len().cmp(&right.len())
}

fn skip_zeros(text: &[u8], position: &mut usize) -> usize {
    let start = *position;
    while *position < text.len() && text[*position] == b'0' {
        *position += 1;
    }
    *position - start
}

fn skip_digits(text: &[u8], position: &mut usize) {
    while *position < text.len() && text[*position].is_ascii_digit() {
        *position += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn numbers_count_as_numbers() {
        let mut names = vec!["net10", "net9", "a", "net", "net09", "B", "net9b"];
        names.sort_by(|left, right| compare(left, right));
        assert_eq!(names, ["B", "a", "net", "net9", "net9b", "net09", "net10"]);
    }
}
