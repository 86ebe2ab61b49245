//! `--help`, laid out as docker lays it out.

use std::io::Write;

use super::system::client_information::ClientVersion;
use super::{Command, Entry, Section, plugins, table};
use crate::failure::{ExitStatus, Result};
use crate::flags::FlagSet;
use crate::session::{GlobalOptions, Session};

/// The width that text is wrapped to: that of the terminal on stdin, else 80 columns, less one.
fn columns() -> usize {
    let width = rustix::termios::tcgetwinsize(std::io::stdin()).map_or(80, |size| usize::from(size.ws_col));
    width.saturating_sub(1)
}

/// Help of one command, on stdout.
pub(super) fn command<C: Command>(program: &str, usage: &str, flags: &FlagSet<'_>) -> Result<ExitStatus> {
    let specification = C::SPECIFICATION;
    let mut text = format!("Usage:  {usage}\n\n{}", C::DESCRIPTION);
    if !specification.aliases.is_empty() {
        let aliases: Vec<String> =
            specification.aliases.split(", ").map(|alias| format!("{program} {alias}")).collect();
        text.push_str(&format!("\n\nAliases:\n  {}", aliases.join(", ")));
    }
    if flags.has_visible() {
        text.push_str(&format!("\n\nOptions:\n{}", flags.usages(false, columns()).trim_end()));
    }
    if program != "docker" && flags.has_own() {
        text.push_str(&format!(
            "\n\nOptions that docker does not have:\n{}",
            flags.usages(true, columns()).trim_end()
        ));
    }
    text.push('\n');
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitStatus::SUCCESS)
}

/// Help of a group: on stdout when it was asked for, on stderr when the command was missing.
pub(super) fn group(path: &str, summary: &str, entries: &'static [Entry], asked: bool) -> Result<ExitStatus> {
    let mut text = format!("Usage:  {path} COMMAND\n\n{summary}\n\nCommands:\n");
    let width = padding(entries);
    for entry in sorted(entries) {
        let hidden = entry.section == Section::Hidden
            || (entry.section == Section::Own && path.starts_with("docker "));
        if !hidden {
            text.push_str(&format!("  {:width$} {}\n", entry.name, entry.action.summary()));
        }
    }
    text.push_str(&format!("\nRun '{path} COMMAND --help' for more information on a command.\n"));
    print(&text, asked)
}

/// Help of the whole program: on stdout when it was asked for, on stderr when the command was missing.
pub(super) fn program(session: &Session, asked: bool) -> Result<ExitStatus> {
    let name = session.name();
    let mut text = format!("Usage:  {name} [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers\n");
    let is_builtin =
        |name: &str| table::ROOT.iter().any(|entry| entry.name == name || entry.aliases.contains(&name));
    let plugins = plugins::list(session, is_builtin);
    let longest = plugins.iter().map(|plugin| plugin.name.len()).max().unwrap_or(0);
    let width = padding(table::ROOT).max(longest);
    let sections = [
        (Section::Common, "Common Commands:"),
        (Section::Management, "Management Commands:"),
        (Section::Swarm, "Swarm Commands:"),
        (Section::Plain, "Commands:"),
        (Section::Own, "Sampan Commands:"),
    ];
    for (section, title) in sections {
        let listed = table::ROOT.iter().filter(|entry| entry.section == section);
        let mut rows: Vec<(String, &str)> =
            listed.map(|entry| (entry.name.to_owned(), entry.action.summary())).collect();
        if section == Section::Management {
            // A star marks what a plugin does.
            rows.extend(
                plugins
                    .iter()
                    .map(|plugin| (format!("{}*", plugin.name), plugin.metadata.short_description.as_str())),
            );
        }
        if rows.is_empty() || (section == Section::Own && name == "docker") {
            continue;
        }
        if section != Section::Common {
            rows.sort();
        }
        text.push_str(&format!("\n{title}\n"));
        for (row, summary) in rows {
            text.push_str(&format!("  {row:width$} {summary}\n"));
        }
    }
    let mut options = GlobalOptions::from_environment();
    let mut flags = FlagSet::default();
    options.flags(&mut flags);
    text.push_str(&format!("\nGlobal Options:\n{}\n", flags.usages(false, columns()).trim_end()));
    text.push_str(&format!("\nRun '{name} COMMAND --help' for more information on a command.\n"));
    if name == "docker" {
        text.push_str("\nFor more help on how to use Docker, head to https://docs.docker.com/go/guides/\n");
    }
    print(&text, asked)
}

/// `--version`.
pub(super) fn version(session: &Session) -> Result<ExitStatus> {
    let own = env!("CARGO_PKG_VERSION");
    let client = ClientVersion::new(session);
    // Programs compare what follows "Docker version" with the version they need.
    let line = match session.name() {
        "docker" => format!("Docker version {}, build sampan-{own}\n", client.version),
        _ => format!("Sampan version {own}, build {}\n", client.commit),
    };
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(ExitStatus::SUCCESS)
}

fn print(text: &str, to_stdout: bool) -> Result<ExitStatus> {
    if to_stdout {
        std::io::stdout().write_all(text.as_bytes())?;
    } else {
        std::io::stderr().write_all(text.as_bytes())?;
    }
    Ok(ExitStatus::SUCCESS)
}

fn sorted(entries: &'static [Entry]) -> Vec<&'static Entry> {
    let mut rows: Vec<&Entry> = entries.iter().collect();
    rows.sort_by_key(|entry| entry.name);
    rows
}

/// The width of the column of names; never under docker's own least width.
fn padding(entries: &[Entry]) -> usize {
    const LEAST: usize = 11;
    let listed = entries.iter().filter(|entry| !matches!(entry.section, Section::Hidden | Section::Own));
    listed.map(|entry| entry.name.len()).max().unwrap_or(0).max(LEAST)
}
