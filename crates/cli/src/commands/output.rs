//! What commands print and ask: stdout in one write, and the question before something is removed.

use std::io::{BufRead, Write};

use crate::failure::{ExitStatus, Failure, Result};

/// What `--format` says of itself in lists.
pub(crate) const FORMAT_HELP: &str = "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

/// What `--format` says of itself where one object is shown.
pub(crate) const INSPECT_FORMAT_HELP: &str = "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

/// Writes to stdout; a reader that went away is a failure like any other, not a panic.
///
/// # Errors
/// Stdout cannot be written.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Asks on stdout and reads one line: only `y` or `Y` is a yes.
///
/// # Errors
/// Stdout or stdin fails.
pub(crate) fn confirm(question: &str) -> Result<bool> {
    leave_quietly_when_interrupted()?;
    print(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

/// An interrupted question counts as a no: the line is ended and the status is success, as with docker.
fn leave_quietly_when_interrupted() -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = print("\n");
            std::process::exit(0);
        }
    });
    Ok(())
}

/// Several failures as one: a line for each.
///
/// # Errors
/// The joined failure, unless there are none.
pub(crate) fn join(failures: Vec<Failure>) -> Result<()> {
    let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let chosen = failures.iter().find_map(|failure| match failure {
        Failure::Status { status, .. } => Some(*status),
        _ => None,
    });
    if lines.is_empty() {
        return Ok(());
    }
    Err(Failure::Status { text: lines.join("\n"), status: chosen.unwrap_or(ExitStatus::FAILURE) })
}

impl From<crate::format::template::TemplateError> for Failure {
    fn from(error: crate::format::template::TemplateError) -> Self {
        Self::Message(error.0)
    }
}
