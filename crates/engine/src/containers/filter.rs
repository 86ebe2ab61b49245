//! Docker's filters for containers. All names must hold; one fitting value of a name is enough.

use super::{ContainerRecord, Filters, HealthStatus, ListQuery, Status};
use crate::error::Error;
use crate::spec::NetworkMode;
use std::sync::Arc;

const KNOWN: &[&str] = &[
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "isolation",
    "is-task",
    "label",
    "label!",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "until",
    "volume",
];

const STATUSES: &[&str] = &["created", "running", "paused", "restarting", "removing", "exited", "dead"];

/// Values that need the rest of the world, looked up before the records are walked.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Created before this time (ns).
    pub(crate) before: Option<i64>,
    /// Created after this time (ns).
    pub(crate) since: Option<i64>,
    /// Ids of images that count as an ancestor, `None` when the filter is not set.
    pub(crate) ancestors: Option<Vec<String>>,
    /// Created at or before this time (ns), from `until`.
    pub(crate) until: Option<i64>,
}

/// Checks names and the values that have a fixed set.
///
/// # Errors
/// An unknown filter or value, in Docker's words.
pub(crate) fn check(filters: &Filters) -> Result<(), Error> {
    for (name, values) in filters {
        if !KNOWN.contains(&name.as_str()) {
            return Err(Error::Invalid(format!("invalid filter '{name}'")));
        }
        for value in values {
            let known = match name.as_str() {
                "status" => STATUSES.contains(&value.as_str()),
                "health" => ["starting", "healthy", "unhealthy", "none"].contains(&value.as_str()),
                "exited" => value.parse::<i32>().is_ok(),
                "is-task" => ["true", "false", "1", "0"].contains(&value.as_str()),
                _ => true,
            };
            if !known {
                return Err(Error::Invalid(format!("invalid filter '{name}={value}'")));
            }
        }
    }
    Ok(())
}

/// Those of the records that fit, newest first.
pub(crate) fn select(
    records: Vec<Arc<ContainerRecord>>,
    query: &ListQuery,
    looked: &Looked,
) -> Vec<Arc<ContainerRecord>> {
    let filters = &query.filters;
    let limit = query.limit.filter(|limit| *limit > 0);
    let show_all = query.all
        || limit.is_some()
        || filters.contains_key("status")
        || filters.contains_key("exited")
        || looked.before.is_some()
        || looked.since.is_some();
    let mut fitting: Vec<_> = records
        .into_iter()
        .filter(|record| show_all || record.is_running() || record.state.status == Status::Restarting)
        .filter(|record| fits(record, filters, looked))
        .collect();
    fitting.sort_by(|one, other| other.created.cmp(&one.created).then_with(|| one.id.cmp(&other.id)));
    if let Some(limit) = limit {
        fitting.truncate(limit);
    }
    fitting
}

/// Whether one record fits all filters.
pub(crate) fn fits(record: &ContainerRecord, filters: &Filters, looked: &Looked) -> bool {
    if looked.before.is_some_and(|before| record.created >= before)
        || looked.since.is_some_and(|since| record.created <= since)
        || looked.until.is_some_and(|until| record.created > until)
        || looked.ancestors.as_ref().is_some_and(|ids| !ids.contains(&record.image_id))
    {
        return false;
    }
    filters.iter().all(|(name, values)| match name.as_str() {
        // Every label has to fit; of the others one value is enough.
        "label" => values.iter().all(|value| has_label(record, value)),
        "label!" => !values.iter().any(|value| has_label(record, value)),
        _ => values.iter().any(|value| fits_one(record, name, value)),
    })
}

fn fits_one(record: &ContainerRecord, name: &str, value: &str) -> bool {
    match name {
        "id" => record.id.starts_with(value),
        "name" => fits_name(&record.name, value),
        "status" => record.state.status.as_str() == value,
        "exited" => {
            record.state.status == Status::Exited
                && value.parse().is_ok_and(|code: i32| record.state.exit_code == code)
        }
        "health" => health_word(record) == value,
        "network" => in_network(record, value),
        "volume" => record.mounts.iter().any(|mount| {
            mount.target == value || mount.name == value || (mount.source == value && !value.is_empty())
        }),
        "publish" => fits_port(value, |port, protocol| {
            record.published.iter().any(|it| it.container.protocol == protocol && it.container.port == port)
                || record.published.iter().any(|it| it.container.protocol == protocol && it.host_port == port)
        }),
        "expose" => fits_port(value, |port, protocol| {
            record.resolved.exposed_ports.iter().any(|it| it.protocol == protocol && it.port == port)
        }),
        "is-task" => matches!(value, "false" | "0"),
        _ => true,
    }
}

