//! `docker cp`: files between a container and here.

mod pack;
mod path;
mod progress;
mod stat;
mod unpack;

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Command, Positional, Specification};
use crate::client::{Body, Client, Query, object_path};
use crate::failure::ExitStatus;
use crate::failure::{Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::session::Session;
use progress::Progress;
use stat::PathStat;

#[derive(Default)]
pub(crate) struct Args {
    follow_link: bool,
    archive: bool,
    quiet: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
        summary: "Copy files/folders between a container and the local filesystem",
        aliases: "container cp, cp",
        positional: Positional::Exactly(2),
        interspersed: true,
    };

    const DESCRIPTION: &'static str = "Copy files/folders between a container and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a container.
Use '-' as the destination to stream a tar archive of a
container source to stdout.";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.follow_link, "follow-link", "L", "Always follow symbol link in SRC_PATH");
        flags.bool(&mut self.archive, "archive", "a", "Archive mode (copy all uid/gid information)");
        flags.bool(
            &mut self.quiet,
            "quiet",
            "q",
            "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is \
             attached",
        );
    }

    fn run(mut self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let (source, destination) = (&parsed.arguments[0], &parsed.arguments[1]);
        if source.is_empty() {
            return Err("source can not be empty".into());
        }
        if destination.is_empty() {
            return Err("destination can not be empty".into());
        }
        if !parsed.changed("quiet") {
            self.quiet = !std::io::stdout().is_terminal();
        }
        let client = session.client()?;
        match (path::split(source), path::split(destination)) {
            ((Some(container), source), (None, target)) => self.fetch(client, container, source, target)?,
            ((None, source), (Some(container), target)) => self.deliver(client, source, container, target)?,
            ((Some(_), _), (Some(_), _)) => {
                return Err("copying between containers is not supported".into());
            }
            ((None, _), (None, _)) => return Err("must specify at least one container source".into()),
        }
        Ok(ExitStatus::SUCCESS)
    }
}

impl Args {
    fn fetch(&self, client: &Client, container: &str, source: &str, target: &str) -> Result<()> {
        let target = if target == "-" { target.to_owned() } else { path::absolute(target)? };
        path::check_output(&target)?;
        let mut source = source.to_owned();
        let mut rebase = String::new();
        if self.follow_link
            && let Ok(stat) = PathStat::ask(client, container, &source)
            && stat.is_symlink()
        {
            let link = path::link_target(&source, &stat.link_target);
            (source, rebase) = path::rebase_name(&source, &link);
        }
        let archive = object_path("container", container, "archive")?;
        let mut response = client.get(&archive, &Query::new().with("path", source.as_str()))?;
        let stat = PathStat::of(&response)?;
        if target == "-" {
            return crate::terminal::copy_raw(&mut response);
        }
        let progress = Progress::start("Copying from container - ", self.quiet);
        let source = path::Source { path: source, is_directory: stat.is_directory(), rebase };
        let result = unpack::to(progress.count(response), &source, &target);
        progress.finish(&target);
        result
    }

    fn deliver(&self, client: &Client, source: &str, container: &str, target: &str) -> Result<()> {
        let source = if source == "-" { source.to_owned() } else { path::absolute(source)? };
        let mut resolved = target.to_owned();
        let mut stat = PathStat::ask(client, container, target);
        if let Ok(found) = &stat
            && found.is_symlink()
        {
            resolved = path::link_target(target, &found.link_target);
            stat = PathStat::ask(client, container, &resolved);
        }
        if let Ok(found) = &stat
            && let Some(reason) = found.unfit()
        {
            return Err(Failure::message(format!(
                "destination \"{container}:{target}\" must be a directory or a regular file: {reason}"
            )));
        }
        // Any failure means that the destination is not there; the engine decides about its folder.
        let destination = path::Destination {
            path: resolved,
            exists: stat.is_ok(),
            is_directory: stat.is_ok_and(|found| found.is_directory()),
        };
        if source == "-" {
            if !destination.is_directory {
                return Err(Failure::message(format!(
                    "destination \"{container}:{target}\" must be a directory"
                )));
            }
            let body = Body::Stream(Box::new(std::io::stdin()), "text/plain");
            return self.send(client, container, &destination.path, body);
        }
        let (local, rebase) = path::resolve_source(&source, self.follow_link)?;
        let metadata = std::fs::symlink_metadata(&local)
            .map_err(|error| path::system_failure("lstat", &local, &error))?;
        let info = path::Source { path: local, is_directory: metadata.is_dir(), rebase };
        let (folder, root) = path::place(&info, &destination)?;

        let progress = Progress::start("Copying to container - ", self.quiet);
        let failed: Arc<Mutex<Option<Failure>>> = Arc::default();
        let reader = pack::start(Path::new(&info.path), root, Arc::clone(&failed))?;
        let body = Body::Stream(Box::new(progress.count(reader)), "text/plain");
        let sent = self.send(client, container, &folder, body);
        progress.finish(&format!("{container}:{}", destination.path));
        // A file that could not be read explains a broken request better than the request does; what the
        // engine refused breaks the packing off.
        match (sent, failed.lock().unwrap_or_else(PoisonError::into_inner).take()) {
            (Err(refused @ Failure::Daemon { .. }), _) => Err(refused),
            (_, Some(unreadable)) => Err(unreadable),
            (sent, None) => sent,
        }
    }

    fn send(&self, client: &Client, container: &str, folder: &str, body: Body) -> Result<()> {
        let query = Query::new().with("path", folder).with("noOverwriteDirNonDir", "true").with_if(
            self.archive,
            "copyUIDGID",
            "true",
        );
        client.request("PUT", &object_path("container", container, "archive")?, &query, body)?.discard()
    }
}
