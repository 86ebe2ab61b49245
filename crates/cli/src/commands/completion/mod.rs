//! `completion` and `__complete`: what a shell may write next.
//!
//! `__complete WORDS… LAST` prints candidates for the last word, one a line with a tab before its
//! description, then `:` and what the shell shall do without a match: the protocol of Docker's client,
//! so that the shell scripts written for it work with ours.

mod scripts;
mod things;

use super::output::print;
use super::{Action, Entry, Section, table};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, FlagSummary};
use crate::session::{GlobalOptions, Session};

/// A word and what it means.
pub(super) type Candidate = (String, String);

/// What the shell does when nothing fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// It offers the names of files.
    Files = 0,
    /// It offers nothing.
    Nothing = 4,
}

/// `completion SHELL`: the script for a shell.
///
/// # Errors
/// A shell that is not known, or stdout that cannot be written.
pub(super) fn script(session: &Session, words: &[String]) -> Result<ExitStatus> {
    let name = session.name();
    let shell = words.iter().find(|word| !word.starts_with('-')).map(String::as_str);
    match shell.and_then(|shell| scripts::script(shell, name)) {
        Some(text) => print(&text)?,
        None => print(&scripts::help(name))?,
    }
    Ok(ExitStatus::SUCCESS)
}

/// `__complete`: candidates with descriptions.
///
/// # Errors
/// Stdout cannot be written.
pub(super) fn complete(_session: &Session, words: &[String]) -> Result<ExitStatus> {
    answer(words, true)
}

/// `__completeNoDesc`: candidates alone.
///
/// # Errors
/// Stdout cannot be written.
pub(super) fn complete_words(_session: &Session, words: &[String]) -> Result<ExitStatus> {
    answer(words, false)
}

fn answer(words: &[String], described: bool) -> Result<ExitStatus> {
    let (candidates, otherwise) = candidates(words);
    let mut text = String::new();
    for (word, description) in candidates {
        text.push_str(&word);
        if described && !description.is_empty() {
            text.push_str(&format!("\t{description}"));
        }
        text.push('\n');
    }
    print(&format!("{text}:{}\n", otherwise as u8))?;
    let directive = match otherwise {
        Otherwise::Files => "ShellCompDirectiveDefault",
        Otherwise::Nothing => "ShellCompDirectiveNoFileComp",
    };
    eprintln!("Completion ended with directive: {directive}");
    Ok(ExitStatus::SUCCESS)
}

fn candidates(words: &[String]) -> (Vec<Candidate>, Otherwise) {
    let Some((last, before)) = words.split_last() else { return (Vec::new(), Otherwise::Nothing) };
    let mut options = GlobalOptions::from_environment();
    let (parsed, global) = {
        let mut flags = FlagSet::default();
        options.flags(&mut flags);
        let summaries = flags.summaries();
        (flags.parse(before, false), summaries)
    };
    // A global flag that still lacks its value: nothing to offer but files.
    let Ok(parsed) = parsed else { return (Vec::new(), Otherwise::Files) };
    let session = Session::new("docker".into(), options);
    let mut entries = table::ROOT;
    let mut rest = parsed.arguments.as_slice();
    while let Some((word, after)) = rest.split_first() {
        let found = entries.iter().find(|entry| entry.name == word || entry.aliases.contains(&word.as_str()));
        let Some(entry) = found else { return (Vec::new(), Otherwise::Nothing) };
        rest = after;
        match &entry.action {
            Action::Group { entries: inner, .. } => entries = inner,
            Action::Run { specification, flags, .. } => {
                return arguments(&session, entry.name, specification.arguments, &flags(), rest, last);
            }
            Action::Native { .. } => return (Vec::new(), Otherwise::Nothing),
        }
    }
    if last.starts_with('-') {
        return (flag_names(&global, last), Otherwise::Nothing);
    }
    (commands(entries, last), Otherwise::Nothing)
}

/// Commands whose names begin so, sorted.
fn commands(entries: &'static [Entry], start: &str) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = entries
        .iter()
        .filter(|entry| entry.section != Section::Hidden && entry.name.starts_with(start))
        .map(|entry| (entry.name.to_string(), entry.action.summary().to_string()))
        .collect();
    found.sort();
    found
}

fn flag_names(flags: &[FlagSummary], start: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    for flag in flags {
        let description = flag.usage.lines().next().unwrap_or_default().to_string();
        let short = flag.shorthand.map(|letter| format!("-{letter}"));
        let names = [Some(format!("--{}", flag.name)), short];
        found.extend(
            names
                .into_iter()
                .flatten()
                .filter(|name| name.starts_with(start))
                .map(|name| (name, description.clone())),
        );
    }
    found
}

/// Candidates for a command's last word: a flag, a flag's value, or a thing of the kind it takes.
fn arguments(
    session: &Session,
    command: &str,
    usage: &str,
    flags: &[FlagSummary],
    before: &[String],
    last: &str,
) -> (Vec<Candidate>, Otherwise) {
    if let Some(flag) = before.last().and_then(|word| awaited(flags, word)) {
        return things::value_of(flag, last);
    }
    if last.starts_with('-') {
        return (flag_names(flags, last), Otherwise::Nothing);
    }
    let position = positions(flags, before);
    things::of_argument(session, command, usage, position, last)
}

/// The flag that waits for the next word as its value.
fn awaited<'a>(flags: &'a [FlagSummary], word: &str) -> Option<&'a FlagSummary> {
    let found = match word.strip_prefix("--") {
        Some(name) => flags.iter().find(|flag| flag.name == name),
        None => {
            let letter = word.strip_prefix('-')?.chars().last();
            flags.iter().find(|flag| flag.shorthand.is_some() && flag.shorthand == letter)
        }
    };
    found.filter(|flag| flag.takes_value)
}

/// How many positional arguments stand before the last word.
fn positions(flags: &[FlagSummary], before: &[String]) -> usize {
    let mut count = 0;
    let mut value = false;
    for word in before {
        if std::mem::take(&mut value) {
            continue;
        }
        if word.starts_with('-') {
            value = awaited(flags, word).is_some();
        } else {
            count += 1;
        }
    }
    count
}
