//! Docker's filters for events. All names must hold; one fitting value of a name is enough, of labels all.

use crate::http::filters;
use sampan_engine::containers::Filters;
use sampan_engine::events::Event;
use sampan_error::Result;

const KNOWN: [&str; 14] = [
    "config",
    "container",
    "daemon",
    "event",
    "image",
    "label",
    "network",
    "node",
    "plugin",
    "scope",
    "secret",
    "service",
    "type",
    "volume",
];

/// Refuses unknown names.
///
/// # Errors
/// The first of them.
pub(super) fn check(filters: &Filters) -> Result<()> {
    filters::only(filters, &KNOWN)
}

/// Whether an event fits.
pub(super) fn fits(event: &Event, filters: &Filters) -> bool {
    filters.iter().all(|(name, values)| {
        values.is_empty()
            || match name.as_str() {
                "label" => values.iter().all(|value| has_label(event, value)),
                name => values.iter().any(|value| fits_one(event, name, value)),
            }
    })
}

fn fits_one(event: &Event, name: &str, value: &str) -> bool {
    match name {
        "type" => event.kind == value,
        // `exec_start` fits `exec_start: sh`.
        "event" => {
            event.action == value
                || event
                    .action
                    .strip_prefix(value)
                    .is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(':'))
        }
        "scope" => value == "local",
        "image" => {
            let attribute = if event.kind == "container" { "image" } else { "name" };
            let named = event.attributes.get(attribute).map_or("", String::as_str);
            [event.actor.as_str(), named].iter().any(|name| *name == value || without_tag(name) == value)
        }
        _ => {
            let named = event.attributes.get("name").map_or("", String::as_str);
            event.actor.starts_with(value) || named.starts_with(value)
        }
    }
}

/// The name of an image without its tag.
fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    }
}

fn has_label(event: &Event, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => event.attributes.get(key).is_some_and(|found| found == value),
        None => event.attributes.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let attributes = [("image", "busybox:latest"), ("name", "web"), ("tier", "front"), ("exitCode", "0")];
        Event {
            sequence: 1,
            time: 1,
            kind: "container".into(),
            action: "exec_start: sh -c date".into(),
            actor: "abcdef".into(),
            attributes: attributes.map(|(key, value)| (key.into(), value.into())).into(),
        }
    }

    fn matches(name: &str, values: &[&str]) -> bool {
        let values = values.iter().map(|value| (*value).into()).collect();
        fits(&event(), &Filters::from([(name.into(), values)]))
    }

    #[test]
    fn report_25_events_are_filtered_as_docker_does() {
        assert!(matches("type", &["image", "container"]));
        assert!(!matches("type", &["image"]));
        assert!(matches("event", &["exec_start"]));
        assert!(!matches("event", &["exec"]));
        assert!(matches("container", &["web"]));
        assert!(matches("container", &["abc"]));
        assert!(!matches("container", &["db"]));
        assert!(matches("image", &["busybox"]));
        assert!(matches("image", &["busybox:latest"]));
        assert!(matches("label", &["tier=front", "image"]));
        assert!(!matches("label", &["tier=front", "absent"]));
        assert!(check(&Filters::from([("colour".into(), vec![])])).is_err());
    }
}
