//! `list`.

use sampan_error::{Error, Result};

use crate::arguments::{Arguments, Flag};
use crate::store::Store;

const FLAGS: &[Flag] = &[Flag::value("format").short('f'), Flag::switch("quiet").short('q')];

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, _) = Arguments::parse_mixed(FLAGS, given).map_err(Error::invalid)?;
    // A container may go away between the two looks.
    let records: Vec<_> = store.list().iter().filter_map(|id| store.load(id).ok()).collect();
    if arguments.has("quiet") {
        for record in &records {
            println!("{}", record.id);
        }
        return Ok(0);
    }
    if arguments.value("format") == Some("json") {
        let all: Vec<_> =
            records.iter().map(|record| super::state::document(record, record.status(store))).collect();
        println!("{}", serde_json::Value::from(all));
        return Ok(0);
    }
    println!("{:<24} {:<8} {:<10} {:<30} BUNDLE", "ID", "PID", "STATUS", "CREATED");
    for record in &records {
        let status = record.status(store).name();
        println!(
            "{:<24} {:<8} {status:<10} {:<30} {}",
            record.id,
            record.pid,
            record.created,
            record.bundle.display()
        );
    }
    Ok(0)
}
