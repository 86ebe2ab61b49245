//! What the harness was asked to do.

use std::path::PathBuf;

/// Shown when the words make no sense.
pub(crate) const USAGE: &str = "\
usage: sampan-benches compare [OPTION]…

Starts the engines, each on a machine of its own made of namespaces, and drives them in turn: A B A B.
Prints a table of medians. Needs root.

  --engine NAME         sampan, docker (Debian's newest), sampan-by-docker (ours, driven by the stock
                        command line), or LABEL=COMMAND for any docker-like command line of this machine.
                        Again for more; the first is what the others are compared with.
                        Default: docker, sampan
  --only TEXT           only scenarios whose name contains TEXT; again for more
  --repeat PERCENT      how often, in percent of the usual number of repetitions (default 100)
  --markdown FILE       write the table there, too
  --json FILE           write every sample there";

/// The parsed words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The engines by name, the base first.
    pub(crate) engines: Vec<String>,
    /// Parts of the names of wanted scenarios; all when empty.
    pub(crate) only: Vec<String>,
    /// Repetitions in percent of the usual.
    pub(crate) repeat: usize,
    /// Where the table goes besides standard output.
    pub(crate) markdown: Option<PathBuf>,
    /// Where all samples go.
    pub(crate) json: Option<PathBuf>,
}

impl Arguments {
    /// Reads the words after the program's name; the error is a sentence.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        if words.next().as_deref() != Some("compare") {
            return Err("the only command is: compare".into());
        }
        let (engines, only) = (Vec::new(), Vec::new());
        let mut arguments = Arguments { engines, only, repeat: 100, markdown: None, json: None };
        while let Some(option) = words.next() {
            let mut value = || words.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--engine" => arguments.engines.push(value()?),
                "--only" => arguments.only.push(value()?),
                "--repeat" => {
                    arguments.repeat = value()?.parse().map_err(|_| "--repeat needs a number".to_owned())?;
                }
                "--markdown" => arguments.markdown = Some(value()?.into()),
                "--json" => arguments.json = Some(value()?.into()),
                _ => return Err(format!("no such option: {option}")),
            }
        }
        if arguments.engines.is_empty() {
            arguments.engines = vec!["docker".into(), "sampan".into()];
        }
        Ok(arguments)
    }

    /// Whether a scenario is wanted.
    pub(crate) fn wants(&self, scenario: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| scenario.contains(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn the_usual_peers_are_docker_and_ours() {
        let arguments = parse("compare").expect("valid");
        assert_eq!(arguments.engines, ["docker", "sampan"]);
        assert!(arguments.wants("anything"));
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let arguments = parse("compare --engine a=podman --only exec --repeat 20 --json x").expect("valid");
        assert_eq!((arguments.engines.len(), arguments.repeat), (1, 20));
        assert!(arguments.wants("exec true") && !arguments.wants("run"));
        for wrong in ["", "race", "compare --engine", "compare --repeat often", "compare --fast"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
