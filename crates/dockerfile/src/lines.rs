//! From bytes to logical lines: directives, comments, continuations, heredocs.

use super::Failure;

/// One instruction's text, with its continuations joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it begins, counted from 1.
    pub number: usize,
    /// Its first physical line, for messages.
    pub shown: String,
    /// The text, without line breaks of continuations.
    pub text: String,
    /// Documents that follow it (`<<EOF`).
    pub heredocs: Vec<Heredoc>,
}

/// A document inside the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Its text.
    pub content: String,
    /// Whether variables in it are expanded: not when the word is quoted.
    pub expand: bool,
}

/// The file's lines, and its escape character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) escape: char,
    pub(super) lines: Vec<Line>,
    /// Instructions with an empty line in them.
    pub(super) empty: Vec<usize>,
    pub(super) check: Check,
}

/// What the `check` directive says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Check {
    /// Rules that are not to be checked; `all` are all.
    pub(super) skip: Vec<String>,
    /// Warnings are failures.
    pub(super) is_error: bool,
}

impl Check {
    /// Reads `skip=A,B;error=true`.
    fn of(value: &str) -> Self {
        let mut check = Self::default();
        for field in value.split(';') {
            match field.trim().split_once('=') {
                Some(("skip", rules)) => {
                    check.skip = rules.split(',').map(|it| it.trim().to_owned()).collect()
                }
                Some(("error", value)) => check.is_error = value.trim() == "true",
                _ => {}
            }
        }
        check
    }
}

/// Splits a Dockerfile.
///
/// # Errors
/// A directive twice or with an impossible value; a heredoc without an end.
pub(super) fn split(text: &str) -> Result<Lines, Failure> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let physical: Vec<&str> = text.lines().collect();
    let (escape, check, mut at) = directives(&physical)?;
    let mut lines = Vec::new();
    let mut empty = Vec::new();
    while let Some(first) = physical.get(at) {
        let number = at + 1;
        at += 1;
        if is_comment(first) || first.trim().is_empty() {
            continue;
        }
        let mut joined = String::new();
        let mut current = *first;
        while let Some(part) = continued(current, escape) {
            joined.push_str(part);
            // Comments and, as before, empty lines between continuations do not end the instruction.
            let next = physical.iter().skip(at).position(|line| !is_comment(line) && !line.trim().is_empty());
            let Some(skipped) = next else {
                at = physical.len();
                current = "";
                break;
            };
            if physical[at..at + skipped].iter().any(|line| line.trim().is_empty()) {
                empty.push(number);
            }
            at += skipped + 1;
            current = physical.get(at - 1).copied().unwrap_or_default();
        }
        joined.push_str(current);
        let shown = (*first).to_owned();
        let text = joined.trim().to_owned();
        let heredocs = heredocs(&text, &physical, &mut at).map_err(|message| Failure {
            line: number,
            column: 1,
            text: shown.clone(),
            message,
        })?;
        lines.push(Line { number, shown, text, heredocs });
    }
    Ok(Lines { escape, lines, empty, check })
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The part before an escape at the line's end; `None` when the line ends the instruction.
fn continued(line: &str, escape: char) -> Option<&str> {
    let trimmed = line.trim_end_matches([' ', '\t']);
    trimmed.strip_suffix(escape)
}

/// `# name=value` lines at the very beginning. Unknown ones end them, as any other line does.
fn directives(lines: &[&str]) -> Result<(char, Check, usize), Failure> {
    let mut escape = None;
    let mut check = Check::default();
    let mut seen = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let directive = line.trim().strip_prefix('#').and_then(|rest| rest.split_once('='));
        let Some((name, value)) = directive else { return Ok((escape.unwrap_or('\\'), check, index)) };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let fail =
            |message: String| Failure { line: index + 1, column: 1, text: (*line).to_owned(), message };
        if !["syntax", "escape", "check"].contains(&name.as_str()) {
            return Ok((escape.unwrap_or('\\'), check, index));
        }
        if seen.contains(&name) {
            return Err(fail(format!("only one {name} parser directive can be used")));
        }
        if name == "check" {
            check = Check::of(value);
        }
        if name == "escape" {
            escape = match value {
                "\\" => Some('\\'),
                "`" => Some('`'),
                _ => return Err(fail(format!("invalid escape token '{value}' does not match ` or \\"))),
            };
        }
        seen.push(name);
    }
    Ok((escape.unwrap_or('\\'), check, lines.len()))
}

/// Reads the documents that an instruction announces. Only RUN, COPY and ADD can have some.
fn heredocs(text: &str, physical: &[&str], at: &mut usize) -> Result<Vec<Heredoc>, String> {
    let mut words = text.split_whitespace();
    let mut keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    if keyword == "ONBUILD" {
        keyword = words.next().unwrap_or_default().to_ascii_uppercase();
    }
    if !["RUN", "COPY", "ADD"].contains(&keyword.as_str()) {
        return Ok(Vec::new());
    }
    let mut documents = Vec::new();
    for word in words {
        // `3<<EOF` names a descriptor for the shell.
        let word = word.trim_start_matches(|character: char| character.is_ascii_digit());
        let Some(rest) = word.strip_prefix("<<").filter(|rest| !rest.starts_with('<')) else { continue };
        let (tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        let quoted = rest.starts_with(['"', '\'']);
        let name = rest.trim_matches(['"', '\'']);
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if !is_name {
            continue;
        }
        let mut content = String::new();
        loop {
            let Some(line) = physical.get(*at) else {
                return Err(format!("unterminated heredoc: no line says {name}"));
            };
            *at += 1;
            let line = if tabs { line.trim_start_matches('\t') } else { line };
            if line == name {
                break;
            }
            content.push_str(line);
            content.push('\n');
        }
        documents.push(Heredoc { name: name.to_owned(), content, expand: !quoted });
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(file: &str) -> Vec<String> {
        split(file).unwrap().lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_left_out() {
        let file =
            "# escape=\\\n# a comment\nFROM a\nRUN one \\\n  # inside\n\n  two \\\n three\n\n  CMD x\\\n";
        assert_eq!(texts(file), ["FROM a", "RUN one   two  three", "CMD x"]);
        assert_eq!(texts("# escape=`\nRUN a `\nb\\\nCMD c"), ["RUN a b\\", "CMD c"]);
        assert_eq!(texts("\u{feff}FROM x\r\nRUN y\r\n"), ["FROM x", "RUN y"]);
        assert!(split("# escape=x\n").is_err() && split("#escape=`\n#escape=`\n").is_err());
    }

    #[test]
    fn documents_belong_to_their_instruction() {
        let lines = split("RUN <<EOF cat\nhello $x\nEOF\nCOPY <<-\"A\" <<B /x/\n\tone\n\tA\ntwo\nB\nCMD a")
            .unwrap()
            .lines;
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[0].heredocs,
            [Heredoc { name: "EOF".into(), content: "hello $x\n".into(), expand: true }]
        );
        assert_eq!(
            lines[1].heredocs[0],
            Heredoc { name: "A".into(), content: "one\n".into(), expand: false }
        );
        assert_eq!(lines[1].heredocs[1].content, "two\n");
        assert_eq!(split("CMD cat <<EOF\nRUN x").unwrap().lines.len(), 2, "CMD has no documents");
        let failure = split("FROM a\nRUN <<EOF\nx").unwrap_err();
        assert_eq!((failure.line, failure.message.as_str()), (2, "unterminated heredoc: no line says EOF"));
        assert_eq!(texts("RUN cat <<<word"), ["RUN cat <<<word"]);
    }
}