/// Docker reads the value as a regular expression over `/name` and `name`; most people give a part of a name.
fn fits_name(name: &str, pattern: &str) -> bool {
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    match regex_lite::Regex::new(pattern) {
        Ok(regex) => regex.is_match(name) || regex.is_match(&format!("/{name}")),
        Err(_) => name.contains(pattern),
    }
}

fn has_label(record: &ContainerRecord, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => record.resolved.labels.get(key).is_some_and(|found| found == value),
        None => record.resolved.labels.contains_key(wanted),
    }
}

fn health_word(record: &ContainerRecord) -> &'static str {
    match record.state.health.as_ref().map(|health| health.status) {
        None => "none",
        Some(HealthStatus::Starting) => "starting",
        Some(HealthStatus::Healthy) => "healthy",
        Some(HealthStatus::Unhealthy) => "unhealthy",
    }
}

fn in_network(record: &ContainerRecord, value: &str) -> bool {
    record.endpoints.iter().any(|(name, endpoint)| {
        name == value || (value.len() >= 12 && endpoint.network_id.starts_with(value))
    }) || matches!(
        (&record.spec.host.network_mode, value),
        (NetworkMode::Host, "host") | (NetworkMode::None, "none")
    )
}

fn fits_port(value: &str, found: impl Fn(u16, crate::spec::PortProtocol) -> bool) -> bool {
    use crate::spec::PortProtocol;
    let (ports, protocol) = value.split_once('/').unwrap_or((value, "tcp"));
    let protocol = match protocol {
        "udp" => PortProtocol::Udp,
        "sctp" => PortProtocol::Sctp,
        _ => PortProtocol::Tcp,
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).any(|port| found(port, protocol)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, name: &str, created: i64, status: Status) -> Arc<ContainerRecord> {
        let mut record = ContainerRecord { id: id.into(), name: name.into(), created, ..Default::default() };
        record.state.status = status;
        record.resolved.labels.insert("tier".into(), "front".into());
        Arc::new(record)
    }

    fn names(filters: &[(&str, &[&str])], all: bool) -> Vec<String> {
        let query = ListQuery {
            all,
            limit: None,
            filters: filters
                .iter()
                .map(|(name, values)| ((*name).into(), values.iter().map(|value| (*value).into()).collect()))
                .collect(),
        };
        check(&query.filters).expect("known filters");
        let records = vec![
            record("aa", "web", 1, Status::Running),
            record("bb", "webhook", 2, Status::Exited),
            record("cc", "db", 3, Status::Created),
        ];
        select(records, &query, &Looked::default()).iter().map(|record| record.name.clone()).collect()
    }

    #[test]
    fn only_running_ones_by_default_and_newest_first() {
        assert_eq!(names(&[], false), ["web"]);
        assert_eq!(names(&[], true), ["db", "webhook", "web"]);
    }

    #[test]
    fn filters_are_dockers() {
        assert_eq!(names(&[("name", &["web"])], true), ["webhook", "web"]);
        assert_eq!(names(&[("name", &["^/web$"])], true), ["web"]);
        assert_eq!(names(&[("status", &["exited", "created"])], false), ["db", "webhook"]);
        assert_eq!(names(&[("label", &["tier=front"]), ("id", &["c"])], true), ["db"]);
        assert_eq!(names(&[("label", &["tier=back"])], true), Vec::<String>::new());
        assert_eq!(names(&[("exited", &["0"])], false), ["webhook"]);
    }

    #[test]
    fn an_unknown_filter_is_named() {
        let filters = Filters::from([("colour".into(), vec!["red".into()])]);
        assert_eq!(check(&filters).expect_err("refused").to_string(), "invalid filter 'colour'");
        let filters = Filters::from([("status".into(), vec!["ended".into()])]);
        assert_eq!(check(&filters).expect_err("refused").to_string(), "invalid filter 'status=ended'");
    }
}
