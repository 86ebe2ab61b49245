//! `sampan target`: the places where containers can live.

use super::{request, target_path};
use crate::client::Query;
use crate::commands::fleet_flags::{follow, table};
use crate::commands::output::{confirm, print};
use crate::commands::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;
use serde_json::{Map, Value, json};

/// `target create`.
#[derive(Default)]
pub(crate) struct Create {
    provider: String,
    region: String,
    endpoint: String,
    options: Vec<String>,
}

/// `target ls`.
#[derive(Default)]
pub(crate) struct List {
    quiet: bool,
}

/// `target inspect`.
#[derive(Default)]
pub(crate) struct Inspect;

/// `target check`.
#[derive(Default)]
pub(crate) struct Check {
    live: bool,
    force: bool,
}

/// `target resources`.
#[derive(Default)]
pub(crate) struct Resources;

/// `target rm`.
#[derive(Default)]
pub(crate) struct Remove;

const ONE_OR_MORE: Specification = Specification {
    arguments: "TARGET [TARGET...]",
    summary: "",
    aliases: "",
    positional: Positional::AtLeast(1),
    interspersed: true,
};

impl Command for Create {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NAME",
        summary: "Give a name to a place where containers can live",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Give a name to a place where containers can live. Credentials are never stored: they come\n\
        from each provider's usual places at the moment of use. The regions of clouds\n\
        (aws-us-east-1) are targets without being made.\n\n\
        Examples:\n  sampan target create edge --provider docker --endpoint ssh://me@edge\n  \
        sampan target create lab --provider docker --endpoint tcp://10.0.0.2:2376 -o ca=ca.pem -o cert=cert.pem -o key=key.pem";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.provider, "provider", "", "Kind of place (\"docker\", \"aws\")");
        flags.string(&mut self.region, "region", "", "The provider's own name of a region");
        flags.string(&mut self.endpoint, "endpoint", "", "Where it is reached: a URL");
        flags.list(&mut self.options, "option", "o", "Setting of this provider: NAME=VALUE");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut options = Map::new();
        for option in &self.options {
            let (name, value) = option.split_once('=').ok_or_else(|| {
                Failure::message(format!("--option {option:?} has no value: it is NAME=VALUE"))
            })?;
            options.insert(name.to_owned(), file(name, value)?.into());
        }
        let name = &parsed.arguments[0];
        let body = json!({
            "Name": name, "Provider": self.provider, "Region": self.region, "Endpoint": self.endpoint,
            "Options": options,
        });
        session.client()?.post_json("/sampan/targets", &Query::new(), &body)?.discard()?;
        print(&format!("{name}\n"))?;
        Ok(ExitStatus::SUCCESS)
    }
}

/// Files are named to the engine by their whole path.
fn file(name: &str, value: &str) -> Result<String> {
    if !matches!(name, "ca" | "cert" | "key") {
        return Ok(value.to_owned());
    }
    let path = std::path::absolute(value)?;
    Ok(path.to_string_lossy().into_owned())
}

impl Command for List {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "List targets",
        aliases: "target ls, target list",
        positional: Positional::None,
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.quiet, "quiet", "q", "Only display names");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let targets: Value = session.client()?.get("/sampan/targets", &Query::new())?.json()?;
        let mut rows = vec![["NAME", "PROVIDER", "REGION", "ENDPOINT"].map(str::to_owned)];
        for target in targets.as_array().into_iter().flatten() {
            rows.push(["Name", "Provider", "Region", "Endpoint"].map(|field| target.text(field).to_owned()));
        }
        if self.quiet {
            let lines: String = rows.iter().skip(1).map(|row| format!("{}\n", row[0])).collect();
            print(&lines)?;
        } else {
            print(&table(&rows))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

/// Asks for one thing of each target and prints the answers as JSON.
fn each(session: &Session, parsed: &Parsed, route: &str) -> Result<Vec<Value>> {
    let ask = |name: &String| {
        request(session.client()?, "GET", &target_path(name, route)?, &Query::new(), None)?.json()
    };
    parsed.arguments.iter().map(ask).collect()
}

impl Command for Inspect {
    const SPECIFICATION: Specification =
        Specification { summary: "Display detailed information on targets", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        print(&format!("{}\n", serde_json::to_string_pretty(&each(session, &parsed, "")?)?))?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Check {
    const SPECIFICATION: Specification =
        Specification { summary: "Ask targets who we are there, and what is missing", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(
            &mut self.live,
            "live",
            "",
            "Make a small container there, try everything with it, and remove it",
        );
        flags.bool(&mut self.force, "force", "f", "Do not prompt for confirmation");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        if self.live {
            return self.live(session, &parsed.arguments);
        }
        let mut status = ExitStatus::SUCCESS;
        for (name, answer) in parsed.arguments.iter().zip(each(session, &parsed, "check")?) {
            let simulated = if answer["Simulated"] == Value::Bool(true) { " (simulated)" } else { "" };
            let parts = ["Product", "Account", "Principal"].map(|field| answer.text(field));
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            print(&format!("{name}{simulated}: {}\n", parts.join(", ")))?;
            for missing in answer["Missing"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                print(&format!("{name}{simulated}: missing: {missing}\n"))?;
                status = ExitStatus::FAILURE;
            }
        }
        Ok(status)
    }
}

impl Check {
    /// Tries each with a container of its own.
    fn live(&self, session: &Session, targets: &[String]) -> Result<ExitStatus> {
        let question = "WARNING! This makes a container at each target, and whatever it needs there, which may cost \
                        something, and removes it again.\nAre you sure you want to continue?";
        if !self.force && !confirm(question)? {
            return Ok(ExitStatus::SUCCESS);
        }
        for target in targets {
            let path = target_path(target, "check")?;
            follow(&mut request(session.client()?, "POST", &path, &Query::new(), None)?)?;
            print(&format!("{target}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Resources {
    const SPECIFICATION: Specification =
        Specification { summary: "List everything that was made at targets", ..ONE_OR_MORE };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut rows = vec![["TARGET", "SERVICE", "KIND", "ID"].map(str::to_owned)];
        for (name, answer) in parsed.arguments.iter().zip(each(session, &parsed, "resources")?) {
            for one in answer.as_array().into_iter().flatten() {
                let [service, kind, id] = ["Service", "Kind", "Id"].map(|field| one.text(field).to_owned());
                rows.push([name.clone(), service, kind, id]);
            }
        }
        print(&table(&rows))?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Remove {
    const SPECIFICATION: Specification = Specification {
        summary: "Forget targets; what lives there goes on",
        aliases: "target rm, target remove",
        ..ONE_OR_MORE
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        for name in &parsed.arguments {
            session.client()?.delete(&target_path(name, "")?, &Query::new())?.discard()?;
            print(&format!("{name}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
