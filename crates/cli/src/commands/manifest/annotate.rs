//! `docker manifest annotate`: says what a manifest of a list runs on.

use super::super::{Command, Positional, Specification};
use super::{complete, local, whole};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

#[derive(Default)]
pub(crate) struct Args {
    architecture: String,
    os: String,
    os_features: Vec<String>,
    os_version: String,
    variant: String,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] MANIFEST_LIST MANIFEST",
        summary: "Add additional information to a local image manifest",
        aliases: "",
        positional: Positional::Exactly(2),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(&mut self.os, "os", "", "Set operating system");
        flags.string(&mut self.architecture, "arch", "", "Set architecture");
        flags.string(&mut self.os_version, "os-version", "", "Set operating system version");
        flags.strings(&mut self.os_features, "os-features", "", "Set operating system feature");
        flags.string(&mut self.variant, "variant", "", "Set architecture variant");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let (list, name) = (complete(&parsed.arguments[0])?, complete(&parsed.arguments[1])?);
        let mut manifest = local::get(session, &list, &name).ok_or_else(|| {
            Failure::message(format!(
                "manifest for image {} does not exist in {}",
                whole(&name),
                whole(&list)
            ))
        })?;
        let platform = &mut manifest["Descriptor"]["platform"];
        for (field, value) in [
            ("os", &self.os),
            ("architecture", &self.architecture),
            ("os.version", &self.os_version),
            ("variant", &self.variant),
        ] {
            if !value.is_empty() {
                platform[field] = value.as_str().into();
            }
        }
        if !self.os_features.is_empty() {
            platform["os.features"] = self.os_features.into();
        }
        local::put(session, &list, &name, &manifest)?;
        Ok(ExitStatus::SUCCESS)
    }
}
