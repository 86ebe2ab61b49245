//! `docker volume create`.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::output::print;
use super::super::pairs::{label, map_entry, to_map};
use super::super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;

pub(crate) struct Args {
    driver: String,
    labels: Vec<String>,
    name: String,
    options: BTreeMap<String, String>,
}

impl Default for Args {
    fn default() -> Self {
        Self { driver: "local".into(), labels: Vec::new(), name: String::new(), options: BTreeMap::new() }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [VOLUME]",
        summary: "Create a volume",
        aliases: "",
        positional: Positional::AtMost(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.driver, "driver", "d", "Specify volume driver name");
        flags.string(&mut self.name, "name", "", "Specify volume name").hidden();
        let options = &mut self.options;
        flags
            .value("opt", "o", "map", "Set driver specific options", |text| map_entry(options, text))
            .shown_default("map[]");
        flags.checked_list(&mut self.labels, "label", "", "Set metadata for a volume", label);
    }

    fn run(self, session: &Session, mut parsed: Parsed) -> Result<ExitStatus> {
        let name = match parsed.arguments.pop() {
            Some(_) if !self.name.is_empty() => {
                return Err("conflicting options: cannot specify a volume-name through both --name and as a positional arg".into());
            }
            Some(name) => name,
            None => self.name,
        };
        let mut body =
            json!({ "Driver": self.driver, "DriverOpts": self.options, "Labels": to_map(&self.labels) });
        if !name.is_empty() {
            body["Name"] = name.into();
        }
        let answer: Json = session.client()?.post_json("/volumes/create", &Query::new(), &body)?.json()?;
        print(&format!("{}\n", answer.text("Name")))?;
        Ok(ExitStatus::SUCCESS)
    }
}
