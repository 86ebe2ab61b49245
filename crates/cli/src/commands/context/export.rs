//! `docker context export`.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;

use super::super::{Command, Positional, Specification};
use super::archive;
use crate::config::DEFAULT_CONTEXT;
use crate::config::contexts::{Store, check_name, system_words};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTEXT [FILE|-]",
        summary: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
        aliases: "",
        positional: Positional::Between(1, 2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let name = &parsed.arguments[0];
        if name != DEFAULT_CONTEXT {
            check_name(name)?;
        }
        let target = parsed.arguments.get(1).cloned().unwrap_or_else(|| format!("{name}.dockercontext"));
        let bytes = archive::write(&Store::new(session), name)?;
        if target == "-" {
            if std::io::stdout().is_terminal() {
                return Err("cowardly refusing to export to a terminal, specify a file path".into());
            }
            std::io::stdout().write_all(&bytes)?;
            return Ok(ExitStatus::SUCCESS);
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&target)
            .map_err(|error| Failure::message(format!("open {target}: {}", system_words(&error))))?;
        file.write_all(&bytes)?;
        eprintln!("Written file {}", quote(&target));
        Ok(ExitStatus::SUCCESS)
    }
}
