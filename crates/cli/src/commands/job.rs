//! `sampan job`: what is done with containers again and again.

use super::fleet_flags::follow;
use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;
use serde_json::Value;

/// `job ls`.
#[derive(Default)]
pub(crate) struct List {
    quiet: bool,
    json: bool,
}

/// `job inspect`.
#[derive(Default)]
pub(crate) struct Inspect;

/// `job run`.
#[derive(Default)]
pub(crate) struct Run;

/// `job pause`.
#[derive(Default)]
pub(crate) struct Pause;

/// `job resume`.
#[derive(Default)]
pub(crate) struct Resume;

/// `job rm`.
#[derive(Default)]
pub(crate) struct Remove {
    force: bool,
}

const ONE_OR_MORE: Specification = Specification {
    arguments: "JOB [JOB...]",
    summary: "",
    aliases: "",
    positional: Positional::AtLeast(1),
    interspersed: true,
};

impl Command for List {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "List jobs",
        aliases: "job ls, job list",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.quiet, "quiet", "q", "Only display names");
        flags.bool(&mut self.json, "json", "", "As JSON");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let jobs: Value = session.client()?.get("/sampan/jobs", &Query::new())?.json()?;
        if self.json {
            print(&format!("{}\n", serde_json::to_string_pretty(&jobs)?))?;
            return Ok(ExitStatus::SUCCESS);
        }
        let jobs = jobs.as_array().map(Vec::as_slice).unwrap_or_default();
        if self.quiet {
            for job in jobs {
                print(&format!("{}\n", job.text("Id")))?;
            }
            return Ok(ExitStatus::SUCCESS);
        }
        let mut rows = vec![["JOB", "WHEN", "NEXT", "LAST", "OUTCOME"].map(str::to_owned)];
        for job in jobs {
            let last = &job["Last"];
            let outcome =
                [last.text("Error"), last.text("Outcome")].into_iter().find(|text| !text.is_empty());
            let next = if job["Paused"] == Value::Bool(true) { "paused" } else { job.text("Next") };
            rows.push([
                job.text("Id").to_owned(),
                job.text("Schedule").to_owned(),
                next.to_owned(),
                last.text("At").to_owned(),
                outcome.unwrap_or_default().to_owned(),
            ]);
        }
        print(&super::fleet_flags::table(&rows))?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Inspect {
    const SPECIFICATION: Specification =
        Specification { summary: "Display detailed information on jobs", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut jobs = Vec::new();
        for id in &parsed.arguments {
            jobs.push(session.client()?.get(&path(id, "")?, &Query::new())?.json::<Value>()?);
        }
        print(&format!("{}\n", serde_json::to_string_pretty(&jobs)?))?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Run {
    const SPECIFICATION: Specification = Specification { summary: "Do jobs now", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        for id in &parsed.arguments {
            follow(&mut session.client()?.post(&path(id, "run")?, &Query::new())?)?;
            print(&format!("{id}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Pause {
    const SPECIFICATION: Specification =
        Specification { summary: "Let jobs rest until they are resumed", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        each(session, &parsed, "pause")
    }
}

impl Command for Resume {
    const SPECIFICATION: Specification = Specification { summary: "Let jobs go on", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        each(session, &parsed, "resume")
    }
}

impl Command for Remove {
    const SPECIFICATION: Specification =
        Specification { summary: "End jobs", aliases: "job rm, job remove", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(
            &mut self.force,
            "force",
            "f",
            "End one whose target cannot be told (move -d --failover): its copy must not run",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        for id in &parsed.arguments {
            session
                .client()?
                .delete(&path(id, "")?, &Query::new().with_if(self.force, "force", "1"))?
                .discard()?;
            print(&format!("{id}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

fn each(session: &Session, parsed: &Parsed, action: &str) -> Result<ExitStatus> {
    for id in &parsed.arguments {
        session.client()?.post(&path(id, action)?, &Query::new())?.discard()?;
        print(&format!("{id}\n"))?;
    }
    Ok(ExitStatus::SUCCESS)
}

fn path(id: &str, action: &str) -> Result<String> {
    if id.trim().is_empty() || id.contains('/') {
        return Err(Failure::message(format!("{id:?} is no job: `sampan job ls` lists them")));
    }
    let slash = if action.is_empty() { "" } else { "/" };
    Ok(format!("/sampan/jobs/{}{slash}{action}", id.trim()))
}
