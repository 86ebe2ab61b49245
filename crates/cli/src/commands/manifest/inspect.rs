//! `docker manifest inspect`: a manifest, of a list that is being put together or of a registry.

use serde_json::{Value as Json, json};

use super::super::output::print;
use super::super::{Command, Positional, Specification};
use super::{complete, fetch, local, raw, whole};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::json as layout;
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    insecure: bool,
    verbose: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [MANIFEST_LIST] MANIFEST",
        summary: "Display an image manifest, or manifest list",
        aliases: "",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.insecure, "insecure", "", "Allow communication with an insecure registry");
        flags.bool(&mut self.verbose, "verbose", "v", "Output additional info including layers and platform");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let names: Vec<_> = parsed.arguments.iter().map(|name| complete(name)).collect::<Result<_>>()?;
        let manifest = match names.as_slice() {
            [list, name] => local::get(session, list, name)
                .ok_or_else(|| Failure::message(format!("No such manifest: {}", whole(name))))?,
            [name] => match local::all(session, name) {
                Ok(members) => return show(&joined(&members).to_string()),
                Err(_) => fetch(session, name)?,
            },
            _ => return Err("say a manifest, or a list and a manifest of it".into()),
        };
        let text = raw(&manifest)?;
        if !self.verbose {
            return show(&text);
        }
        let (reference, descriptor) = (&manifest["Ref"], &manifest["Descriptor"]);
        let inner: Json = serde_json::from_str(&text)?;
        show(&json!({"Ref": reference, "Descriptor": descriptor, "SchemaV2Manifest": inner}).to_string())
    }
}

/// The list that these members are.
fn joined(members: &[Json]) -> Json {
    let manifests: Vec<&Json> = members.iter().map(|member| &member["Descriptor"]).collect();
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
        "manifests": manifests,
    })
}

fn show(text: &str) -> Result<ExitStatus> {
    print(&format!("{}\n", layout::indent(text.trim(), "", "\t")))?;
    Ok(ExitStatus::SUCCESS)
}
