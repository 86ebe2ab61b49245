//! Words of an instruction: JSON lists, and words with quotes.

/// A JSON list of strings, if it is one.
#[must_use]
pub fn json_list(text: &str) -> Option<Vec<String>> {
    text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
}

/// Words between white space; quotes and escapes hold a word together and stay in it, for [`super::expand`] to remove.
#[must_use]
pub fn words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match quote {
            None if character.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if character == '"' || character == '\'' => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ => {}
        }
        word.push(character);
        if character == escape && quote != Some('\'') {
            word.extend(characters.next());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words(r#"a "b c" d\ e 'f g'h"#, '\\'), ["a", "\"b c\"", "d\\ e", "'f g'h"]);
        assert_eq!(words("  ", '\\'), Vec::<String>::new());
        assert_eq!(json_list(" [\"a\", \"b\"]").unwrap(), ["a", "b"]);
        assert_eq!(json_list("[a]"), None);
        assert_eq!(json_list("[1]"), None);
    }
}
