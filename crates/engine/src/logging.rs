//! Which log a container gets: drivers and options, checked by name.

use crate::containers::ContainerRecord;
use crate::error::Error;
use crate::spec::LogConfig;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Drivers that write or drop output here.
const DRIVERS: &[&str] = &["json-file", "local", "none"];

/// Options that the file drivers know.
const OPTIONS: &[&str] = &[
    "max-size",
    "max-file",
    "compress",
    "labels",
    "labels-regex",
    "env",
    "env-regex",
    "tag",
    "mode",
    "max-buffer-size",
];

/// The log of a container: its own wish over the daemon's default.
///
/// # Errors
/// A driver or an option that is not known, or a value that does not fit, by name.
pub(crate) fn configure(own: &LogConfig, default: &LogConfig) -> Result<LogConfig, Error> {
    let mut log = if own.driver.is_empty() {
        default.clone()
    } else {
        LogConfig { driver: own.driver.clone(), ..Default::default() }
    };
    if log.driver.is_empty() {
        log.driver = "json-file".into();
    }
    log.options.extend(own.options.clone());
    if !DRIVERS.contains(&log.driver.as_str()) {
        return Err(Error::Invalid(format!(
            "logger: no log driver named '{}' is registered (known here: {})",
            log.driver,
            DRIVERS.join(", ")
        )));
    }
    if log.driver == "none" {
        return Ok(log);
    }
    for (name, value) in &log.options {
        let fits = match name.as_str() {
            "max-size" | "max-buffer-size" => crate::units::bytes(value).is_some_and(|bytes| bytes > 0),
            "max-file" => value.parse::<u32>().is_ok_and(|files| files > 0),
            "compress" => matches!(value.as_str(), "true" | "false" | "1" | "0"),
            "mode" => matches!(value.as_str(), "blocking" | "non-blocking"),
            other => OPTIONS.contains(&other),
        };
        if !OPTIONS.contains(&name.as_str()) {
            return Err(Error::Invalid(format!("unknown log opt '{name}' for {} log driver", log.driver)));
        }
        if name == "compress" && matches!(value.as_str(), "true" | "1") {
            return Err(Error::NotImplemented(
                "log opt 'compress': rotated files are not compressed yet".into(),
            ));
        }
        if !fits {
            return Err(Error::Invalid(format!("invalid value for log opt '{name}': {value:?}")));
        }
    }
    Ok(log)
}

/// Where the log file of a container is; empty when its driver keeps none.
pub(crate) fn file(log: &LogConfig, directory: &Path, id: &str) -> PathBuf {
    match log.driver.as_str() {
        "none" => PathBuf::new(),
        "local" => directory.join("local-logs").join("container.log"),
        _ => directory.join(format!("{id}-json.log")),
    }
}

/// The labels, variables and the tag that the options choose to go with every entry.
pub(crate) fn attributes(record: &ContainerRecord) -> BTreeMap<String, String> {
    let options = &record.spec.host.log.options;
    let listed = |name: &str| -> Vec<&str> {
        options.get(name).map(|text| text.split(',').collect()).unwrap_or_default()
    };
    let pattern = |name: &str| options.get(name).and_then(|text| regex_lite::Regex::new(text).ok());
    let mut chosen = BTreeMap::new();
    let (labels, label_pattern) = (listed("labels"), pattern("labels-regex"));
    for (name, value) in &record.resolved.labels {
        if labels.contains(&name.as_str()) || label_pattern.as_ref().is_some_and(|it| it.is_match(name)) {
            chosen.insert(name.clone(), value.clone());
        }
    }
    let (variables, variable_pattern) = (listed("env"), pattern("env-regex"));
    for (name, value) in record.resolved.env.iter().filter_map(|it| it.split_once('=')) {
        if variables.contains(&name) || variable_pattern.as_ref().is_some_and(|it| it.is_match(name)) {
            chosen.insert(name.to_owned(), value.to_owned());
        }
    }
    if let Some(tag) = options.get("tag") {
        let short: String = record.id.chars().take(12).collect();
        let tag = tag
            .replace("{{.ID}}", &short)
            .replace("{{.FullID}}", &record.id)
            .replace("{{.Name}}", &record.name);
        chosen.insert("tag".to_owned(), tag.replace("{{.ImageName}}", &record.spec.image));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(driver: &str, options: &[(&str, &str)]) -> LogConfig {
        LogConfig {
            driver: driver.into(),
            options: options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        }
    }

    #[test]
    fn options_are_checked_by_name() {
        let default = wish("", &[]);
        assert_eq!(configure(&wish("", &[]), &default).expect("fine").driver, "json-file");
        assert!(configure(&wish("json-file", &[("max-size", "10m"), ("max-file", "3")]), &default).is_ok());
        let refused = configure(&wish("json-file", &[("colour", "red")]), &default).expect_err("refused");
        assert_eq!(refused.to_string(), "unknown log opt 'colour' for json-file log driver");
        assert!(
            configure(&wish("carrier-pigeon", &[]), &default)
                .expect_err("refused")
                .to_string()
                .contains("carrier-pigeon")
        );
        assert!(configure(&wish("", &[("max-file", "0")]), &default).is_err());
    }
}
