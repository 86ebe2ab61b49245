//! `sampan image gc`: removes images until a disk budget is kept, those that were not used for longest first.

use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::Query;
use crate::failure::{ExitStatus, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::format::units;
use crate::session::Session;

const SECOND: i64 = 1_000_000_000;

pub(crate) struct Args {
    budget: i64,
    dry_run: bool,
    unused: i64,
}

impl Default for Args {
    fn default() -> Self {
        Self { budget: -1, dry_run: false, unused: 120 * SECOND }
    }
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS]",
        summary: "Remove images until the disk budget is kept",
        aliases: "",
        positional: Positional::None,
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Remove images until the disk budget is kept: those that were not used for \
        longest first.\nImages that are pinned or that a container was made from stay.";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.size(
            &mut self.budget,
            "budget",
            "",
            "Bytes that images may take (the daemon's image-disk-budget)",
        );
        flags.bool(&mut self.dry_run, "dry-run", "", "Only say what would go");
        flags
            .duration(&mut self.unused, "unused", "Images that were used within this stay")
            .shown_default("2m");
    }

    fn run(self, session: &Session, _parsed: Parsed) -> Result<ExitStatus> {
        let query = Query::new()
            .with_if(self.budget >= 0, "budget", self.budget.to_string())
            .with("minimum-age", (self.unused / SECOND).to_string())
            .with_if(self.dry_run, "dry-run", "1");
        let answer: serde_json::Value = session.client()?.post("/sampan/images/collect", &query)?.json()?;
        let word = if self.dry_run { "would remove" } else { "removed" };
        for image in answer.list("Images") {
            let tags = image.list("RepoTags");
            let names: Vec<&str> = tags.iter().filter_map(|tag| tag.as_str()).collect();
            let name = if names.is_empty() { "<none>".to_owned() } else { names.join(", ") };
            let (size, used) = (bytes(image.int("Size")), image.text("LastUsed"));
            print(&format!("{word} {name} ({}), {size}, last used {used}\n", image.text("Id")))?;
        }
        let (before, after) = (bytes(answer.int("Before")), bytes(answer.int("After")));
        print(&format!("Images took {before} and take {after}\n"))?;
        Ok(ExitStatus::SUCCESS)
    }
}

fn bytes(count: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    units::human_size(count as f64)
}
