//! The table and the file of samples.

use std::process::{Command, ExitCode};

use serde_json::json;

use crate::arguments::Arguments;
use crate::scenarios::Scenario;
use crate::statistics::{median, rounded};

/// One scenario and the samples of each engine, in the order of the engines; empty where it failed.
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) samples: Vec<Vec<f64>>,
}

/// Everything that one run found.
pub(crate) struct Report {
    /// Names with versions, the base first.
    pub(crate) engines: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

impl Row {
    /// How many times better an engine is than the first: above 1 is better, whatever the unit.
    fn factor(&self, engine: usize) -> Option<f64> {
        let (base, own) = (median(&self.samples[0])?, median(&self.samples[engine])?);
        let factor = if self.scenario.more { own / base } else { base / own };
        factor.is_finite().then_some(factor)
    }

    fn complete(&self) -> bool {
        self.samples.iter().all(|samples| !samples.is_empty())
    }
}

impl Report {
    /// Prints the table, writes the files that were asked for. Fails when a row has a gap.
    pub(crate) fn deliver(&self, arguments: &Arguments) -> ExitCode {
        let table = self.markdown();
        print!("{table}");
        let files = [(&arguments.markdown, table), (&arguments.json, format!("{:#}\n", self.json()))];
        for (path, text) in files.iter().filter_map(|(path, text)| Some((path.as_ref()?, text))) {
            if let Err(error) = std::fs::write(path, text) {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
        if self.rows.iter().all(Row::complete) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# Benchmarks\n\nWritten by `benches/compare`: the engines in turn (A B A B) in one run on one machine, medians.\n\
             Absolute figures drift with the machine; the factors count. *n ×* says how many times better than\n\
             {} an engine is, whatever the unit; *goal* is the least factor that we want.\n\n- date: {}\n- commit: {}\n- machine: {}\n\n",
            self.engines[0],
            output("date", &["-u", "+%Y-%m-%dT%H:%MZ"]),
            output("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
            machine(),
        );
        let mut head = format!("| what | unit | {} |", self.engines.join(" | "));
        let mut line = format!("|---|---|{}", "---:|".repeat(self.engines.len()));
        for engine in &self.engines[1..] {
            head += &format!(" {} |", engine.split(' ').next().unwrap_or(engine));
            line += "---:|";
        }
        text += &format!("{head} goal |\n{line}---:|\n");
        for row in &self.rows {
            text += &format!(
                "| {} | {}{} |",
                row.scenario.name,
                row.scenario.unit,
                if row.scenario.more { ", more is better" } else { "" }
            );
            for samples in &row.samples {
                text += &format!(" {} |", median(samples).map_or("failed".into(), rounded));
            }
            for engine in 1..self.engines.len() {
                text += &format!(
                    " {} |",
                    row.factor(engine).map_or("–".into(), |factor| format!("{} ×", rounded(factor)))
                );
            }
            text += &format!(" {} |\n", row.scenario.goal.map_or(String::new(), |goal| format!("{goal} ×")));
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|row| {
            let medians: Vec<_> = row.samples.iter().map(|samples| median(samples)).collect();
            json!({"name": row.scenario.name, "unit": row.scenario.unit, "more_is_better": row.scenario.more,
                   "goal": row.scenario.goal, "medians": medians, "samples": row.samples})
        });
        json!({"date": output("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]), "machine": machine(), "engines": self.engines,
               "rows": rows.collect::<Vec<_>>()})
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{} cores, Linux {}", cores, output("uname", &["-r"]))
}

/// What a small program says, or nothing.
fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(sampan_tests::repository()).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::ALL;

    fn report(samples: Vec<Vec<f64>>) -> Report {
        Report {
            engines: vec!["peer 1".into(), "ours 2".into()],
            rows: vec![Row { scenario: ALL[1], samples }],
        }
    }

    #[test]
    fn the_table_has_medians_and_factors() {
        let table = report(vec![vec![240.0, 200.0, 300.0], vec![24.0]]).markdown();
        assert!(table.contains("| 240 | 24.0 | 10.0 × | 8 × |"), "{table}");
        let broken = report(vec![vec![240.0], vec![]]).markdown();
        assert!(broken.contains("| 240 | failed | – | 8 × |"), "{broken}");
    }

    #[test]
    fn every_sample_is_in_the_file() {
        let value = report(vec![vec![1.0, 2.0], vec![3.0]]).json();
        assert_eq!(value["rows"][0]["samples"], json!([[1.0, 2.0], [3.0]]));
        assert_eq!(value["rows"][0]["medians"], json!([1.5, 3.0]));
    }
}
