//! `sampan container push` and `sampan container deploy`: containers to targets.

use super::request;
use crate::client::{Query, own_path};
use crate::commands::fleet_flags::{add_job, follow, plan_text};
use crate::commands::output::print;
use crate::commands::{Command, Positional, Specification};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::session::Session;
use serde_json::{Value, json};

/// What both have.
#[derive(Default)]
struct Sending {
    targets: Vec<String>,
    image_only: bool,
    replicas: i64,
}

/// `container push`.
#[derive(Default)]
pub(crate) struct Push {
    sending: Sending,
    dry_run: bool,
}

/// `container deploy`.
#[derive(Default)]
pub(crate) struct Deploy {
    sending: Sending,
    every: String,
}

impl Sending {
    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>, name: &'static str, letter: &'static str) {
        flags.list(
            &mut self.targets,
            name,
            letter,
            "Where to (\"aws-us-east-1\", a name of `sampan target ls`)",
        );
        flags.bool(
            &mut self.image_only,
            "image-only",
            "",
            "Send the image as it was made, without what was written since",
        );
        flags.int(&mut self.replicas, "replicas", "", "How many there (default: as many as here)");
    }

    fn body(&self, parsed: &Parsed) -> Value {
        let mut body = json!({"ImageOnly": self.image_only});
        if parsed.changed("replicas") {
            body["Replicas"] = json!(self.replicas.max(0));
        }
        body
    }

    fn check(&self, flag: &str) -> Result<()> {
        match self.targets.is_empty() {
            true => Err(Failure::message(format!(
                "say where to: {flag} TARGET (`sampan target ls`, aws-us-east-1)"
            ))),
            false => Ok(()),
        }
    }
}

/// What would be done, and what would be lost.
///
/// # Errors
/// Standard output is closed.
pub(super) fn show_plan(plan: &Value) -> Result<ExitStatus> {
    print(&plan_text(plan))?;
    for loss in plan["Losses"].as_array().into_iter().flatten() {
        print(&format!("{}: {}\n", loss.text("Severity"), loss.text("Sentence")))?;
    }
    Ok(ExitStatus::SUCCESS)
}

impl Command for Push {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] -a TARGET CONTAINER [CONTAINER...]",
        summary: "Send containers to other places",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Send containers to other places: the image (committed first if files differ) goes to the\n\
        target, and the container runs there with the same command, environment, ports, limits,\n\
        labels and volumes' names. It goes on here, too. Again is an update.\n\n\
        Examples:\n  sampan container push -a aws-us-east-1 my-ubuntu-container\n  \
        sampan container push --dry-run -a edge my-ubuntu-container";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.dry_run, "dry-run", "", "Only show what would be done, and what would be lost");
        self.sending.flags(flags, "at", "a");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        self.sending.check("-a")?;
        for name in &parsed.arguments {
            for target in &self.sending.targets {
                let mut body = self.sending.body(&parsed);
                body["Target"] = json!(target);
                body["DryRun"] = json!(self.dry_run);
                let mut answer =
                    request(session.client()?, "POST", &own_path(name, "push")?, &Query::new(), Some(&body))?;
                if self.dry_run {
                    show_plan(&answer.json()?)?;
                    continue;
                }
                follow(&mut answer)?;
                print(&format!("{name}@{target}\n"))?;
            }
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Command for Deploy {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] -d TARGET CONTAINER [CONTAINER...]",
        summary: "Send containers to another place and keep them there as they are here",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Send containers to another place, and keep them there as they are here: a job sends them\n\
        again when the image or the configuration changes, and brings them back when they are gone.\n\n\
        Examples:\n  sampan container deploy -d aws-us-east-1 my-ubuntu-container\n  sampan job ls";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.every, "every", "", "Time between two looks (default 1m)");
        self.sending.flags(flags, "target", "d");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        self.sending.check("-d")?;
        let [target] = self.sending.targets.as_slice() else {
            return Err(Failure::message("a container is kept at one target: give -d once"));
        };
        for name in &parsed.arguments {
            let mut body = self.sending.body(&parsed);
            body["Target"] = json!(target);
            // The first time is now, with the asker's own credentials.
            follow(&mut request(
                session.client()?,
                "POST",
                &own_path(name, "push")?,
                &Query::new(),
                Some(&body),
            )?)?;
            let every = if self.every.is_empty() { "1m" } else { &self.every };
            add_job(session, name, every, "Deploy", &body)?;
            print(&format!("{name}@{target}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
