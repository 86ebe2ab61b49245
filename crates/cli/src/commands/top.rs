//! `docker top`: the processes of a container.

use serde::Deserialize;

use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::tabwriter;
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Processes {
    #[serde(default)]
    titles: Option<Vec<String>>,
    #[serde(default)]
    processes: Option<Vec<Vec<String>>>,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "CONTAINER [ps OPTIONS]",
        summary: "Display the running processes of a container",
        aliases: "container top, top",
        positional: Positional::AtLeast(1),
        interspersed: false,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let options = &parsed.arguments[1..];
        let query = Query::new().with_if(!options.is_empty(), "ps_args", options.join(" "));
        let path = object_path("container", &parsed.arguments[0], "top")?;
        let found: Processes = session.client()?.get(&path, &query)?.json()?;
        let mut text = found.titles.unwrap_or_default().join("\t");
        text.push('\n');
        for process in found.processes.unwrap_or_default() {
            text.push_str(&process.join("\t"));
            text.push('\n');
        }
        let layout = tabwriter::Layout { minimum: 20, padding: 3, letters: tabwriter::Letters::Narrow };
        print!("{}", tabwriter::align(&text, layout));
        Ok(ExitStatus::SUCCESS)
    }
}
