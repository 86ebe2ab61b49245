//! `spec`: a specification to start from.

use sampan_error::{Context, Error, Result};

use crate::arguments::{Arguments, Flag};
use crate::store::Store;

const FLAGS: &[Flag] = &[Flag::value("bundle").short('b')];

pub(crate) fn run(given: &[String], _store: &Store) -> Result<u8> {
    let (arguments, _) = Arguments::parse_mixed(FLAGS, given).map_err(Error::invalid)?;
    let path = std::path::Path::new(arguments.value("bundle").unwrap_or(".")).join("config.json");
    let spec = sampan_runtime::defaults::example_spec()?;
    let text = serde_json::to_string_pretty(&spec)
        .map_err(|error| Error::internal("the specification cannot be written").caused_by(error))?;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let file = file.context(format!("make {}", path.display()))?;
    std::io::Write::write_all(&mut &file, text.as_bytes()).context(format!("write {}", path.display()))?;
    Ok(0)
}
