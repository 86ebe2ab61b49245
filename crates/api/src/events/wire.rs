//! Docker's JSON of an event.

use crate::http::Version;
use crate::http::time::SECOND;
use sampan_engine::events::Event;
use serde::Serialize;
use std::collections::BTreeMap;

/// `EventMessage`, with the fields of before 1.22 that clients under 1.52 still read.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(rename = "Type")]
    kind: &'a str,
    #[serde(rename = "Action")]
    action: &'a str,
    #[serde(rename = "Actor")]
    actor: Actor<'a>,
    scope: &'static str,
    time: i64,
    #[serde(rename = "timeNano")]
    time_nano: i64,
}

#[derive(Debug, Serialize)]
struct Actor<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    #[serde(rename = "Attributes")]
    attributes: &'a BTreeMap<String, String>,
}

/// The event as a client of this version reads it; `None` for one that it must not see.
pub(super) fn message(event: &Event, version: Version) -> Option<Message<'_>> {
    if event.kind == "image" && event.action == "create" && version < Version(46) {
        return None;
    }
    let legacy = version < Version(52) && matches!(event.kind.as_str(), "container" | "image");
    let image = event.attributes.get("image").map(String::as_str);
    Some(Message {
        status: legacy.then_some(event.action.as_str()),
        id: legacy.then_some(event.actor.as_str()),
        from: image.filter(|_| legacy && event.kind == "container"),
        kind: &event.kind,
        action: &event.action,
        actor: Actor { id: &event.actor, attributes: &event.attributes },
        scope: "local",
        time: event.time.div_euclid(SECOND),
        time_nano: event.time,
    })
}
