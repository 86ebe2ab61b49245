//! Long campaigns: the same attack many times. `./test` runs each in a short form; `./test campaigns`
//! runs the full counts and collects what each did.

use std::io::Write;

use crate::settings::rounds;

/// One campaign. Say what was counted with [`Campaign::done`] at its end; a campaign that panics before
/// is missing in the report, and the run fails.
#[derive(Debug)]
pub struct Campaign {
    name: &'static str,
    /// How many rounds to go.
    pub rounds: usize,
}

impl Campaign {
    /// A campaign of `short` rounds in every run and `full` rounds in `./test campaigns`.
    pub fn new(name: &'static str, short: usize, full: usize) -> Campaign {
        Campaign { name, rounds: rounds(short, full) }
    }

    /// Adds the campaign to the file that `SAMPAN_TEST_CAMPAIGN_REPORT` names, if it does.
    ///
    /// # Panics
    /// When that file cannot be written.
    pub fn done(self, result: &str) {
        let Some(path) = std::env::var_os("SAMPAN_TEST_CAMPAIGN_REPORT") else { return };
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a report file");
        writeln!(file, "| {} | {} | {result} |", self.name, self.rounds).expect("written");
    }
}
