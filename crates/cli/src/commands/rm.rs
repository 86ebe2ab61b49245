//! `docker rm`: removes containers.

use super::ashore::{self, Place};
use super::several;
use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    volumes: bool,
    link: bool,
    force: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER [CONTAINER...]",
        summary: "Remove one or more containers",
        aliases: "container rm, container remove, rm",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(
            &mut self.volumes,
            "volumes",
            "v",
            "Remove anonymous volumes associated with the container",
        );
        flags.bool(&mut self.link, "link", "l", "Remove the specified link");
        flags.bool(&mut self.force, "force", "f", "Force the removal of a running container (uses SIGKILL)");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let query = Query::new().with_if(self.force, "force", "1").with_if(self.link, "link", "1").with_if(
            self.volumes,
            "v",
            "1",
        );
        let client = session.client()?;
        let missing = std::sync::Mutex::new(Vec::new());
        let force = self.force;
        several::in_parallel_unless(&parsed.arguments, |name| {
            let name = name.trim_matches('/');
            if name.is_empty() {
                return Err("container name cannot be empty".into());
            }
            if let Some(place) = Place::parse(name) {
                return ashore::remove(client, &place, self.volumes).map(|()| true);
            }
            match client.delete(&object_path("container", name, "")?, &query) {
                Ok(response) => response.discard().map(|()| true),
                Err(failure)
                    if failure.is_not_found()
                        && let Some(place) = ashore::moved(client, name) =>
                {
                    drop(failure);
                    ashore::remove(client, &place, self.volumes).map(|()| true)
                }
                // With --force it is no failure that there is nothing to remove.
                Err(failure) if force && failure.is_not_found() => {
                    missing
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push(failure.to_string());
                    Ok(false)
                }
                Err(failure) => Err(failure),
            }
        })
        .inspect(|_| report(&missing))
        .inspect_err(|_| report(&missing))
    }
}

fn report(missing: &std::sync::Mutex<Vec<String>>) {
    for text in missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter() {
        eprintln!("{text}");
    }
}
