//! Handlers: parse, call, convert.

use super::backend::Backend;
use super::info;
use crate::http::{Call, Outcome, reply};
use sampan_error::{Error, Kind, Result};

/// `GET /info`
pub(super) async fn info<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let info = call.engine.info().await?;
    Ok(reply::ok(&info::reply(info))?.into())
}

/// `POST /auth`
pub(super) async fn auth<E: Backend>(_call: Call<E>) -> Result<Outcome> {
    Err(Error::new(
        Kind::NotImplemented,
        "signing in to a registry is not part of this version of Sampan yet",
    ))
}
