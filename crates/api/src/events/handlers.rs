//! The handler: parse, call, convert.

use super::backend::Backend;
use super::matching;
use super::stream::Live;
use crate::http::time::{now, unix};
use crate::http::{Call, Form, Outcome, filters, reply};
use sampan_error::{Error, Result};

/// `GET /events`
pub(super) async fn events<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (since, until) = (time(&call.query, "since")?, time(&call.query, "until")?);
    if let (Some(since), Some(until)) = (since, until)
        && since > until
    {
        return Err(Error::invalid(format!(
            "`since` time ({}) cannot be after `until` time ({})",
            call.query.get("since"),
            call.query.get("until")
        )));
    }
    let filters = filters::parse(&call.query)?;
    matching::check(&filters)?;
    let now = now();
    // Subscribed before the past is read, so that nothing is missed between both.
    let receiver = call.engine.subscribe();
    let only_past = until.is_some_and(|until| until <= now);
    let mut live = Live::new(call.engine, receiver, call.version, filters, until);
    if since.is_some() || only_past {
        live.add_past(since.unwrap_or(0), until.unwrap_or(i64::MAX)).await?;
    }
    if only_past {
        live.end_after_past();
    }
    Ok(reply::stream("application/json", live.into_stream()).into())
}

fn time(query: &Form, name: &str) -> Result<Option<i64>> {
    let Some(text) = query.text(name) else { return Ok(None) };
    match unix(text) {
        Some(time) => Ok(Some(time)),
        None => Err(Error::invalid(format!("invalid value for {name:?}: {text:?} is not a Unix time"))),
    }
}
