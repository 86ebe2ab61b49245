//! `docker pull`: takes an image from a registry.

use super::creation::named_reference;
use super::output::print;
use super::progress::{Target, show_transfer};
use super::{Command, Positional, Specification};
use crate::client::{Body, Query};
use crate::config::registry_authentication;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;

pub(crate) struct Args {
    all_tags: bool,
    platform: String,
    quiet: bool,
    untrusted: bool,
}

impl Default for Args {
    fn default() -> Self {
        let platform = std::env::var("DOCKER_DEFAULT_PLATFORM").unwrap_or_default();
        Self { all_tags: false, platform, quiet: false, untrusted: true }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] NAME[:TAG|@DIGEST]",
        summary: "Download an image from a registry",
        aliases: "image pull, pull",
        positional: Positional::Exactly(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.all_tags, "all-tags", "a", "Download all tagged images in the repository");
        flags.bool(&mut self.quiet, "quiet", "q", "Suppress verbose output");
        flags.string(&mut self.platform, "platform", "", "Set platform if server is multi-platform capable");
        flags.bool(&mut self.untrusted, "disable-content-trust", "", "Skip image verification");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
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
        let wanted = reference.digest.clone().or_else(|| reference.tag.clone()).unwrap_or_default();
        let query = Query::new()
            .with("fromImage", format!("{}/{}", reference.domain, reference.path))
            .with_if(!self.all_tags, "tag", wanted)
            .with_if(!self.platform.is_empty(), "platform", self.platform.to_lowercase());
        let authentication = registry_authentication(session, &reference.domain);
        let headers = [("X-Registry-Auth", authentication.as_str())];
        let client = session.client()?;
        let mut answer = client.request_with("POST", "/images/create", &query, &headers, Body::None)?;
        let target = if self.quiet { Target::Nowhere } else { Target::Stdout };
        show_transfer(session, &mut answer, target)?;
        print(&format!("{reference}\n"))?;
        Ok(ExitStatus::SUCCESS)
    }
}
