//! `sampan container scale`: more or fewer replicas of a container.

use super::fleet_flags::{Careful, follow};
use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::{Query, own_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use serde_json::json;

#[derive(Default)]
pub(crate) struct Args {
    careful: Careful,
    dry_run: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER=REPLICAS [CONTAINER=REPLICAS...]",
        summary: "Run several replicas of a container",
        aliases: "container scale, scale",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Run several replicas of a container: with its image, configuration, labels and names on\n\
        networks. New connections to its published ports go to those that are ready; one that\n\
        leaves first finishes its connections.\n\n\
        Examples:\n  sampan container scale my-ubuntu-container=2\n  sampan container scale --dry-run web=1";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.careful.flags(flags);
        flags.bool(&mut self.dry_run, "dry-run", "", "Only show what would be done");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut wanted = Vec::new();
        for word in &parsed.arguments {
            let (name, count) = word.rsplit_once('=').unwrap_or((word, ""));
            let count: u32 = count.parse().map_err(|_| {
                Failure::message(format!("{word:?} says no number of replicas: {name}=2 would be two"))
            })?;
            wanted.push((name, count));
        }
        let client = session.client()?;
        for (name, count) in wanted {
            let mut body = self.careful.body(&parsed);
            body["Replicas"] = json!(count);
            body["DryRun"] = json!(self.dry_run);
            let mut response = client.post_json(&own_path(name, "scale")?, &Query::new(), &body)?;
            if self.dry_run {
                let plan: serde_json::Value = response.json()?;
                print(&super::fleet_flags::plan_text(&plan))?;
                continue;
            }
            follow(&mut response)?;
            print(&format!("{name}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
