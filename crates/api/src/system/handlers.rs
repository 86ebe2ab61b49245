//! Handlers: parse, call, convert.

use super::backend::Backend;
use super::info;
use crate::http::{Call, Outcome, reply};
use sampan_error::Result;

/// `GET /info`
pub(super) async fn info<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let info = call.engine.info().await?;
    Ok(reply::ok(&info::reply(info))?.into())
}

/// What a sign-in says.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct SignedIn {
    status: &'static str,
    identity_token: String,
}

/// `POST /auth`
pub(super) async fn auth<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let credentials = call.json().await?;
    let identity_token = call.engine.login(credentials).await?;
    Ok(reply::ok(&SignedIn { status: "Login Succeeded", identity_token })?.into())
}
