//! From the words of the command line to the command.

use std::path::Path;

use super::{Action, Command, Entry, Invocation, help, plugins, table};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, FlagSummary};
use crate::session::{GlobalOptions, Session};

/// Runs the command line; the first word is the program itself.
///
/// # Errors
/// What the user has to know.
pub(crate) fn dispatch(words: &[String]) -> Result<ExitStatus> {
    let name = program_name(words.first().map_or("", String::as_str));
    let mut options = GlobalOptions::from_environment();
    let parsed = {
        let mut flags = FlagSet::default();
        options.flags(&mut flags);
        flags.parse(words.get(1..).unwrap_or_default(), false)
    };
    let parsed = parsed.map_err(|error| wrong_global_flag(&name, &error.0))?;
    options.changed = parsed.changed;
    if options.changed.contains(&"tlsverify") || options.tls_verify {
        options.tls = true;
    }
    let levels = ["", "trace", "debug", "info", "warn", "warning", "error", "fatal", "panic"];
    if !levels.contains(&options.log_level.to_lowercase().as_str()) {
        return Err(Failure::message(format!("Unable to parse logging level: {}", options.log_level)));
    }
    let version = options.version;
    let session = Session::new(name.clone(), options);
    if parsed.help {
        return help::program(&session, true);
    }
    if version {
        return help::version(&session);
    }
    let rest = &parsed.arguments;
    let Some(first) = rest.first() else { return help::program(&session, false) };
    if first == "help" {
        return help_command(&session, &rest[1..], words);
    }
    // Where the engine is another one and buildx is there, builds are buildx's, as with Docker's own client.
    if is_build(rest)
        && !session.client().is_ok_and(|client| client.is_own_engine())
        && let Some(status) = plugins::run(&session, rest, words)?
    {
        return Ok(status);
    }
    match find(table::ROOT, first) {
        Some(entry) => enter(&session, entry, &name, &rest[1..], false),
        None => match plugins::run(&session, rest, words)? {
            Some(status) => Ok(status),
            None => unknown(&session, rest),
        },
    }
}

/// The name that this program was called by: `docker` through such a link, else `sampan`.
fn program_name(word: &str) -> String {
    let name = Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned());
    match name.as_deref() {
        Some("docker") => String::from("docker"),
        _ => String::from("sampan"),
    }
}

fn find(entries: &'static [Entry], word: &str) -> Option<&'static Entry> {
    entries.iter().find(|entry| entry.name == word || entry.aliases.contains(&word))
}

/// Runs a row of the table with the words that follow it.
fn enter(
    session: &Session,
    entry: &'static Entry,
    parent: &str,
    words: &[String],
    help: bool,
) -> Result<ExitStatus> {
    let path = format!("{parent} {}", entry.name);
    match &entry.action {
        Action::Run { invoke, .. } => invoke(&Invocation { session, path: &path, words, help }),
        Action::Native { run, .. } => run(session, words),
        Action::Group { summary, entries } => {
            let complaint = |text: String| {
                Failure::Usage(format!(
                    "{text}\n\nUsage:  {path}\n\nRun '{path} --help' for more information"
                ))
            };
            let Some(word) = words.first() else { return help::group(&path, summary, entries, help) };
            if let Some(entry) = find(entries, word) {
                return enter(session, entry, &path, &words[1..], help);
            }
            let parsed = FlagSet::default().parse(words, true).map_err(|error| complaint(error.0))?;
            if parsed.help {
                return help::group(&path, summary, entries, true);
            }
            Err(Failure::Status {
                text: format!(
                    "{}: unknown command: {path} {word}\n\nUsage:  {path}\n\nRun '{path} --help' for more information",
                    session.name()
                ),
                status: ExitStatus::FAILURE,
            })
        }
    }
}

/// `build` and `image build`.
fn is_build(words: &[String]) -> bool {
    match words {
        [first, ..] if first == "build" => true,
        [first, second, ..] => first == "image" && second == "build",
        _ => false,
    }
}

/// `docker help [COMMAND…]`.
fn help_command(session: &Session, words: &[String], original: &[String]) -> Result<ExitStatus> {
    match words.first() {
        None => help::program(session, true),
        Some(first) => match find(table::ROOT, first) {
            Some(entry) => enter(session, entry, session.name(), &words[1..], true),
            None => match plugins::run(session, words, original)? {
                Some(status) => Ok(status),
                None => Err(Failure::message(format!("unknown help topic: {}", words.join(" ")))),
            },
        },
    }
}

/// A word that is no command. Flags behind it are taken for global ones, as docker takes them.
fn unknown(session: &Session, words: &[String]) -> Result<ExitStatus> {
    let name = session.name();
    let mut options = GlobalOptions::from_environment();
    let mut flags = FlagSet::default();
    options.flags(&mut flags);
    let parsed = flags.parse(words, true).map_err(|error| wrong_global_flag(name, &error.0))?;
    if parsed.help {
        return help::program(session, true);
    }
    Err(Failure::message(format!(
        "{name}: unknown command: {name} {}\n\nRun '{name} --help' for more information",
        words[0]
    )))
}

fn wrong_global_flag(name: &str, error: &str) -> Failure {
    Failure::Usage(format!(
        "{error}\n\nUsage:  {name} [OPTIONS] COMMAND [ARG...]\n\nRun '{name} --help' for more information"
    ))
}

/// Parses the flags of a command and runs it: the function behind every row of the table.
pub(super) fn invoke<C: Command>(invocation: &Invocation<'_>) -> Result<ExitStatus> {
    let specification = C::SPECIFICATION;
    let path = invocation.path;
    let usage = match specification.arguments {
        "" => path.to_owned(),
        // A second usage line names the program itself.
        arguments => {
            format!("{path} {arguments}").replace("\tdocker ", &format!("\t{} ", invocation.session.name()))
        }
    };
    let mut command = C::default();
    let mut flags = FlagSet::default();
    command.flags(&mut flags);
    if invocation.help {
        return help::command::<C>(invocation.session.name(), &usage, &flags);
    }
    let parsed = flags.parse(invocation.words, specification.interspersed).map_err(|error| {
        Failure::Usage(format!("{error}\n\nUsage:  {usage}\n\nRun '{path} --help' for more information"))
    })?;
    if parsed.help {
        return help::command::<C>(invocation.session.name(), &usage, &flags);
    }
    drop(flags);
    specification.positional.check(parsed.arguments.len(), invocation.session.name(), path, &usage)?;
    command.run(invocation.session, parsed)
}

/// The flags of a command, for completion.
fn list_flags<C: Command>() -> Vec<FlagSummary> {
    let mut command = C::default();
    let mut flags = FlagSet::default();
    command.flags(&mut flags);
    flags.summaries()
}

impl Action {
    /// The row of a command.
    pub(super) const fn command<C: Command>() -> Self {
        Self::Run { specification: C::SPECIFICATION, invoke: invoke::<C>, flags: list_flags::<C> }
    }

    /// The sentence in the list of commands.
    pub(super) fn summary(&self) -> &'static str {
        match self {
            Self::Run { specification, .. } => specification.summary,
            Self::Group { summary, .. } | Self::Native { summary, .. } => summary,
        }
    }
}
