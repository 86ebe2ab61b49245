//! `docker rmi` and `docker image rm`: removes names of images, and images without a name.

use serde::Deserialize;

use super::several;
use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    force: bool,
    no_prune: bool,
    platforms: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Removed {
    #[serde(default)]
    deleted: String,
    #[serde(default)]
    untagged: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] IMAGE [IMAGE...]",
        summary: "Remove one or more images",
        aliases: "image rm, image remove, rmi",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.force, "force", "f", "Force removal of the image");
        flags.bool(&mut self.no_prune, "no-prune", "", "Do not delete untagged parents");
        flags.strings(
            &mut self.platforms,
            "platform",
            "",
            "Remove only the given platform variant. Formatted as \"os[/arch[/variant]]\" (e.g., \"linux/amd64\")",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let client = session.client()?;
        let mut query = Query::new().with_if(self.force, "force", "1").with_if(self.no_prune, "noprune", "1");
        for platform in &self.platforms {
            query = query.with("platforms", super::platform::parse(platform)?.to_string());
        }
        let mut failures = Vec::new();
        let mut fatal = false;
        for name in &parsed.arguments {
            let remove =
                || client.delete(&object_path("image", name, "")?, &query)?.json::<Option<Vec<Removed>>>();
            match remove() {
                Ok(removed) => {
                    for entry in removed.unwrap_or_default() {
                        if entry.deleted.is_empty() {
                            println!("Untagged: {}", entry.untagged);
                        } else {
                            println!("Deleted: {}", entry.deleted);
                        }
                    }
                }
                Err(failure) => {
                    fatal |= !failure.is_not_found();
                    failures.push(failure);
                }
            }
        }
        match several::joined(failures) {
            Err(failure) if self.force && !fatal => {
                eprintln!("{failure}");
                Ok(ExitStatus::SUCCESS)
            }
            other => other,
        }
    }
}
