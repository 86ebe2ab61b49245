//! `sampan container scale`: more or fewer replicas of a container.

use super::ashore::{self, Place};
use super::fleet_flags::{Careful, add_job, follow};
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
    most: i64,
    least: i64,
    cpu: String,
    memory: String,
    connections: String,
    every: String,
    down_after: i64,
    lead: i64,
    why: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER=REPLICAS... | -d MOST CONTAINER...",
        summary: "Run several replicas of a container",
        aliases: "container scale, scale",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Run several replicas of a container: with its image, configuration, labels and names on\n\
        networks. New connections to its published ports go to those that are ready; one that\n\
        leaves first finishes its connections.\n\n\
        Examples:\n  sampan container scale my-ubuntu-container=2\n  sampan container scale -d 3 my-ubuntu-container\n  sampan container scale --why my-ubuntu-container";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.careful.flags(flags);
        flags.bool(&mut self.dry_run, "dry-run", "", "Only show what would be done");
        flags.int(&mut self.most, "max", "d", "Scale automatically by load, up to so many replicas");
        flags.int(&mut self.least, "min", "", "Fewest replicas of automatic scale (default 1)");
        for (target, name, usage) in [
            (&mut self.cpu, "cpu", "Percent of its CPUs that each replica should use (default 60)"),
            (&mut self.memory, "memory", "Percent of its memory limit that each replica should use"),
            (&mut self.connections, "connections", "Connections that each replica should have"),
        ] {
            flags.string(target, name, "", usage);
        }
        flags.string(&mut self.every, "every", "", "Time between two looks at the load (default 15s)");
        flags
            .duration(
                &mut self.down_after,
                "down-after",
                "Time for which fewer replicas must have been enough",
            )
            .shown_default("4m");
        flags
            .duration(&mut self.lead, "lead", "Time that a new replica takes to be ready")
            .shown_default("15s");
        flags.bool(&mut self.why, "why", "", "Say what automatic scale decided last, with its figures");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if self.why {
            return why(session, &parsed);
        }
        if parsed.changed("max") {
            return self.automatic(session, &parsed);
        }
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
            if let Some(place) = Place::parse(name) {
                ashore::scale(session.client()?, &place, &json!({"Replicas": count}))?;
                print(&format!("{name}\n"))?;
                continue;
            }
            let mut body = self.careful.body(&parsed);
            body["Replicas"] = json!(count);
            body["DryRun"] = json!(self.dry_run);
            let mut response = match client.post_json(&own_path(name, "scale")?, &Query::new(), &body) {
                Ok(response) => response,
                Err(failure) => {
                    let place = ashore::elsewhere(client, name, failure)?;
                    ashore::scale(client, &place, &json!({"Replicas": count}))?;
                    print(&format!("{name}\n"))?;
                    continue;
                }
            };
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

impl Args {
    /// A job that follows the load.
    fn automatic(&self, session: &Session, parsed: &Parsed) -> Result<ExitStatus> {
        let mut targets = json!({});
        for (metric, text) in
            [("cpu", &self.cpu), ("memory", &self.memory), ("connections", &self.connections)]
        {
            if !text.is_empty() {
                let number: f64 = text
                    .trim_end_matches('%')
                    .parse()
                    .map_err(|_| Failure::message(format!("--{metric} {text:?} is no number")))?;
                targets[metric] = json!(number);
            }
        }
        let mut body = json!({"Most": self.most.max(0), "Targets": targets});
        for (flag, field, value) in [
            ("min", "Least", self.least),
            ("down-after", "DownAfter", self.down_after / 1_000_000_000),
            ("lead", "Lead", self.lead / 1_000_000_000),
        ] {
            if parsed.changed(flag) {
                body[field] = json!(value.max(0));
            }
        }
        let every = if self.every.is_empty() { "15s" } else { &self.every };
        for name in &parsed.arguments {
            if let Some(place) = Place::parse(name) {
                ashore::scale(session.client()?, &place, &ashore_policy(&body))?;
                print(&format!("{name}\n"))?;
                continue;
            }
            add_job(session, name, every, "Scale", &body)?;
            print(&format!("{name}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

/// What providers are told of automatic scale.
fn ashore_policy(body: &serde_json::Value) -> serde_json::Value {
    let mut policy = json!({"Most": body["Most"]});
    for (field, value) in
        [("Least", &body["Least"]), ("Cpu", &body["Targets"]["cpu"]), ("Memory", &body["Targets"]["memory"])]
    {
        if !value.is_null() {
            policy[field] = value.clone();
        }
    }
    policy
}

fn why(session: &Session, parsed: &Parsed) -> Result<ExitStatus> {
    for name in &parsed.arguments {
        let answer: serde_json::Value =
            session.client()?.get(&own_path(name, "autoscale")?, &Query::new())?.json()?;
        print(&format!("{name}: {}\n", answer["Sentence"].as_str().unwrap_or_default()))?;
    }
    Ok(ExitStatus::SUCCESS)
}
