//! `docker images`: lists images.

use serde_json::Value as Json;

use super::output::{FORMAT_HELP, print};
use super::{Command, Positional, Specification, image_tree};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::image::{self, IMAGE};
use crate::format::table::{Format, Row, Style};
use crate::session::Session;

/// `docker images`, which hints at `docker image X` when X was taken for a name.
#[derive(Default)]
pub(crate) struct Args(List);

/// `docker image ls`.
#[derive(Default)]
pub(crate) struct List {
    all: bool,
    digests: bool,
    filters: Vec<(String, String)>,
    format: String,
    no_trunc: bool,
    quiet: bool,
    tree: bool,
}

const ALIASES: &str = "image ls, image list, images";

impl Command for Args {
    const SPECIFICATION: Specification = List::SPECIFICATION;

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        self.0.flags(flags);
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        self.0.show(session, parsed.arguments.first().map(String::as_str), true)
    }
}

impl Command for List {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] [REPOSITORY[:TAG]]",
        summary: "List images",
        aliases: ALIASES,
        positional: Positional::AtMost(1),
        interspersed: true,
    };

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.bool(&mut self.quiet, "quiet", "q", "Only show image IDs");
        flags.bool(&mut self.all, "all", "a", "Show all images (default hides intermediate images)");
        flags.bool(&mut self.no_trunc, "no-trunc", "", "Don't truncate output");
        flags.bool(&mut self.digests, "digests", "", "Show digests");
        flags.string(&mut self.format, "format", "", FORMAT_HELP);
        flags.filters(&mut self.filters, "filter", "f", "Filter output based on conditions provided");
        flags.bool(&mut self.tree, "tree", "", "List multi-platform images as a tree (EXPERIMENTAL)");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        self.show(session, parsed.arguments.first().map(String::as_str), false)
    }
}

impl List {
    fn show(mut self, session: &Session, name: Option<&str>, hint: bool) -> Result<ExitStatus> {
        let name = name.filter(|name| !name.is_empty());
        if let Some(name) = name {
            self.filters.push(("reference".into(), name.into()));
        }
        let query = Query::new().with_if(self.all, "all", "1").with_filters(&self.filters);
        if self.tree {
            return self.show_tree(session, query);
        }
        let images: Vec<Json> = session.client()?.get("/images/json", &query)?.json()?;
        if self.format.is_empty() {
            let configured = session.config().text("imagesFormat");
            let usual = configured.is_empty() || self.quiet;
            self.format = if usual { "table" } else { configured }.into();
        }
        let format = Format::new(image::format(&self.format, self.quiet, self.digests));
        let need_digest = self.digests || format.source().contains("{{.Digest}}");
        let style = Style { short: !self.no_trunc };
        let rows = images.iter().flat_map(|image| image::rows(image, need_digest, self.digests));
        print(&format.render_rows(&IMAGE, rows.map(|row| Row::of(&IMAGE, row, style)))?)?;
        if let Some(name) = name.filter(|_| hint && images.is_empty()) {
            print_hint(session, name);
        }
        Ok(ExitStatus::SUCCESS)
    }

    fn show_tree(&self, session: &Session, query: Query) -> Result<ExitStatus> {
        let refused = [
            (self.quiet, "--quiet"),
            (self.no_trunc, "--no-trunc"),
            (self.digests, "--show-digest"),
            (!self.format.is_empty(), "--format"),
        ];
        if let Some((_, flag)) = refused.iter().find(|(given, _)| *given) {
            return Err(format!("{flag} is not yet supported with --tree").into());
        }
        let images: Vec<Json> =
            session.client()?.get("/images/json", &query.with("manifests", "1"))?.json()?;
        print(&image_tree::render(&images))?;
        Ok(ExitStatus::SUCCESS)
    }
}

/// People write `docker images ls` and get an empty list: say what they may have meant.
fn print_hint(session: &Session, name: &str) {
    const SUBCOMMANDS: &[&str] = &[
        "build", "history", "import", "inspect", "list", "load", "ls", "prune", "pull", "push", "rm", "save",
        "tag",
    ];
    if SUBCOMMANDS.contains(&name) {
        let program = session.name();
        eprintln!("\nNo images found matching {name:?}: did you mean \"{program} image {name}\"?");
    }
}
