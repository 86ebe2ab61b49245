//! Docker Compose of both generations, driven against a host's daemon.

use std::path::PathBuf;

use crate::{Host, Outcome, repository, settings::lab};

/// Which Compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The program `docker-compose` that was written in Python.
    One,
    /// The plugin of the `docker` command line.
    Two,
}

/// A project in a folder of the host.
pub struct Project<'h> {
    host: &'h Host,
    generation: Generation,
    folder: PathBuf,
    file: &'static str,
}

impl<'h> Project<'h> {
    /// Copies a project of `tests/projects` to the host, with the plugins of the command line.
    ///
    /// # Panics
    /// When the lab has no Compose.
    #[track_caller]
    pub fn new(host: &'h Host, generation: Generation, name: &str) -> Project<'h> {
        let plugins = lab().join("plugins");
        let script = r#"mkdir -p "$3/client" && cp -r "$1" "$2" && ln -sfn "$4" "$3/client/cli-plugins""#;
        let from = repository().join("tests/projects").join(name);
        let words = [&from, &host.folder().join(name), &host.folder().to_owned(), &plugins]
            .map(|path| path.display().to_string());
        host.shell(script, &words.each_ref().map(String::as_str)).ok();
        Project::again(host, generation, name)
    }

    /// A project that was copied before.
    pub fn again(host: &'h Host, generation: Generation, name: &str) -> Project<'h> {
        let file = if generation == Generation::One { "compose-v1.yaml" } else { "compose.yaml" };
        Project { host, generation, folder: host.folder().join(name), file }
    }

    /// Writes a file of the project.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("a file of the project");
    }

    /// Runs `compose` with these words.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Outcome {
        let folder = self.folder.display().to_string();
        let file = self.folder.join(self.file).display().to_string();
        let common = ["--project-directory", &folder, "-f", &file, "-p", "shop"];
        match self.generation {
            Generation::One => {
                let words = [&["docker-compose"], &common[..], words].concat();
                self.host.with_client(&words)
            }
            Generation::Two => {
                self.host.docker(&[&["compose", "--ansi", "never"], &common[..], words].concat())
            }
        }
    }

    /// The name of a container as this generation makes it.
    pub fn container(&self, service: &str, number: u32) -> String {
        match self.generation {
            Generation::One => format!("shop_{service}_{number}"),
            Generation::Two => format!("shop-{service}-{number}"),
        }
    }
}
