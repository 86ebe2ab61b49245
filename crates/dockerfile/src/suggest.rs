//! What was meant by a word that nobody knows.

/// All keywords.
pub(super) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// The whole line as it may have been meant, for an unknown first word.
pub(super) fn line(word: &str, rest: &str) -> Option<String> {
    let upper = word.to_ascii_uppercase();
    // A missing space: `COPY. /app`, `RUN"x"`.
    let glued =
        KEYWORDS.iter().filter(|keyword| upper.starts_with(**keyword)).max_by_key(|keyword| keyword.len());
    if let Some(keyword) = glued {
        let tail = &word[keyword.len()..];
        if tail.starts_with(|character: char| !character.is_ascii_alphanumeric()) {
            return Some(format!("{keyword} {tail} {rest}").trim_end().to_owned());
        }
    }
    let (keyword, distance) =
        KEYWORDS.iter().map(|keyword| (*keyword, distance(&upper, keyword))).min_by_key(|(_, far)| *far)?;
    (distance <= 2 && distance < keyword.len()).then(|| format!("{keyword} {rest}").trim_end().to_owned())
}

/// How many letters have to be changed, added, left out or exchanged (Damerau and Levenshtein's distance).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let same = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_meant() {
        assert_eq!(super::line("COPY.", "/app").as_deref(), Some("COPY . /app"));
        assert_eq!(super::line("RNU", "x").as_deref(), Some("RUN x"));
        assert_eq!(super::line("ENTRYPONT", "[\"a\"]").as_deref(), Some("ENTRYPOINT [\"a\"]"));
        assert_eq!(super::line("NONSENSE", ""), None);
    }
}
