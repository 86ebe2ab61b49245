//! Asks the engine for one object of a type.

use crate::client::Query;
use crate::commands::ashore;
use crate::failure::{Failure, Result};
use crate::format::inspect::Inspected;
use crate::format::json::Html;
use crate::format::schema::{Struct, container, image, network, volume};
use crate::format::value::Value;
use crate::session::Session;

/// An object of the named type; the size is only asked for where the type is a container.
pub(super) fn any(session: &Session, kind: &str, name: &str, size: bool) -> Result<Inspected> {
    match kind {
        "container" => container(session, name, size),
        "image" => image(session, name, Query::new()),
        "network" => network(session, name, false),
        "volume" => volume(session, name),
        other => {
            let plural = format!("{other}s");
            let name = named(other, name)?;
            let suffix = if other == "plugin" { "/json" } else { "" };
            let query = Query::new().with_if(other == "service", "insertDefaults", "true");
            document(session, &format!("/{plural}/{name}{suffix}"), &query, None)
        }
    }
}

/// A container.
pub(super) fn container(session: &Session, name: &str, size: bool) -> Result<Inspected> {
    let path = format!("/containers/{}/json", named("container", name)?);
    let query = Query::new().with_if(size, "size", "1");
    let schema = &container::CONTAINER_INSPECT_RESPONSE;
    document(session, &path, &query, Some(schema)).or_else(|failure| {
        // One that was moved away is shown where it lives.
        let client = session.client()?;
        let there = ashore::inspect(client, &ashore::elsewhere(client, name, failure)?)?;
        let document = serde_json::to_string(&there)?;
        Ok(Inspected { typed: Value::untyped(&there), document, from_engine: true })
    })
}

/// An image; the query may ask for a platform.
pub(super) fn image(session: &Session, name: &str, query: Query) -> Result<Inspected> {
    if name.is_empty() {
        return Err(Failure::message("Error: No such image: "));
    }
    document(session, &format!("/images/{name}/json"), &query, Some(&image::IMAGE_INSPECT_RESPONSE))
}

/// A network.
pub(super) fn network(session: &Session, name: &str, verbose: bool) -> Result<Inspected> {
    let name = named("network", name)?;
    let query = Query::new().with_if(verbose, "verbose", "true");
    document(session, &format!("/networks/{name}"), &query, Some(&network::NETWORK_INSPECT))
}

/// A volume.
pub(super) fn volume(session: &Session, name: &str) -> Result<Inspected> {
    let name = named("volume", name)?;
    document(session, &format!("/volumes/{name}"), &Query::new(), Some(&volume::VOLUME_VOLUME))
}

/// A volume as `volume inspect` shows it: only what Docker's type of it has.
pub(super) fn typed_volume(session: &Session, name: &str) -> Result<Inspected> {
    let mut volume = volume(session, name)?;
    volume.document.clear();
    volume.typed.write_json(&mut volume.document, Html::Escaped);
    volume.from_engine = false;
    Ok(volume)
}

/// The name without the blanks around it, which must leave something.
fn named<'a>(kind: &str, name: &'a str) -> Result<&'a str> {
    match name.trim() {
        "" => Err(Failure::message(format!("invalid {kind} name or ID: value is empty"))),
        name => Ok(name),
    }
}

fn document(
    session: &Session,
    path: &str,
    query: &Query,
    schema: Option<&'static Struct>,
) -> Result<Inspected> {
    let document = session.client()?.get(path, query)?.text()?;
    let parsed: serde_json::Value = serde_json::from_str(&document)?;
    let typed = schema.map_or_else(|| Value::untyped(&parsed), |schema| schema.decode(&parsed));
    Ok(Inspected { typed, document, from_engine: true })
}
