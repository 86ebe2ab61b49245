//! `docker manifest push`: gives a list to its registry.

use serde_json::{Value as Json, json};

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::{complete, local, whole};
use crate::client::{Body, Query};
use crate::config::registry_authentication;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    insecure: bool,
    purge: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] MANIFEST_LIST",
        summary: "Push a manifest list to a repository",
        aliases: "",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.purge, "purge", "p", "Remove the local manifest list after push");
        flags.bool(&mut self.insecure, "insecure", "", "Allow push to an insecure registry");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let list = complete(&parsed.arguments[0])?;
        let members: Vec<Json> = local::all(session, &list)?
            .iter()
            .map(|member| json!({"Ref": member["Ref"], "Descriptor": member["Descriptor"]}))
            .collect();
        let authentication = registry_authentication(session, &list.domain);
        let headers = [("X-Registry-Auth", authentication.as_str())];
        let path = format!("/sampan/manifests/{}/push", whole(&list));
        let body = Body::json(&json!({"Members": members}))?;
        let answer: Json =
            session.client()?.request_with("POST", &path, &Query::new(), &headers, body)?.json()?;
        print(&format!("{}\n", answer["Digest"].as_str().unwrap_or_default()))?;
        if self.purge {
            std::fs::remove_dir_all(local::folder(session, &list))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
