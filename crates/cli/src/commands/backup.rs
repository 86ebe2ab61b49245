//! `sampan container backup`: backups of containers, with all that they wrote.

use super::fleet_flags::{add_job, follow, table};
use super::output::print;
use super::{Command, Positional, Specification};
use crate::client::{Query, own_path};
use crate::failure::{ExitStatus, Failure, Result};
use crate::flags::{FlagSet, Parsed};
use crate::format::objects::Fields;
use crate::format::units;
use crate::session::Session;
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Args {
    every: String,
    to: String,
    key_file: String,
    last: i64,
    hourly: i64,
    daily: i64,
    weekly: i64,
    monthly: i64,
    name: String,
    all_data: bool,
    json: bool,
}

impl Command for Args {
    const SPECIFICATION: Specification = Specification {
        arguments: "[OPTIONS] CONTAINER... | ls [CONTAINER] | verify | restore BACKUP | rm BACKUP...",
        summary: "Back containers up, with what they wrote and their volumes",
        aliases: "container backup, backup",
        positional: Positional::AtLeast(1),
        interspersed: true,
    };
    const DESCRIPTION: &'static str = "Back containers up: configuration, what they wrote, and their volumes, as they are at one moment.\n\
        Backups are encrypted, hold nothing twice, and can be read by restic, too. Without --to they\n\
        are in the engine's data root, behind a key that only root can read.\n\n\
        Examples:\n  sampan container backup my-ubuntu-container\n  \
        sampan container backup -d 15m --keep-last 10 --keep-daily 7 my-ubuntu-container\n  \
        sampan container backup ls\n  sampan container backup restore --as restored my-ubuntu-container\n  \
        sampan container backup verify --all-data";

    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.string(
            &mut self.every,
            "every",
            "d",
            "Do that now and again and again: an interval (15m) or five fields as in crontab",
        );
        flags.string(&mut self.to, "to", "", "Folder of the repository on the engine's host");
        flags.string(&mut self.key_file, "key-file", "", "File with the repository's password");
        for (target, name, usage) in [
            (&mut self.last, "keep-last", "Keep the last so many backups"),
            (&mut self.hourly, "keep-hourly", "Keep the last backup of each of so many hours"),
            (&mut self.daily, "keep-daily", "Keep the last backup of each of so many days"),
            (&mut self.weekly, "keep-weekly", "Keep the last backup of each of so many weeks"),
            (&mut self.monthly, "keep-monthly", "Keep the last backup of each of so many months"),
        ] {
            flags.int(target, name, "", usage);
        }
        flags.string(&mut self.name, "as", "", "Name of the restored container");
        flags.bool(
            &mut self.all_data,
            "all-data",
            "",
            "Read and check all data, not only how it hangs together",
        );
        flags.bool(&mut self.json, "json", "", "List as JSON");
    }

    fn run(self, session: &Session, parsed: Parsed) -> Result<ExitStatus> {
        let words: Vec<&str> = parsed.arguments.iter().map(String::as_str).collect();
        match words[..] {
            ["ls" | "list"] => self.list(session, ""),
            ["ls" | "list", name] => self.list(session, name),
            ["verify"] => self.verify(session),
            ["restore", backup] => self.restore(session, backup),
            ["restore", ..] => {
                Err(Failure::message("restore takes one backup: an id, or a container's name"))
            }
            ["rm" | "remove", ref backups @ ..] if !backups.is_empty() => self.remove(session, backups),
            _ => self.take(session, &words),
        }
    }
}

impl Args {
    fn store(&self) -> Query {
        Query::new().with("to", &self.to).with("key-file", &self.key_file)
    }

    fn take(&self, session: &Session, names: &[&str]) -> Result<ExitStatus> {
        let mut retention = json!({});
        for (field, count) in [
            ("Last", self.last),
            ("Hourly", self.hourly),
            ("Daily", self.daily),
            ("Weekly", self.weekly),
            ("Monthly", self.monthly),
        ] {
            if count > 0 {
                retention[field] = json!(count);
            }
        }
        let body = json!({"To": self.to, "KeyFile": self.key_file, "Retention": retention});
        for name in names {
            if self.every.is_empty() {
                let mut answer =
                    session.client()?.post_json(&own_path(name, "backup")?, &Query::new(), &body)?;
                follow(&mut answer)?;
            } else {
                add_job(session, name, &self.every, "Backup", &body)?;
            }
            print(&format!("{name}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }

    fn list(&self, session: &Session, name: &str) -> Result<ExitStatus> {
        let query = self.store().with("container", name);
        let backups: Value = session.client()?.get("/sampan/backups", &query)?.json()?;
        if self.json {
            print(&format!("{}\n", serde_json::to_string_pretty(&backups)?))?;
            return Ok(ExitStatus::SUCCESS);
        }
        let mut rows = vec![["BACKUP", "CONTAINER", "TIME", "SIZE", "NEW"].map(str::to_owned)];
        for backup in backups.as_array().into_iter().flatten() {
            rows.push([
                backup.text("Id").chars().take(8).collect(),
                backup.text("Container").to_owned(),
                backup.text("Time").to_owned(),
                bytes(backup.int("Size")),
                bytes(backup.int("Added")),
            ]);
        }
        print(&table(&rows))?;
        Ok(ExitStatus::SUCCESS)
    }

    fn verify(&self, session: &Session) -> Result<ExitStatus> {
        let query = self.store().with_if(self.all_data, "all-data", "1");
        let answer: Value = session.client()?.post("/sampan/backups/verify", &query)?.json()?;
        let problems = answer.list("Problems");
        if problems.is_empty() {
            print("all backups are whole\n")?;
            return Ok(ExitStatus::SUCCESS);
        }
        let lines: Vec<&str> = problems.iter().filter_map(Value::as_str).collect();
        Err(Failure::message(format!("the repository is damaged:\n{}", lines.join("\n"))))
    }

    fn restore(&self, session: &Session, backup: &str) -> Result<ExitStatus> {
        let body = json!({"To": self.to, "KeyFile": self.key_file, "Name": self.name});
        let path = format!("/sampan/backups/{}/restore", word(backup)?);
        follow(&mut session.client()?.post_json(&path, &Query::new(), &body)?)?;
        print(&format!("{}\n", if self.name.is_empty() { backup } else { &self.name }))?;
        Ok(ExitStatus::SUCCESS)
    }

    fn remove(&self, session: &Session, backups: &[&str]) -> Result<ExitStatus> {
        for backup in backups {
            session
                .client()?
                .delete(&format!("/sampan/backups/{}", word(backup)?), &self.store())?
                .discard()?;
            print(&format!("{backup}\n"))?;
        }
        Ok(ExitStatus::SUCCESS)
    }
}

fn word(backup: &str) -> Result<&str> {
    let word = backup.trim();
    if word.is_empty() || word.contains('/') {
        return Err(Failure::message(format!(
            "{backup:?} is no backup: `sampan container backup ls` lists them"
        )));
    }
    Ok(word)
}

fn bytes(count: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    units::human_size(count as f64)
}
