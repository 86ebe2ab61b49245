//! `docker push`: gives an image to a registry.

use super::creation::named_reference;
use super::output::print;
use super::platform;
use super::progress::{Target, show_transfer};
use super::{Command, Positional, Specification};
use crate::client::{Body, Query};
use crate::config::registry_authentication;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

pub(crate) struct Args {
    all_tags: bool,
    compression: String,
    platform: String,
    quiet: bool,
    untrusted: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            all_tags: false,
            compression: String::new(),
            platform: String::new(),
            quiet: false,
            untrusted: true,
        }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NAME[:TAG]",
        summary: "Upload an image to a registry",
        aliases: "image push, push",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.all_tags, "all-tags", "a", "Push all tags of an image to the repository");
        flags.bool(&mut self.quiet, "quiet", "q", "Suppress verbose output");
        flags
            .string(
                &mut self.compression,
                "compression",
                "",
                "Form of the layers (\"gzip\", \"zstd\", \"none\")",
            )
            .own();
        flags.bool(&mut self.untrusted, "disable-content-trust", "", "Skip image signing");
        flags.string(
            &mut self.platform,
            "platform",
            "",
            "Push a platform-specific manifest as a single-platform image to the registry.\n\
             Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.\n\
             'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
        );
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let mut query = Query::new();
        if !self.platform.is_empty() {
            let platform = platform::parse(&self.platform)
                .inspect_err(|_| eprint!("Invalid platform {}", self.platform))?;
            query = query.with("platform", platform.to_string());
            print(
                "\n Info -> Using --platform pushes only the specified platform manifest of a multi-platform image \
                 index.\n         Other components, like attestations, will not be included.\n         To push the \
                 complete multi-platform image, remove the --platform flag.\n         \n",
            )?;
        }
        if !self.untrusted {
            return Err("content trust is not supported; leave out --disable-content-trust=false".into());
        }
        let mut reference = named_reference(&parsed.arguments[0])?;
        let bare = reference.tag.is_none() && reference.digest.is_none();
        if self.all_tags && !bare {
            return Err("tag can't be used with --all-tags/-a".into());
        }
        if !self.all_tags && bare {
            reference.tag = Some("latest".into());
            if !self.quiet {
                print("Using default tag: latest\n")?;
            }
        }
        if reference.digest.is_some() {
            return Err("cannot push a digest reference".into());
        }
        query = query.with_if(!self.all_tags, "tag", reference.tag.clone().unwrap_or_default()).with_if(
            !self.compression.is_empty(),
            "compression",
            self.compression,
        );
        let authentication = registry_authentication(session, &reference.domain);
        let headers = [("X-Registry-Auth", authentication.as_str())];
        let path = format!("/images/{}/{}/push", reference.domain, reference.path);
        let mut answer = session.client()?.request_with("POST", &path, &query, &headers, Body::None)?;
        let target = if self.quiet { Target::Nowhere } else { Target::Stdout };
        show_transfer(session, &mut answer, target)?;
        if self.quiet {
            print(&format!("{reference}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}
