//! `docker tag`: gives an image another name.

use super::{Command, Positional, Specification};
use crate::client::{Query, object_path};
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args;

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        aliases: "image tag, tag",
        positional: Positional::Exactly(2),
        interspersed: false,
    };

    fn flags<'a>(&'a mut self, _flags: &mut FlagSet<'a>) {}

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let (source, target) = (&parsed.arguments[0], &parsed.arguments[1]);
        super::creation::image_reference(source).map_err(|failure| {
            failure.prefixed(&format!(
                "Error parsing reference: {} is not a valid repository/tag",
                crate::flags::quote(source)
            ))
        })?;
        let reference = super::creation::named_reference(target).map_err(|failure| {
            failure.prefixed(&format!(
                "Error parsing reference: {} is not a valid repository/tag",
                crate::flags::quote(target)
            ))
        })?;
        if reference.digest.is_some() {
            return Err("refusing to create a tag with a digest reference".into());
        }
        let query = Query::new()
            .with("repo", format!("{}/{}", reference.domain, reference.path))
            .with("tag", reference.tag.as_deref().unwrap_or("latest"));
        session.client()?.post(&object_path("image", source, "tag")?, &query)?.discard()?;
        Ok(ExitStatus::SUCCESS)
    }
}
