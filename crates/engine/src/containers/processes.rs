//! `top`: the processes of a container as the host sees them.

use super::ProcessTable;
use crate::Engine;
use crate::error::Error;
use sampan_error::{Context, Result};
use std::collections::BTreeSet;

impl Engine {
    /// The processes of a container, by the host's ps(1) with the caller's arguments (`-ef` by default).
    ///
    /// # Errors
    /// No such container, not running, arguments that ps(1) refuses or that leave out the PID column.
    pub async fn top(&self, reference: &str, arguments: &str) -> Result<ProcessTable> {
        self.recovered().await;
        let container = self.container(reference)?;
        let record = container.record();
        if !record.is_running() {
            return Err(Error::NotRunning(record.id.clone()).into());
        }
        let cgroup = self.cgroup(&record)?;
        let arguments: Vec<String> = if arguments.trim().is_empty() {
            vec!["-ef".into()]
        } else {
            arguments.split_whitespace().map(str::to_owned).collect()
        };
        let table = crate::blocking(move || {
            let pids: BTreeSet<i32> = cgroup.processes()?.into_iter().collect();
            let output = std::process::Command::new("ps")
                .args(&arguments)
                .output()
                .context("cannot run ps on the host, which `top` needs (package procps)")?;
            if !output.status.success() {
                let why =
                    String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
                return Err(Error::Invalid(format!("ps: {why}")).into());
            }
            select(&String::from_utf8_lossy(&output.stdout), &pids)
        })
        .await?;
        self.container_event(&record, "top", &[]);
        Ok(table)
    }
}

/// The lines of ps(1) whose PID is among these; the last column keeps its blanks.
fn select(output: &str, pids: &BTreeSet<i32>) -> Result<ProcessTable> {
    let mut lines = output.lines();
    let titles: Vec<String> =
        lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let column = titles
        .iter()
        .position(|title| title == "PID")
        .ok_or_else(|| Error::Invalid("Couldn't find PID field in ps output".into()))?;
    let mut processes = Vec::new();
    for line in lines {
        let fields = split(line, titles.len());
        if fields.get(column).and_then(|pid| pid.parse().ok()).is_some_and(|pid: i32| pids.contains(&pid)) {
            processes.push(fields);
        }
    }
    Ok(ProcessTable { titles, processes })
}

fn split(line: &str, columns: usize) -> Vec<String> {
    let mut fields = Vec::with_capacity(columns);
    let mut rest = line.trim_start();
    while fields.len() + 1 < columns {
        let Some((field, after)) = rest.split_once(char::is_whitespace) else { break };
        fields.push(field.to_owned());
        rest = after.trim_start();
    }
    fields.push(rest.trim_end().to_owned());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_containers_lines_are_kept() {
        let output = "UID   PID PPID CMD\nroot    1    0 init\nroot   42    1 sleep 10  20\n";
        let table = select(output, &BTreeSet::from([42])).expect("a table");
        assert_eq!(table.titles, ["UID", "PID", "PPID", "CMD"]);
        assert_eq!(table.processes, [["root", "42", "1", "sleep 10  20"]]);
        assert!(select("CMD\nx\n", &BTreeSet::new()).is_err());
    }
}
