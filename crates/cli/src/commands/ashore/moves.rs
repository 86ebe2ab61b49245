//! `sampan container move`: a container to a target, or back.

use super::push::show_plan;
use super::request;
use crate::client::{Query, own_path};
use crate::commands::fleet_flags::{add_job, follow};
use crate::commands::output::print;
use crate::commands::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use serde_json::json;

/// `container move`.
#[derive(Default)]
pub(crate) struct Move {
    every: String,
    image_only: bool,
    without_relay: bool,
    dry_run: bool,
    failover: i64,
    replicas: i64,
}

impl Command for Move {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER TARGET",
        summary: "Move a container to another place, or back here (\"local\")",
        aliases: "",
        positional: Positional::Exactly(2),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Move a container to another place: image and volumes go over while it runs, then connections\n\
        wait, the last difference goes over, it starts there, and what comes here is passed on. When\n\
        anything fails before that it goes on here. Without volumes it runs at both places meanwhile,\n\
        and nothing waits. From then on its name means where it lives.\n\n\
        With -d it stays here, and a warm copy there is brought up to date again and again.\n\n\
        Examples:\n  sampan container move my-ubuntu-container aws-us-east-1\n  \
        sampan container move my-ubuntu-container local\n  \
        sampan container move -d 20m my-ubuntu-container aws-us-east-1";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(
            &mut self.every,
            "detach",
            "d",
            "Keep a warm copy there, up to date as of so long ago (\"20m\")",
        );
        flags.bool(
            &mut self.image_only,
            "image-only",
            "",
            "Move the image as it was made, without what was written since",
        );
        flags.bool(&mut self.dry_run, "dry-run", "", "Only show what would be done, and what would be lost");
        flags.bool(&mut self.without_relay, "no-relay", "", "Pass nobody on who comes here afterwards");
        flags.duration(
            &mut self.failover,
            "failover",
            "With -d: the copy starts by itself when nothing was heard from here for so long, and here it is stopped before",
        );
        flags.int(&mut self.replicas, "replicas", "", "How many there (default: as many as here)");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let [name, target] = parsed.arguments.as_slice() else {
            return Err(Failure::message("say which container, and where to"));
        };
        let mut body =
            json!({"Target": target, "ImageOnly": self.image_only, "WithoutRelay": self.without_relay});
        if parsed.changed("replicas") {
            body["Replicas"] = json!(self.replicas.max(0));
        }
        if !self.every.is_empty() {
            // The first time is now, with the asker's own credentials.
            let path = own_path(name, "standby")?;
            let body = json!({"Target": target, "Failover": (self.failover / 1_000_000_000).max(0)});
            follow(&mut request(session.client()?, "POST", &path, &Query::new(), Some(&body))?)?;
            add_job(session, name, &self.every, "Move", &body)?;
            print(&format!("{name}@{target}\n"))?;
            return Ok(ExitStatus::SUCCESS);
        }
        let path = own_path(name, "move")?;
        if self.dry_run {
            body["DryRun"] = json!(true);
            let plan = request(session.client()?, "POST", &path, &Query::new(), Some(&body))?.json()?;
            return show_plan(&plan);
        }
        follow(&mut request(session.client()?, "POST", &path, &Query::new(), Some(&body))?)?;
        match target.as_str() {
            "local" => print(&format!("{name}\n"))?,
            target => print(&format!("{name}@{target}\n"))?,
        }
        Ok(ExitStatus::SUCCESS)
    }
}
