//! `docker context create`.

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::endpoint::{Flag, description};
use super::{archive, check_new};
use crate::config::contexts::{Context, Store};
use crate::config::current_context;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    description: String,
    docker: Flag,
    from: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTEXT",
        summary: "Create a context",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = description!("Create", "create");

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.description, "description", "", "Description of the context");
        self.docker.bind(flags);
        flags.string(&mut self.from, "from", "", "create context from a named context");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let name = &parsed.arguments[0];
        let store = Store::new(session);
        check_new(&store, name)?;
        if self.from.is_empty() && self.docker.is_given() {
            let chosen = self.docker.resolve(&store)?;
            store.save(&Context::new(name, &self.description, chosen.endpoint))?;
            for (file, bytes) in chosen.certificates {
                store.save_certificate(name, "docker", file, &bytes)?;
            }
        } else {
            self.copy(&store, &current_context(session), name)?;
        }
        print(&format!("{name}\n"))?;
        eprintln!("Successfully created context {}", quote(name));
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    fn copy(&self, store: &Store<'_>, current: &str, name: &str) -> Result<()> {
        if self.docker.is_given() {
            return Err("cannot use --docker flag when --from is set".into());
        }
        let source = if self.from.is_empty() { current } else { &self.from };
        let mut context = store.get(source)?;
        let description = if self.description.is_empty() {
            context.description().to_string()
        } else {
            self.description.clone()
        };
        if !description.is_empty() {
            context.metadata.insert("Description".into(), description.into());
        }
        context.name = name.into();
        store.save(&context)?;
        archive::copy_certificates(store, source, name)
    }
}
