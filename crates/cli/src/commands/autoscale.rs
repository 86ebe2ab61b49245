//! `sampan autoscale simulate`: what the autoscaler would do over a load that was recorded.

use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::{Body, Query};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use serde_json::Value;

/// `autoscale simulate`.
pub(crate) struct Simulate {
    least: i64,
    most: i64,
    target: String,
    json: bool,
}

impl Default for Simulate {
    fn default() -> Self {
        Self { least: 1, most: 20, target: "60".to_owned(), json: false }
    }
}

impl Command for Simulate {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] TRACE",
        summary: "Replay a recorded load through the autoscaler, beside the Kubernetes formula",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Replay a recorded load through the autoscaler, beside the Kubernetes formula.\n\
        TRACE is a CSV file: seconds and load, a pair a line.\n\n\
        Example:\n  sampan autoscale simulate --target 60 --max 10 load.csv";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.int(&mut self.least, "min", "", "Fewest replicas");
        flags.int(&mut self.most, "max", "", "Most replicas");
        flags.string(&mut self.target, "target", "", "Load that each replica should have");
        flags.bool(&mut self.json, "json", "", "As JSON");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let path = &parsed.arguments[0];
        let text = std::fs::read(path).map_err(|error| Failure::message(format!("{path}: {error}")))?;
        let query = Query::new()
            .with("min", self.least.to_string())
            .with("max", self.most.to_string())
            .with("target", &self.target);
        let client = session.client()?;
        let answer =
            client.request("POST", "/sampan/autoscale/simulate", &query, Body::Bytes(text, "text/csv"))?;
        let answer: Value = answer.json()?;
        if self.json {
            print(&format!("{}\n", serde_json::to_string_pretty(&answer)?))?;
            return Ok(ExitStatus::SUCCESS);
        }
        let mut rows =
            vec![["", "SECONDS OVER TARGET", "REPLICA MINUTES", "CHANGES", "MOST"].map(str::to_owned)];
        for name in ["Sampan", "Kubernetes"] {
            let one = &answer[name];
            rows.push([
                name.to_owned(),
                one["seconds_over"].to_string(),
                format!("{:.0}", one["replica_minutes"].as_f64().unwrap_or_default()),
                one["changes"].to_string(),
                one["most"].to_string(),
            ]);
        }
        print(&super::fleet_flags::table(&rows))?;
        Ok(ExitStatus::SUCCESS)
    }
}
