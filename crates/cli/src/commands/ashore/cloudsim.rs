//! `sampan cloudsim`: a stand-in cloud on loopback.

use crate::client::Query;
use crate::commands::output::print;
use crate::commands::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;
use serde_json::Value;

/// `cloudsim up`.
#[derive(Default)]
pub(crate) struct Up;

/// `cloudsim down`.
#[derive(Default)]
pub(crate) struct Down;

/// `cloudsim env`.
#[derive(Default)]
pub(crate) struct Environment;

const NOTHING: Specification = Specification {
    arguments: "",
    summary: "",
    aliases: "",
    positional: Positional::None,
    interspersed: true,
};
const ROUTE: &str = "/sampan/cloudsim";

impl Command for Up {
    const SPECIFICATION: Specification = Specification {
        summary: "Start a simulation of AWS that runs its containers on this engine",
        ..NOTHING
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let state: Value = session.client()?.post(ROUTE, &Query::new())?.json()?;
        print(&format!(
            "a simulation of AWS answers at {}: aws-us-east-1 and the other regions mean it until `sampan cloudsim down`\n",
            state.text("Endpoint")
        ))?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Down {
    const SPECIFICATION: Specification =
        Specification { summary: "End the simulation, with all that runs there", ..NOTHING };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        session.client()?.delete(ROUTE, &Query::new())?.discard()?;
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Environment {
    const SPECIFICATION: Specification =
        Specification { summary: "Show what AWS's own tools need to speak to the simulation", ..NOTHING };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let state: Value = session.client()?.get(ROUTE, &Query::new())?.json()?;
        if state["Up"] != Value::Bool(true) {
            return Err("no simulation is up: `sampan cloudsim up`".into());
        }
        for (name, field) in [
            ("AWS_ENDPOINT_URL", "Endpoint"),
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ] {
            print(&format!("export {name}={}\n", state.text(field)))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
