//! `docker context update`.

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::endpoint::{Flag, description};
use crate::config::contexts::{Store, check_name};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed, quote};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    description: String,
    docker: Flag,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTEXT",
        summary: "Update a context",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = description!("Update", "update");

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.description, "description", "", "Description of the context");
        self.docker.bind(flags);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let name = &parsed.arguments[0];
        check_name(name)?;
        let store = Store::new(session);
        let mut context = store.get(name)?;
        if !self.description.is_empty() {
            context.metadata.insert("Description".into(), self.description.into());
        }
        if self.docker.is_given() {
            let chosen = self.docker.resolve(&store)?;
            context.endpoints.insert("docker".into(), chosen.endpoint);
            let _ = std::fs::remove_dir_all(store.certificates_folder(name).join("docker"));
            for (file, bytes) in chosen.certificates {
                store.save_certificate(name, "docker", file, &bytes)?;
            }
        }
        store.save(&context)?;
        print(&format!("{name}\n"))?;
        eprintln!("Successfully updated context {}", quote(name));
        Ok(ExitStatus::SUCCESS)
    }
}
