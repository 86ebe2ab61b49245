//! `sampan container replicas`: the replicas of a container.

use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::{Query, own_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;
use serde_json::Value;

#[derive(Default)]
pub(crate) struct Args {
    json: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [CONTAINER]",
        summary: "List the replicas of containers",
        aliases: "",
        positional: Positional::AtMost(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.json, "json", "", "As JSON");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let answer: Value = match parsed.arguments.first() {
            Some(name) => client.get(&own_path(name, "replicas")?, &Query::new())?.json()?,
            None => client.get("/sampan/groups", &Query::new())?.json()?,
        };
        if self.json {
            print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
            return Ok(ExitStatus::SUCCESS);
        }
        let groups = match answer {
            Value::Array(groups) => groups,
            one => vec![one],
        };
        print(&table(&groups))?;
        for group in &groups {
            let (last, error) = (&group["Last"], group["Last"]["Error"].as_str().unwrap_or_default());
            if !error.is_empty() {
                print(&format!(
                    "{}: {} at {}: {error}\n",
                    group.text("Name"),
                    last.text("What"),
                    last.text("At")
                ))?;
            }
        }
        Ok(ExitStatus::SUCCESS)
    }
}

fn table(groups: &[Value]) -> String {
    let mut rows =
        vec![["CONTAINER", "REPLICA", "READY", "HEALTH", "GENERATION", "UNDER WAY"].map(str::to_owned)];
    for group in groups {
        for replica in group.list("Replicas") {
            let ready = if replica["Ready"] == Value::Bool(true) { "yes" } else { "no" };
            rows.push([
                group.text("Name").to_owned(),
                replica.text("Name").to_owned(),
                ready.to_owned(),
                replica.text("Health").to_owned(),
                replica.int("Generation").to_string(),
                group["Operation"].as_str().unwrap_or_default().to_owned(),
            ]);
        }
    }
    super::fleet_flags::table(&rows)
}
