//! `ps`.

use std::process::Command;

use sampan_error::{Context, Error, Result};

use crate::arguments::{Arguments, Flag};
use crate::store::Store;

const FLAGS: &[Flag] = &[Flag::value("format").short('f')];

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, rest) = Arguments::parse(FLAGS, given).map_err(Error::invalid)?;
    let (id, options) = rest.split_first().ok_or_else(|| Error::invalid("a container id is required"))?;
    let processes = store.load(id)?.cgroup.processes()?;
    if arguments.value("format") == Some("json") {
        println!("{}", serde_json::json!(processes));
        return Ok(0);
    }
    let options = if options.is_empty() { &["-ef".to_owned()] } else { options };
    let output = Command::new("ps").args(options).output().context("run ps")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let heading = lines.next().unwrap_or_default();
    let column = heading
        .split_whitespace()
        .position(|name| name == "PID")
        .ok_or_else(|| Error::invalid("the output of ps has no column PID"))?;
    println!("{heading}");
    for line in lines {
        let pid = line.split_whitespace().nth(column).and_then(|text| text.parse().ok());
        if pid.is_some_and(|pid: i32| processes.contains(&pid)) {
            println!("{line}");
        }
    }
    Ok(0)
}
